-- Recording what came of calls, by codes. See 0007_payouts.sql for how both are called and planned.

-- Writes what came of calls: each reward's new state with its trail, the attempts, and the statistics of what is
-- paid; all or nothing. An entry with an `outcome` leaves an attempt, one that `keeps_error` leaves the reward's last
-- error as it is. A reward may stand in it once.
CREATE FUNCTION referral_payouts_record(entries jsonb, actor text) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    paid jsonb;
BEGIN
    WITH entry AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(entries) AS e(
            id uuid, token uuid, status text, next_attempt_at timestamptz, in_doubt boolean, failures int,
            first_failed_at timestamptz, keeps_error boolean, last_error_code text, last_error_params jsonb,
            task_id text, tx_id text, mint_number int, reason_code text, reason_params jsonb,
            number int, started_at timestamptz, finished_at timestamptz, outcome text, cause text,
            http_status smallint, error_code text, message text, peer_reference text, request_id text
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
            last_error_code = CASE
                WHEN held.keeps_error THEN reward.last_error_code ELSE coalesce(held.last_error_code, '')
            END,
            last_error_params = CASE
                WHEN held.keeps_error THEN reward.last_error_params ELSE coalesce(held.last_error_params, '{}')
            END,
            -- The text of the release before, which is coded again as long as it is there.
            last_error = CASE WHEN held.keeps_error THEN reward.last_error ELSE '' END,
            external_task_id = held.task_id,
            external_tx_id = coalesce(held.tx_id, reward.external_tx_id),
            mint_number = held.mint_number,
            claim_token = NULL,
            updated_at = statement_timestamp()
        FROM held WHERE reward.id = held.id
        RETURNING reward.id, held.status_before, reward.status, held.reason_code, held.reason_params,
                  reward.campaign_id, reward.beneficiary_user_id, reward.points_amount, reward.g2a_amount
    ), attempt AS (
        INSERT INTO rewards_payoutattempt (
            id, reward_id, number, started_at, finished_at, outcome, cause, http_status, error_code, message,
            peer_reference, request_id
        )
        SELECT referral_uuid7(), entry.id, number, started_at, finished_at, outcome, coalesce(cause, ''), http_status,
               error_code, message, peer_reference, request_id
        FROM entry WHERE outcome IS NOT NULL
    ), trail AS (
        INSERT INTO rewards_rewardtransition (
            id, reward_id, from_status, to_status, at, actor, reason_code, reason_params, reason
        )
        SELECT referral_uuid7(), id, status_before, status, statement_timestamp(), actor,
               coalesce(reason_code, ''), coalesce(reason_params, '{}'), ''
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

-- As workers of the release before call it (0007_payouts.sql). A text that they set is coded by a trigger; where they
-- set none, there is no code either.
CREATE OR REPLACE FUNCTION referral_payouts_record(entries jsonb, actor text, why text) RETURNS void
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
            last_error_code = '',
            last_error_params = '{}',
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
