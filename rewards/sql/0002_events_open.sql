-- Opens a batch of events: takes every lock in the order of campaigns/locks.py and returns, for each event,
-- all that its calculation needs. Nothing read here can change before the transaction ends.
--
-- Each statement of a PL/pgSQL function has a snapshot of its own, so what is read after a lock was waited for
-- includes what the other transaction committed.
--
-- An item says which of its beneficiaries may earn (`second`, `welcome`) and whose role decides something
-- (`role1`, `role2`, `role0`), by any version of the campaign's rules.
CREATE FUNCTION referral_events_open(items jsonb)
RETURNS TABLE (
    revision int, duplicate_of uuid, held text, level1 text, level2 text, refusal text,
    role1 text, role2 text, role0 text,
    events_of_referred int, events_of_referrer int, events_that_day int,
    spend_points bigint, spend_g2a numeric
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_service text[]; v_key text[]; v_campaign uuid[]; v_day date[]; v_about text[];
    v_held text[]; v_refusal text[]; v_level1 text[]; v_level2 text[];
    v_second text[]; v_welcome text[]; v_role1 text[]; v_role2 text[]; v_role0 text[];
    v_budget boolean;
BEGIN
    SELECT array_agg(x.service), array_agg(x.key), array_agg(x.campaign), array_agg(x.day), array_agg(x.about),
           array_agg(x.held), array_agg(x.refusal), array_agg(x.level1), array_agg(x.level2),
           array_agg(CASE WHEN x.second THEN x.level2 END),
           array_agg(CASE WHEN x.welcome AND x.level1 IS NOT NULL THEN x.referred END),
           array_agg(CASE WHEN x.role1 THEN x.level1 END), array_agg(CASE WHEN x.role2 THEN x.level2 END),
           array_agg(CASE WHEN x.role0 THEN x.referred END), bool_or(x.budget)
    INTO v_service, v_key, v_campaign, v_day, v_about, v_held, v_refusal, v_level1, v_level2,
         v_second, v_welcome, v_role1, v_role2, v_role0, v_budget
    FROM (
        SELECT given.*, coalesce(given.referred, given.partner) AS about,
               relation.referrer_user_id AS held, refused.refusal, named.level1,
               CASE
                   WHEN up.referrer_user_id NOT IN (coalesce(given.referred, ''), named.level1)
                   THEN up.referrer_user_id
               END AS level2
        FROM jsonb_to_recordset(items) AS given(
                 item int, service text, key text, campaign uuid, day date, referred text, partner text, given text,
                 second boolean, welcome boolean, role1 boolean, role2 boolean, role0 boolean, budget boolean
             )
        -- As far as this campaign is concerned: its own relation, else the invitation.
        LEFT JOIN LATERAL (
            SELECT r.referrer_user_id FROM referral_referralrelation r
            WHERE r.referred_user_id = given.referred AND (r.campaign_id = given.campaign OR r.is_invitation)
            ORDER BY r.campaign_id = given.campaign DESC LIMIT 1
        ) relation ON true
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN relation.referrer_user_id IS NOT NULL OR given.given IS NULL OR given.referred IS NULL THEN NULL
                WHEN given.given = given.referred THEN 'self_referral'
                WHEN referral_leads_to(given.referred, given.given) THEN 'circular'
            END AS refusal
        ) refused
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN refused.refusal IS NULL THEN coalesce(relation.referrer_user_id, given.given)
            END AS level1
        ) named
        LEFT JOIN LATERAL (
            SELECT r.referrer_user_id FROM referral_referralrelation r
            WHERE r.referred_user_id = named.level1 AND (r.campaign_id = given.campaign OR r.is_invitation)
            ORDER BY r.campaign_id = given.campaign DESC LIMIT 1
        ) up ON true
        ORDER BY given.item
    ) x;

    -- Steps 2 and 3 of the lock order: the campaigns stay as they are, and so do the roles that decide something.
    -- 511 = ROLE_BUCKETS - 1.
    PERFORM pg_advisory_xact_lock_shared(wanted.class, wanted.key)
    FROM (
        SELECT 72002 AS class, hashtext(c.id::text) AS key FROM unnest(v_campaign) AS c(id)
        UNION
        SELECT 72003, hashtext(u.id) & 511 FROM unnest(v_role1 || v_role2 || v_role0) AS u(id) WHERE u.id IS NOT NULL
        ORDER BY 1, 2
    ) wanted;

    -- Step 5: what must be locked may not exist yet. A missing row is made and one that is there is locked, both
    -- in key order; nothing changes yet. The counters of days are kept by their referrer's stats row.
    INSERT INTO rewards_referredcounter AS c (campaign_id, referred_key, events)
    SELECT DISTINCT x.campaign, x.about, 0
    FROM unnest(v_campaign, v_about, v_level1) AS x(campaign, about, level1)
    WHERE x.level1 IS NOT NULL
    ORDER BY 1, 2
    ON CONFLICT (campaign_id, referred_key) DO UPDATE SET events = c.events WHERE false;

    PERFORM referral_stats_lock(
        v_level1 || v_second || v_welcome, v_campaign || v_campaign || v_campaign
    );

    -- Step 6: the budgets, last.
    IF v_budget THEN
        PERFORM FROM campaigns_campaignspend s
        WHERE s.campaign_id = ANY (v_campaign) ORDER BY s.campaign_id FOR NO KEY UPDATE OF s;
    END IF;

    RETURN QUERY
    SELECT campaign.revision, event.id, x.held, x.level1, x.level2, x.refusal,
           r1.role::text, r2.role::text, r0.role::text,
           coalesce(referred.events, 0), coalesce(stats.total_events, 0), coalesce(today.events, 0),
           spend.points, spend.g2a
    FROM unnest(
             v_service, v_key, v_campaign, v_day, v_about, v_held, v_refusal, v_level1, v_level2, v_role1, v_role2, v_role0
         ) WITH ORDINALITY AS x(
             service, key, campaign_id, day, about, held, refusal, level1, level2, role1, role2, role0, item
         )
    JOIN campaigns_referralcampaign campaign ON campaign.id = x.campaign_id
    LEFT JOIN referral_referralevent event ON event.source_service = x.service AND event.idempotency_key = x.key
    LEFT JOIN referral_userrole r1 ON r1.user_id = x.role1
    LEFT JOIN referral_userrole r2 ON r2.user_id = x.role2
    LEFT JOIN referral_userrole r0 ON r0.user_id = x.role0
    LEFT JOIN rewards_referredcounter referred
           ON referred.campaign_id = x.campaign_id AND referred.referred_key = x.about
    LEFT JOIN rewards_referralstats stats ON stats.user_id = x.level1 AND stats.campaign_id = x.campaign_id
    LEFT JOIN rewards_referrerdaycounter today
           ON today.campaign_id = x.campaign_id AND today.referrer_user_id = x.level1 AND today.day = x.day
    LEFT JOIN campaigns_campaignspend spend ON spend.campaign_id = x.campaign_id
    ORDER BY x.item;
END $$;
