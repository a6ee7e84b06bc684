-- Opens a batch of events: takes every lock in the order of campaigns/locks.py and returns, for each event,
-- all that its calculation needs. Nothing read here can change before the transaction ends.
--
-- Each statement of a PL/pgSQL function has a snapshot of its own, so what is read after a lock was waited for
-- includes what the other transaction committed.
CREATE FUNCTION referral_events_open(items jsonb)
RETURNS TABLE (
    item int, revision int, duplicate_of uuid, held text, level1 text, level2 text, refusal text,
    role1 text, role2 text, role0 text,
    events_of_referred int, events_of_referrer int, events_that_day int,
    spend_points bigint, spend_g2a numeric
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_item int[]; v_service text[]; v_key text[]; v_campaign uuid[]; v_day date[];
    v_referred text[]; v_about text[]; v_held text[]; v_refusal text[]; v_level1 text[]; v_level2 text[];
    v_stats_user text[]; v_stats_campaign uuid[];
BEGIN
    -- Step 2 of the lock order: the campaigns stay as they are.
    PERFORM pg_advisory_xact_lock_shared(72002, hashtext(c.id))
    FROM (SELECT DISTINCT entry ->> 'campaign' AS id FROM jsonb_array_elements(items) entry ORDER BY 1) c;

    SELECT array_agg(x.item ORDER BY x.item), array_agg(x.service ORDER BY x.item),
           array_agg(x.key ORDER BY x.item), array_agg(x.campaign ORDER BY x.item),
           array_agg(x.day ORDER BY x.item), array_agg(x.referred ORDER BY x.item),
           array_agg(coalesce(x.referred, x.partner) ORDER BY x.item),
           array_agg(x.held ORDER BY x.item), array_agg(x.refusal ORDER BY x.item),
           array_agg(CASE WHEN x.refusal IS NULL THEN coalesce(x.held, x.given) END ORDER BY x.item)
    INTO v_item, v_service, v_key, v_campaign, v_day, v_referred, v_about, v_held, v_refusal, v_level1
    FROM (
        SELECT given.*, relation.referrer_user_id AS held,
               CASE
                   WHEN relation.referrer_user_id IS NOT NULL OR given.given IS NULL OR given.referred IS NULL THEN NULL
                   WHEN given.given = given.referred THEN 'self_referral'
                   WHEN referral_leads_to(given.referred, given.given) THEN 'circular'
               END AS refusal
        FROM jsonb_to_recordset(items) AS given(
                 item int, service text, key text, campaign uuid, day date,
                 referred text, partner text, given text
             )
        -- As far as this campaign is concerned: its own relation, else the invitation.
        LEFT JOIN LATERAL (
            SELECT r.referrer_user_id FROM referral_referralrelation r
            WHERE r.referred_user_id = given.referred AND (r.campaign_id = given.campaign OR r.is_invitation)
            ORDER BY r.campaign_id = given.campaign DESC LIMIT 1
        ) relation ON true
    ) x;

    SELECT array_agg(
        CASE WHEN up.referrer_user_id NOT IN (coalesce(x.referred, ''), x.level1) THEN up.referrer_user_id END
        ORDER BY x.item
    )
    INTO v_level2
    FROM unnest(v_item, v_referred, v_level1, v_campaign) AS x(item, referred, level1, campaign)
    LEFT JOIN LATERAL (
        SELECT r.referrer_user_id FROM referral_referralrelation r
        WHERE r.referred_user_id = x.level1 AND (r.campaign_id = x.campaign OR r.is_invitation)
        ORDER BY r.campaign_id = x.campaign DESC LIMIT 1
    ) up ON true;

    -- Step 3: the roles of everybody who may earn stay as they are. 511 = ROLE_BUCKETS - 1.
    PERFORM pg_advisory_xact_lock_shared(72003, b.bucket)
    FROM (
        SELECT DISTINCT hashtext(u.id) & 511 AS bucket
        FROM unnest(v_level1 || v_level2 || v_referred) AS u(id) WHERE u.id IS NOT NULL ORDER BY 1
    ) b;

    -- Step 5: what must be locked may not exist yet. All missing rows are made first, in key order and before
    -- the first row lock; then all rows are locked, in the same order.
    SELECT array_agg(s.user_id), array_agg(s.campaign_id) INTO v_stats_user, v_stats_campaign
    FROM (
        SELECT DISTINCT s.user_id, s.campaign_id
        FROM jsonb_to_recordset(items) AS given(item int, second boolean, welcome boolean)
        JOIN unnest(v_item, v_level1, v_level2, v_referred, v_campaign)
             AS x(item, level1, level2, referred, campaign) ON x.item = given.item
        CROSS JOIN LATERAL (VALUES
            (x.level1, x.campaign),
            (CASE WHEN given.second THEN x.level2 END, x.campaign),
            (CASE WHEN given.welcome THEN x.referred END, x.campaign)
        ) AS s(user_id, campaign_id)
        WHERE x.level1 IS NOT NULL AND s.user_id IS NOT NULL
    ) s;

    INSERT INTO rewards_referredcounter (campaign_id, referred_key, events)
    SELECT DISTINCT x.campaign, x.about, 0
    FROM unnest(v_campaign, v_about, v_level1) AS x(campaign, about, level1)
    WHERE x.level1 IS NOT NULL AND NOT EXISTS (
        SELECT FROM rewards_referredcounter c WHERE c.campaign_id = x.campaign AND c.referred_key = x.about
    )
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;

    INSERT INTO rewards_referrerdaycounter (campaign_id, referrer_user_id, day, events)
    SELECT DISTINCT x.campaign, x.level1, x.day, 0
    FROM unnest(v_campaign, v_level1, v_day) AS x(campaign, level1, day)
    WHERE x.level1 IS NOT NULL AND NOT EXISTS (
        SELECT FROM rewards_referrerdaycounter c
        WHERE c.campaign_id = x.campaign AND c.referrer_user_id = x.level1 AND c.day = x.day
    )
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;

    PERFORM referral_stats_ensure(v_stats_user, v_stats_campaign);

    PERFORM FROM rewards_referredcounter c
    WHERE (c.campaign_id, c.referred_key) IN (
        SELECT x.campaign, x.about FROM unnest(v_campaign, v_about, v_level1) AS x(campaign, about, level1)
        WHERE x.level1 IS NOT NULL
    )
    ORDER BY c.campaign_id, c.referred_key FOR NO KEY UPDATE OF c;

    PERFORM FROM rewards_referrerdaycounter c
    WHERE (c.campaign_id, c.referrer_user_id, c.day) IN (
        SELECT x.campaign, x.level1, x.day FROM unnest(v_campaign, v_level1, v_day) AS x(campaign, level1, day)
    )
    ORDER BY c.campaign_id, c.referrer_user_id, c.day FOR NO KEY UPDATE OF c;

    PERFORM referral_stats_lock(v_stats_user, v_stats_campaign);

    -- Step 6: the budgets, last.
    PERFORM FROM campaigns_campaignspend s
    WHERE s.campaign_id = ANY (v_campaign) ORDER BY s.campaign_id FOR NO KEY UPDATE OF s;

    RETURN QUERY
    SELECT x.item, campaign.revision, event.id, x.held, x.level1, x.level2, x.refusal,
           r1.role::text, r2.role::text, r0.role::text,
           coalesce(referred.events, 0), coalesce(stats.total_events, 0), coalesce(today.events, 0),
           spend.points, spend.g2a
    FROM unnest(v_item, v_service, v_key, v_campaign, v_day, v_referred, v_about, v_held, v_refusal, v_level1, v_level2)
         AS x(item, service, key, campaign_id, day, referred, about, held, refusal, level1, level2)
    JOIN campaigns_referralcampaign campaign ON campaign.id = x.campaign_id
    LEFT JOIN referral_referralevent event ON event.source_service = x.service AND event.idempotency_key = x.key
    LEFT JOIN referral_userrole r1 ON r1.user_id = x.level1
    LEFT JOIN referral_userrole r2 ON r2.user_id = x.level2
    LEFT JOIN referral_userrole r0 ON r0.user_id = x.referred
    LEFT JOIN rewards_referredcounter referred
           ON referred.campaign_id = x.campaign_id AND referred.referred_key = x.about
    LEFT JOIN rewards_referralstats stats ON stats.user_id = x.level1 AND stats.campaign_id = x.campaign_id
    LEFT JOIN rewards_referrerdaycounter today
           ON today.campaign_id = x.campaign_id AND today.referrer_user_id = x.level1 AND today.day = x.day
    LEFT JOIN campaigns_campaignspend spend ON spend.campaign_id = x.campaign_id
    ORDER BY x.item;
END $$;
