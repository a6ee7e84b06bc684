-- Stats rows are locked in one sorted order everywhere, or batches that share users would deadlock.
-- They are called for every event, so their plans are made once a session; a few keys are looked up at a time,
-- so each is found by its index, whatever the tables' sizes were when the plan was made. The callers' SET
-- clauses hold for the functions that they call.
CREATE FUNCTION referral_stats_lock(users text[], campaigns uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- Makes the rows that are missing, locks those that are there, and changes nothing.
    INSERT INTO rewards_referralstats AS s (
        id, user_id, campaign_id, total_referred_users, total_events,
        points_earned, points_pending, points_locked, g2a_earned, g2a_pending, g2a_locked
    )
    SELECT referral_uuid7(), x.user_id, x.campaign_id, 0, 0, 0, 0, 0, 0, 0, 0
    FROM (
        SELECT DISTINCT u.campaign_id, u.user_id FROM unnest(users, campaigns) AS u(user_id, campaign_id)
        WHERE u.user_id IS NOT NULL
    ) x
    ORDER BY x.campaign_id, x.user_id
    ON CONFLICT (user_id, campaign_id) DO UPDATE SET total_events = s.total_events WHERE false;
END $$;

-- Adds differences to stats rows that are there and locked. One entry a (user, campaign); absent is zero.
CREATE FUNCTION referral_stats_change(deltas jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rewards_referralstats s
    SET total_referred_users = s.total_referred_users + coalesce(d.referred_users, 0),
        total_events = s.total_events + coalesce(d.events, 0),
        points_earned = s.points_earned + coalesce(d.points_earned, 0),
        points_pending = s.points_pending + coalesce(d.points_pending, 0),
        points_locked = s.points_locked + coalesce(d.points_locked, 0),
        g2a_earned = s.g2a_earned + coalesce(d.g2a_earned, 0),
        g2a_pending = s.g2a_pending + coalesce(d.g2a_pending, 0),
        g2a_locked = s.g2a_locked + coalesce(d.g2a_locked, 0)
    FROM jsonb_to_recordset(deltas) AS d(
        user_id text, campaign_id uuid, referred_users int, events int,
        points_earned bigint, points_pending bigint, points_locked bigint,
        g2a_earned numeric, g2a_pending numeric, g2a_locked numeric
    )
    WHERE s.user_id = d.user_id AND s.campaign_id = d.campaign_id;
END $$;

-- The same for rows that may be missing and are not locked yet.
CREATE FUNCTION referral_stats_add(deltas jsonb) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_user text[]; v_campaign uuid[];
BEGIN
    SELECT array_agg(d.user_id), array_agg(d.campaign_id) INTO v_user, v_campaign
    FROM jsonb_to_recordset(deltas) AS d(user_id text, campaign_id uuid);
    PERFORM referral_stats_lock(v_user, v_campaign);
    PERFORM referral_stats_change(deltas);
END $$;
