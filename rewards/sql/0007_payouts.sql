-- The two database calls of a worker (docs/payout.md). Both are called all the time with a few dozen rewards, so
-- their plans are made once a session, and every row is found by its index, whatever the tables' sizes were then.

-- Takes up to `most` due rewards of a peer, longest waiting first, and skips what other workers hold. While the
-- peer's circuit is open only a probe takes anything.
CREATE FUNCTION referral_payouts_claim(
    peer_name text, wanted text, sent text, token uuid, most int, lease double precision, actor text, probe boolean
)
RETURNS TABLE (
    reward_id uuid, event_id uuid, user_id text, level smallint, points bigint, g2a numeric,
    campaign_code text, event_type text, task_id text, mint_number smallint,
    campaign_id uuid, attempt int, failures int, first_failed_at timestamptz, in_doubt boolean, last_error text
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH due AS (
        SELECT id, status FROM rewards_referralreward
        WHERE currency = wanted AND next_attempt_at <= statement_timestamp()
          AND (probe OR NOT EXISTS (
              SELECT FROM rewards_peercircuit circuit WHERE circuit.peer = peer_name AND circuit.state = 'open'
          ))
        ORDER BY next_attempt_at
        LIMIT most
        FOR NO KEY UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE rewards_referralreward reward
        SET status = sent,
            claim_token = token,
            next_attempt_at = statement_timestamp() + make_interval(secs => lease),
            attempts = reward.attempts + CASE WHEN reward.external_task_id IS NULL THEN 1 ELSE 0 END,
            -- Sent before, without an answer on record: whoever asked has died, so it may be booked.
            in_doubt = reward.in_doubt OR (due.status <> 'pending' AND reward.external_task_id IS NULL),
            updated_at = statement_timestamp()
        FROM due WHERE reward.id = due.id
        RETURNING reward.*, due.status AS status_before
    ), trail AS (
        INSERT INTO rewards_rewardtransition (id, reward_id, from_status, to_status, at, actor, reason)
        SELECT referral_uuid7(), id, status_before, status, statement_timestamp(), actor, ''
        FROM claimed WHERE status_before <> status
    )
    SELECT claimed.id, event.id, claimed.beneficiary_user_id::text, claimed.beneficiary_level, claimed.points_amount,
           claimed.g2a_amount, campaign.code::text, event.event_type::text, claimed.external_task_id::text,
           claimed.mint_number, claimed.campaign_id, claimed.attempts, claimed.failures, claimed.first_failed_at,
           claimed.in_doubt, claimed.last_error::text
    FROM claimed
    JOIN referral_referralevent event ON event.id = claimed.referral_event_id
    JOIN campaigns_referralcampaign campaign ON campaign.id = claimed.campaign_id;
END $$;

-- Writes what came of calls: each reward's new state with its trail, the attempts, and the statistics of what is
-- paid; all or nothing. An entry with an `outcome` leaves an attempt. A reward may stand in it once.
CREATE FUNCTION referral_payouts_record(entries jsonb, actor text, why text) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    paid jsonb;
BEGIN
    WITH entry AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(entries) AS e(
            id uuid, token uuid, status text, next_attempt_at timestamptz, in_doubt boolean, failures int,
            first_failed_at timestamptz, last_error text, task_id text, tx_id text, mint_number int, reason text,
            number int, started_at timestamptz, finished_at timestamptz, outcome text, http_status smallint,
            error_code text, message text, peer_reference text, request_id text
        )
    ), held AS (
        -- A paid reward is paid, whoever holds the claim by now; any other answer counts only from its holder.
        SELECT entry.*, reward.status AS status_before
        FROM rewards_referralreward reward JOIN entry ON entry.id = reward.id
        WHERE reward.status IN ('sent_to_points', 'sent_to_token')
          AND (reward.claim_token = entry.token OR entry.status = 'completed')
        ORDER BY reward.id FOR NO KEY UPDATE OF reward
    ), moved AS (
        UPDATE rewards_referralreward reward
        SET status = held.status,
            next_attempt_at = held.next_attempt_at,
            in_doubt = held.in_doubt,
            failures = held.failures,
            first_failed_at = held.first_failed_at,
            last_error = held.last_error,
            external_task_id = held.task_id,
            external_tx_id = coalesce(held.tx_id, reward.external_tx_id),
            mint_number = held.mint_number,
            claim_token = NULL,
            updated_at = statement_timestamp()
        FROM held WHERE reward.id = held.id
        RETURNING reward.id, held.status_before, reward.status, held.reason,
                  reward.campaign_id, reward.beneficiary_user_id, reward.points_amount, reward.g2a_amount
    ), attempt AS (
        INSERT INTO rewards_payoutattempt (
            id, reward_id, number, started_at, finished_at, outcome, http_status, error_code, message,
            peer_reference, request_id
        )
        SELECT referral_uuid7(), entry.id, number, started_at, finished_at, outcome, http_status, error_code, message,
               peer_reference, request_id
        FROM entry WHERE outcome IS NOT NULL
    ), trail AS (
        INSERT INTO rewards_rewardtransition (id, reward_id, from_status, to_status, at, actor, reason)
        SELECT referral_uuid7(), id, status_before, status, statement_timestamp(), actor,
               coalesce(nullif(reason, ''), why)
        FROM moved WHERE status_before <> status
    )
    SELECT jsonb_agg(sums) INTO paid
    FROM (
        SELECT campaign_id, beneficiary_user_id AS user_id,
               sum(points_amount) AS points_earned, -sum(points_amount) AS points_pending,
               sum(g2a_amount) AS g2a_earned, -sum(g2a_amount) AS g2a_pending
        FROM moved WHERE status = 'completed' GROUP BY 1, 2
    ) sums;
    IF paid IS NOT NULL THEN
        PERFORM referral_stats_add(paid);
    END IF;
END $$;
