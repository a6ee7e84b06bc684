-- What the product's event path is measured against: the same work by hand, as functions.
--
-- They write every row that the product writes (rewards/sql/0019_events_write.sql), into the same tables with the
-- same indexes, constraints and triggers: the event with its number in the history, two rewards, the counter of
-- the referred user, the counter of the referrer's day, and the statistics of both beneficiaries. All limits are
-- checked under the locks that the counters' upserts take, and branched on: an event beyond a limit is recorded
-- with its reason and earns nothing. tests/dev/benchmarks compares the rows with the product's.
--
-- They do less in what leaves no row: what a level earns is fixed, roles are not looked up, and nothing waits for
-- a change of the campaign. Limits are given, not read. That makes them faster, so the ratios err to our disfavour.

-- One event in one call.
CREATE OR REPLACE FUNCTION benchmark_event(
    v_code text, v_referred text, v_key text, per_referred int, per_referrer int, per_day int
)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_campaign uuid; v_version uuid; v_level1 text; v_level2 text; v_event uuid := uuidv7();
    v_of_referred int; v_of_day int; v_of_referrer int; v_reached text;
BEGIN
    SELECT c.id, (SELECT v.id FROM campaigns_ruleversion v WHERE v.campaign_id = c.id ORDER BY v.number DESC LIMIT 1)
    INTO STRICT v_campaign, v_version
    FROM campaigns_referralcampaign c
    WHERE c.code = v_code AND c.status = 'active'
      AND (c.start_at IS NULL OR c.start_at <= now()) AND (c.end_at IS NULL OR c.end_at > now());

    SELECT r.referrer_user_id INTO STRICT v_level1 FROM referral_referralrelation r
    WHERE r.referred_user_id = v_referred AND (r.campaign_id = v_campaign OR r.is_invitation)
    ORDER BY r.campaign_id = v_campaign DESC LIMIT 1;
    SELECT r.referrer_user_id INTO STRICT v_level2 FROM referral_referralrelation r
    WHERE r.referred_user_id = v_level1 AND (r.campaign_id = v_campaign OR r.is_invitation)
    ORDER BY r.campaign_id = v_campaign DESC LIMIT 1;

    INSERT INTO rewards_referredcounter AS c (campaign_id, referred_key, events)
    VALUES (v_campaign, v_referred, 1)
    ON CONFLICT (campaign_id, referred_key) DO UPDATE SET events = c.events + 1
    RETURNING c.events INTO v_of_referred;
    INSERT INTO rewards_referrerdaycounter AS c (campaign_id, referrer_user_id, day, events)
    VALUES (v_campaign, v_level1, current_date, 1)
    ON CONFLICT (campaign_id, referrer_user_id, day) DO UPDATE SET events = c.events + 1
    RETURNING c.events INTO v_of_day;
    -- A referrer comes before their own referrer in everybody's order, so nobody waits in a circle.
    INSERT INTO rewards_referralstats AS s (
        id, user_id, campaign_id, total_referred_users, total_events,
        points_earned, points_pending, points_locked, g2a_earned, g2a_pending, g2a_locked
    )
    VALUES (uuidv7(), v_level1, v_campaign, 0, 1, 0, 10, 0, 0, 0, 0)
    ON CONFLICT (user_id, campaign_id) DO UPDATE
    SET total_events = s.total_events + 1, points_pending = s.points_pending + 10
    RETURNING s.total_events INTO v_of_referrer;
    INSERT INTO rewards_referralstats AS s (
        id, user_id, campaign_id, total_referred_users, total_events,
        points_earned, points_pending, points_locked, g2a_earned, g2a_pending, g2a_locked
    )
    VALUES (uuidv7(), v_level2, v_campaign, 0, 0, 0, 5, 0, 0, 0, 0)
    ON CONFLICT (user_id, campaign_id) DO UPDATE SET points_pending = s.points_pending + 5;

    v_reached := CASE
        WHEN v_of_referred > per_referred THEN 'max_events_per_referred'
        WHEN v_of_referrer > per_referrer THEN 'max_events_per_referrer'
        WHEN v_of_day > per_day THEN 'max_events_per_referrer_per_day'
    END;
    IF v_reached IS NOT NULL THEN
        UPDATE rewards_referredcounter SET events = events - 1
        WHERE campaign_id = v_campaign AND referred_key = v_referred;
        UPDATE rewards_referrerdaycounter SET events = events - 1
        WHERE campaign_id = v_campaign AND referrer_user_id = v_level1 AND day = current_date;
        UPDATE rewards_referralstats SET total_events = total_events - 1, points_pending = points_pending - 10
        WHERE campaign_id = v_campaign AND user_id = v_level1;
        UPDATE rewards_referralstats SET points_pending = points_pending - 5
        WHERE campaign_id = v_campaign AND user_id = v_level2;
    END IF;

    INSERT INTO referral_referralevent (
        id, campaign_id, rule_version_id, event_type, source_service, external_event_id, idempotency_key,
        fingerprint, referrer_user_id, referred_user_id, subject_type, subject_id, amount_base, occurred_at,
        created_at, reason, reason_detail
    ) VALUES (
        v_event, v_campaign, v_version, 'quest_purchased', 'quest_service', v_key, 'i:' || v_key,
        repeat('f', 64), v_level1, v_referred, 'quest', 'quest-1', 499.9, now(), now(),
        CASE WHEN v_reached IS NOT NULL THEN 'limit_reached' END, v_reached
    );
    IF v_reached IS NULL THEN
        INSERT INTO rewards_referralreward (
            id, referral_event_id, campaign_id, beneficiary_user_id, beneficiary_level, currency,
            points_amount, status, available_at, created_at, updated_at, next_attempt_at,
            in_doubt, attempts, failures, last_error, mint_number
        ) VALUES
            (uuidv7(), v_event, v_campaign, v_level1, 1, 'points',
             10, 'pending', now(), now(), now(), now(), false, 0, 0, '', 1),
            (uuidv7(), v_event, v_campaign, v_level2, 2, 'points',
             5, 'pending', now(), now(), now(), now(), false, 0, 0, '', 1);
    END IF;
    RETURN v_event;
END $$;

-- Many events in one call, set-based; every table's rows in one sorted order, or two batches would wait in a circle.
CREATE OR REPLACE FUNCTION benchmark_events(
    v_code text, v_people text[], per_referred int, per_referrer int, per_day int
)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_campaign uuid; v_version uuid; v_events uuid[]; v_referred text[]; v_level1 text[]; v_level2 text[];
    v_over boolean; v_person text;
BEGIN
    SELECT c.id, (SELECT v.id FROM campaigns_ruleversion v WHERE v.campaign_id = c.id ORDER BY v.number DESC LIMIT 1)
    INTO STRICT v_campaign, v_version
    FROM campaigns_referralcampaign c
    WHERE c.code = v_code AND c.status = 'active'
      AND (c.start_at IS NULL OR c.start_at <= now()) AND (c.end_at IS NULL OR c.end_at > now());

    SELECT array_agg(uuidv7()), array_agg(x.person), array_agg(one.referrer_user_id), array_agg(two.referrer_user_id)
    INTO v_events, v_referred, v_level1, v_level2
    FROM unnest(v_people) AS x(person)
    CROSS JOIN LATERAL (
        SELECT r.referrer_user_id FROM referral_referralrelation r
        WHERE r.referred_user_id = x.person AND (r.campaign_id = v_campaign OR r.is_invitation)
        ORDER BY r.campaign_id = v_campaign DESC LIMIT 1
    ) one
    CROSS JOIN LATERAL (
        SELECT r.referrer_user_id FROM referral_referralrelation r
        WHERE r.referred_user_id = one.referrer_user_id AND (r.campaign_id = v_campaign OR r.is_invitation)
        ORDER BY r.campaign_id = v_campaign DESC LIMIT 1
    ) two;

    WITH referred AS (
        INSERT INTO rewards_referredcounter AS c (campaign_id, referred_key, events)
        SELECT v_campaign, x.person, count(*) FROM unnest(v_referred) AS x(person) GROUP BY x.person ORDER BY x.person
        ON CONFLICT (campaign_id, referred_key) DO UPDATE SET events = c.events + excluded.events
        RETURNING c.events
    )
    SELECT max(events) > per_referred INTO v_over FROM referred;
    WITH days AS (
        INSERT INTO rewards_referrerdaycounter AS c (campaign_id, referrer_user_id, day, events)
        SELECT v_campaign, x.person, current_date, count(*)
        FROM unnest(v_level1) AS x(person) GROUP BY x.person ORDER BY x.person
        ON CONFLICT (campaign_id, referrer_user_id, day) DO UPDATE SET events = c.events + excluded.events
        RETURNING c.events
    )
    SELECT v_over OR max(events) > per_day INTO v_over FROM days;
    WITH stats AS (
        INSERT INTO rewards_referralstats AS s (
            id, user_id, campaign_id, total_referred_users, total_events,
            points_earned, points_pending, points_locked, g2a_earned, g2a_pending, g2a_locked
        )
        SELECT uuidv7(), x.person, v_campaign, 0, sum(x.events), 0, sum(x.points), 0, 0, 0, 0
        FROM (
            SELECT one.person, 1 AS events, 10 AS points FROM unnest(v_level1) AS one(person)
            UNION ALL
            SELECT two.person, 0, 5 FROM unnest(v_level2) AS two(person)
        ) x
        GROUP BY x.person ORDER BY x.person
        ON CONFLICT (user_id, campaign_id) DO UPDATE
        SET total_events = s.total_events + excluded.total_events,
            points_pending = s.points_pending + excluded.points_pending
        RETURNING s.total_events
    )
    SELECT v_over OR max(total_events) > per_referrer INTO v_over FROM stats;
    IF v_over THEN
        RAISE EXCEPTION USING ERRCODE = 'R0001', MESSAGE = 'a limit lies within this batch';
    END IF;

    INSERT INTO referral_referralevent (
        id, campaign_id, rule_version_id, event_type, source_service, external_event_id, idempotency_key,
        fingerprint, referrer_user_id, referred_user_id, subject_type, subject_id, amount_base, occurred_at,
        created_at
    )
    SELECT x.event, v_campaign, v_version, 'quest_purchased', 'quest_service', x.event::text, 'i:' || x.event,
           repeat('f', 64), x.level1, x.referred, 'quest', 'quest-1', 499.9, now(), now()
    FROM unnest(v_events, v_level1, v_referred) AS x(event, level1, referred);

    INSERT INTO rewards_referralreward (
        id, referral_event_id, campaign_id, beneficiary_user_id, beneficiary_level, currency,
        points_amount, status, available_at, created_at, updated_at, next_attempt_at,
        in_doubt, attempts, failures, last_error, mint_number
    )
    SELECT uuidv7(), x.event, v_campaign, earned.person, earned.level, 'points',
           earned.points, 'pending', now(), now(), now(), now(), false, 0, 0, '', 1
    FROM unnest(v_events, v_level1, v_level2) AS x(event, level1, level2)
    CROSS JOIN LATERAL (VALUES (x.level1, 1, 10), (x.level2, 2, 5)) AS earned(person, level, points);
EXCEPTION WHEN SQLSTATE 'R0001' THEN
    -- What the batch wrote is undone; which of its events still earn something shows one at a time.
    FOREACH v_person IN ARRAY v_people LOOP
        PERFORM benchmark_event(v_code, v_person, uuidv7()::text, per_referred, per_referrer, per_day);
    END LOOP;
END $$;
