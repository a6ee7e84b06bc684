-- Accepts a batch of events of one campaign in a single statement, on the presumption that nothing stands in the way:
-- no limit or budget is reached, no event is known, no caller names another referrer, the campaign is the one that
-- the caller has read. Where the presumption fails nothing is written and the answer is NULL: the caller then takes
-- the two careful steps, referral_events_open and referral_events_write.
--
-- Nothing is priced here. A draft says what a level earns if somebody stands there, and the role that it needs; this
-- function finds out who that is and whether the role is reached. The locks are those of campaigns/locks.py, in its
-- order; the upserts that count take them, and what they return shows whether a limit was passed.
CREATE FUNCTION referral_events_at_once(
    campaign uuid, expected_revision int, per_referred int, per_referrer int, per_day int,
    most_points bigint, most_g2a numeric, has_roles boolean, has_budget boolean, events jsonb, drafts jsonb
)
RETURNS json LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_referred text[]; v_day date[]; v_level1 text[]; v_level2 text[]; v_known boolean;
    r_number int[]; r_id uuid[]; r_event uuid[]; r_user text[]; r_level smallint[]; r_currency text[];
    r_points bigint[]; r_g2a numeric[]; r_status text[]; r_role text[]; r_available timestamptz[];
    v_most bigint; v_points bigint; v_g2a numeric; v_written int;
BEGIN
    -- Who: as far as this campaign is concerned, its own relation, else the invitation.
    SELECT array_agg(x.referred), array_agg(x.day), array_agg(x.level1), array_agg(x.level2),
           bool_or(x.known OR x.named <> coalesce(x.level1, ''))
    INTO v_referred, v_day, v_level1, v_level2, v_known
    FROM (
        SELECT given.referred, given.day, given.named, one.referrer_user_id AS level1,
               CASE
                   WHEN two.referrer_user_id NOT IN (given.referred, one.referrer_user_id) THEN two.referrer_user_id
               END AS level2,
               EXISTS (
                   SELECT FROM referral_referralevent e
                   WHERE e.source_service = given.source_service AND e.idempotency_key = given.idempotency_key
               ) AS known
        FROM jsonb_to_recordset(events) AS given(
            item int, referred text, named text, day date, source_service text, idempotency_key text
        )
        LEFT JOIN LATERAL (
            SELECT r.referrer_user_id FROM referral_referralrelation r
            WHERE r.referred_user_id = given.referred AND (r.campaign_id = campaign OR r.is_invitation)
            ORDER BY r.campaign_id = campaign DESC LIMIT 1
        ) one ON true
        LEFT JOIN LATERAL (
            SELECT r.referrer_user_id FROM referral_referralrelation r
            WHERE r.referred_user_id = one.referrer_user_id AND (r.campaign_id = campaign OR r.is_invitation)
            ORDER BY r.campaign_id = campaign DESC LIMIT 1
        ) two ON true
        ORDER BY given.item
    ) x;
    IF v_known THEN
        RETURN NULL;
    END IF;

    -- The campaign stays as it is, and so do the roles where some decide. 511 = ROLE_BUCKETS - 1.
    PERFORM pg_advisory_xact_lock_shared(72002, hashtext(campaign::text));
    IF has_roles THEN
        PERFORM pg_advisory_xact_lock_shared(72003, bucket.no)
        FROM (
            SELECT DISTINCT hashtext(u.id) & 511 AS no FROM unnest(v_level1 || v_level2 || v_referred) AS u(id)
            WHERE u.id IS NOT NULL
            ORDER BY 1
        ) bucket;
    END IF;

    -- What: the drafts of levels where somebody stands.
    SELECT array_agg(d.number), array_agg(d.id), array_agg(d.event_id), array_agg(d.user_id), array_agg(d.level),
           array_agg(d.currency), array_agg(d.points), array_agg(d.g2a),
           array_agg(CASE WHEN d.reached THEN 'pending' ELSE 'locked' END), array_agg(d.role),
           array_agg(d.available_at), coalesce(sum(d.points), 0), coalesce(sum(d.g2a), 0)
    INTO r_number, r_id, r_event, r_user, r_level, r_currency, r_points, r_g2a, r_status, r_role, r_available,
         v_points, v_g2a
    FROM (
        SELECT x.*, x.role IS NULL OR coalesce(known.role IN (x.role, 'pro'), false) AS reached
        FROM (
            SELECT draft.*,
                   CASE draft.level
                       WHEN 1 THEN v_level1[draft.item]
                       WHEN 2 THEN v_level2[draft.item]
                       ELSE v_referred[draft.item]
                   END AS user_id
            FROM jsonb_to_recordset(drafts) AS draft(
                number int, item int, id uuid, event_id uuid, level smallint, currency text, points bigint,
                g2a numeric, role text, skip boolean, available_at timestamptz
            )
            WHERE v_level1[draft.item] IS NOT NULL
        ) x
        LEFT JOIN referral_userrole known ON has_roles AND known.user_id = x.user_id
        WHERE x.user_id IS NOT NULL
    ) d
    WHERE d.reached OR NOT d.skip;

    BEGIN
        WITH counted AS (
            INSERT INTO rewards_referredcounter AS c (campaign_id, referred_key, events)
            SELECT campaign, x.referred, count(*) FROM unnest(v_referred, v_level1) AS x(referred, level1)
            WHERE x.level1 IS NOT NULL GROUP BY x.referred ORDER BY x.referred
            ON CONFLICT (campaign_id, referred_key) DO UPDATE SET events = c.events + excluded.events
            RETURNING c.events
        )
        SELECT max(counted.events) INTO v_most FROM counted;
        IF v_most > per_referred THEN
            RAISE SQLSTATE 'RF001';
        END IF;

        WITH counted AS (
            INSERT INTO rewards_referralstats AS s (
                id, user_id, campaign_id, total_referred_users, total_events,
                points_earned, points_pending, points_locked, g2a_earned, g2a_pending, g2a_locked
            )
            SELECT referral_uuid7(), x.user_id, campaign, 0, sum(x.events), 0,
                   coalesce(sum(x.points) FILTER (WHERE x.status = 'pending'), 0),
                   coalesce(sum(x.points) FILTER (WHERE x.status = 'locked'), 0), 0,
                   coalesce(sum(x.g2a) FILTER (WHERE x.status = 'pending'), 0),
                   coalesce(sum(x.g2a) FILTER (WHERE x.status = 'locked'), 0)
            FROM (
                SELECT one.user_id, 1 AS events, NULL::text AS status, NULL::bigint AS points, NULL::numeric AS g2a
                FROM unnest(v_level1) AS one(user_id) WHERE one.user_id IS NOT NULL
                UNION ALL
                SELECT r.user_id, 0, r.status, r.points, r.g2a
                FROM unnest(r_user, r_status, r_points, r_g2a) AS r(user_id, status, points, g2a)
            ) x
            GROUP BY x.user_id ORDER BY x.user_id
            ON CONFLICT (user_id, campaign_id) DO UPDATE
            SET total_events = s.total_events + excluded.total_events,
                points_pending = s.points_pending + excluded.points_pending,
                points_locked = s.points_locked + excluded.points_locked,
                g2a_pending = s.g2a_pending + excluded.g2a_pending,
                g2a_locked = s.g2a_locked + excluded.g2a_locked
            RETURNING s.user_id, s.total_events
        )
        SELECT max(counted.total_events) INTO v_most FROM counted WHERE counted.user_id = ANY (v_level1);
        IF v_most > per_referrer THEN
            RAISE SQLSTATE 'RF001';
        END IF;

        WITH counted AS (
            INSERT INTO rewards_referrerdaycounter AS c (campaign_id, referrer_user_id, day, events)
            SELECT campaign, x.level1, x.day, count(*) FROM unnest(v_level1, v_day) AS x(level1, day)
            WHERE x.level1 IS NOT NULL GROUP BY x.level1, x.day ORDER BY x.level1, x.day
            ON CONFLICT (campaign_id, referrer_user_id, day) DO UPDATE SET events = c.events + excluded.events
            RETURNING c.events
        )
        SELECT max(counted.events) INTO v_most FROM counted;
        IF v_most > per_day THEN
            RAISE SQLSTATE 'RF001';
        END IF;

        IF has_budget THEN
            UPDATE campaigns_campaignspend s SET points = s.points + v_points, g2a = s.g2a + v_g2a
            WHERE s.campaign_id = campaign
              AND (v_points = 0 OR most_points IS NULL OR s.points + v_points <= most_points)
              AND (v_g2a = 0 OR most_g2a IS NULL OR s.g2a + v_g2a <= most_g2a);
            IF NOT FOUND THEN
                RAISE SQLSTATE 'RF001';
            END IF;
        END IF;

        INSERT INTO referral_referralevent (
            id, campaign_id, rule_version_id, event_type, source_service, external_event_id, idempotency_key,
            fingerprint, referrer_user_id, referred_user_id, subject_type, subject_id, amount_base, metadata,
            occurred_at, created_at, reason, recorded_no
        )
        SELECT e.id, campaign, e.rule_version_id, e.event_type, e.source_service, e.external_event_id,
               e.idempotency_key, e.fingerprint, e.level1, e.referred, e.subject_type, e.subject_id, e.amount_base,
               e.metadata, e.occurred_at, statement_timestamp(),
               CASE WHEN e.level1 IS NULL THEN 'no_referrer' END, e.recorded_no
        FROM (
            -- Numbered in the order of the call, written in the order of keys.
            SELECT given.*, v_level1[given.item] AS level1,
                   CASE WHEN pg_current_xact_id() > '0' THEN nextval('referral_recorded') END AS recorded_no
            FROM jsonb_to_recordset(events) AS given(
                item int, id uuid, rule_version_id uuid, event_type text, source_service text, external_event_id text,
                idempotency_key text, fingerprint text, referred text, subject_type text, subject_id text,
                amount_base numeric, metadata jsonb, occurred_at timestamptz
            )
        ) e
        JOIN campaigns_referralcampaign c ON c.id = campaign AND c.revision = expected_revision
        ORDER BY e.source_service, e.idempotency_key;
        GET DIAGNOSTICS v_written = ROW_COUNT;
        IF v_written <> cardinality(v_referred) THEN
            RAISE SQLSTATE 'RF001';
        END IF;

        INSERT INTO rewards_referralreward (
            id, referral_event_id, campaign_id, beneficiary_user_id, beneficiary_level, currency,
            points_amount, g2a_amount, status, required_min_role, available_at, created_at, updated_at,
            next_attempt_at, in_doubt, attempts, failures, last_error, mint_number
        )
        SELECT r.id, r.event_id, campaign, r.user_id, r.level, r.currency, r.points, r.g2a, r.status, r.role,
               r.available_at, statement_timestamp(), statement_timestamp(),
               CASE WHEN r.status = 'pending' THEN r.available_at END, false, 0, 0, '', 1
        FROM unnest(
            r_id, r_event, r_user, r_level, r_currency, r_points, r_g2a, r_status, r_role, r_available
        ) AS r(id, event_id, user_id, level, currency, points, g2a, status, role, available_at);
    EXCEPTION WHEN SQLSTATE 'RF001' OR unique_violation THEN
        -- Counters, event and rewards are undone, and their locks given back.
        RETURN NULL;
    END;
    RETURN json_build_object(
        'level1', v_level1, 'numbers', coalesce(r_number, '{}'), 'users', coalesce(r_user, '{}'),
        'statuses', coalesce(r_status, '{}')
    );
END $$;
