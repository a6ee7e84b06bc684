-- Years of history in minutes: what events of the past have left behind, written set-based, a portion a call.
-- `v_status` is `completed` for what was paid, or `locked` for what waits for a role of its beneficiary. Attempts
-- and status changes of the past are left out: nothing that is measured reads them.
CREATE OR REPLACE FUNCTION benchmark_fill(
    v_code text, v_events int, v_letter text, v_first int, v_last int, v_status text
)
RETURNS void LANGUAGE sql AS $$
WITH campaign AS (
    SELECT c.id, (SELECT v.id FROM campaigns_ruleversion v WHERE v.campaign_id = c.id ORDER BY v.number LIMIT 1) AS version
    FROM campaigns_referralcampaign c WHERE c.code = v_code
), happened AS MATERIALIZED (
    SELECT v_letter || lpad((v_first + floor(random() * (v_last - v_first + 1)))::int::text, 6, '0') AS referred,
           now() - random() * interval '300 days' AS at
    FROM generate_series(1, v_events)
), picked AS MATERIALIZED (
    SELECT uuidv7() AS event, happened.referred, happened.at,
           one.referrer_user_id AS level1, two.referrer_user_id AS level2
    FROM happened
    JOIN referral_referralrelation one ON one.referred_user_id = happened.referred AND one.is_invitation
    JOIN referral_referralrelation two ON two.referred_user_id = one.referrer_user_id AND two.is_invitation
), events AS (
    INSERT INTO referral_referralevent (
        id, campaign_id, rule_version_id, event_type, source_service, external_event_id, idempotency_key,
        fingerprint, referrer_user_id, referred_user_id, subject_type, subject_id, amount_base, occurred_at,
        created_at
    )
    SELECT p.event, campaign.id, campaign.version, 'quest_purchased', 'quest_service', p.event::text,
           'i:' || p.event, repeat('f', 64), p.level1, p.referred, 'quest', 'quest-1', 499.9, p.at, p.at
    FROM picked p, campaign
), earned AS MATERIALIZED (
    SELECT p.event, p.at, v.person, v.level, v.points
    FROM picked p CROSS JOIN LATERAL (VALUES (p.level1, 1, 10), (p.level2, 2, 5)) AS v(person, level, points)
), rewards AS (
    INSERT INTO rewards_referralreward (
        id, referral_event_id, campaign_id, beneficiary_user_id, beneficiary_level, currency,
        points_amount, status, required_min_role, available_at, created_at, updated_at, external_tx_id,
        in_doubt, attempts, failures, last_error, mint_number
    )
    SELECT uuidv7(), e.event, campaign.id, e.person, e.level, 'points', e.points, v_status,
           CASE WHEN v_status = 'locked' THEN 'vip' END, e.at, e.at, e.at,
           CASE WHEN v_status = 'completed' THEN 'tx-' || e.event END, false, 1, 0, '', 1
    FROM earned e, campaign
), referred AS (
    INSERT INTO rewards_referredcounter AS c (campaign_id, referred_key, events)
    SELECT campaign.id, p.referred, count(*) FROM picked p, campaign GROUP BY 1, 2
    ON CONFLICT (campaign_id, referred_key) DO UPDATE SET events = c.events + excluded.events
), days AS (
    INSERT INTO rewards_referrerdaycounter AS c (campaign_id, referrer_user_id, day, events)
    SELECT campaign.id, p.level1, (p.at AT TIME ZONE 'UTC')::date, count(*) FROM picked p, campaign GROUP BY 1, 2, 3
    ON CONFLICT (campaign_id, referrer_user_id, day) DO UPDATE SET events = c.events + excluded.events
)
INSERT INTO rewards_referralstats AS s (
    id, user_id, campaign_id, total_referred_users, total_events,
    points_earned, points_pending, points_locked, g2a_earned, g2a_pending, g2a_locked
)
SELECT uuidv7(), e.person, campaign.id, 0, count(*) FILTER (WHERE e.level = 1),
       CASE WHEN v_status = 'completed' THEN sum(e.points) ELSE 0 END, 0,
       CASE WHEN v_status = 'locked' THEN sum(e.points) ELSE 0 END, 0, 0, 0
FROM earned e, campaign GROUP BY e.person, campaign.id
ON CONFLICT (user_id, campaign_id) DO UPDATE
SET total_events = s.total_events + excluded.total_events,
    points_earned = s.points_earned + excluded.points_earned,
    points_locked = s.points_locked + excluded.points_locked;
$$;
