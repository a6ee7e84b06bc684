-- Writes a batch that was opened and decided. The counter, stats and spend rows are locked since it was opened.
-- A key that another transaction took in the meantime ends it with a unique violation and nothing written.
--
-- When that was is this database's to say, as in referral_events_at_once: callers' clocks go differently.
CREATE OR REPLACE FUNCTION referral_events_write(
    events jsonb, rewards jsonb, referred jsonb, days jsonb, stats jsonb, spend jsonb
)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    UPDATE rewards_referredcounter c SET events = c.events + d.events
    FROM jsonb_to_recordset(referred) AS d(campaign_id uuid, referred_key text, events int)
    WHERE c.campaign_id = d.campaign_id AND c.referred_key = d.referred_key;

    PERFORM referral_stats_change(stats);

    INSERT INTO rewards_referrerdaycounter AS c (campaign_id, referrer_user_id, day, events)
    SELECT d.campaign_id, d.referrer_user_id, d.day, d.events
    FROM jsonb_to_recordset(days) AS d(campaign_id uuid, referrer_user_id text, day date, events int)
    ON CONFLICT (campaign_id, referrer_user_id, day) DO UPDATE SET events = c.events + excluded.events;

    IF spend <> '[]' THEN
        UPDATE campaigns_campaignspend s SET points = s.points + d.points, g2a = s.g2a + d.g2a
        FROM jsonb_to_recordset(spend) AS d(campaign_id uuid, points bigint, g2a numeric)
        WHERE s.campaign_id = d.campaign_id;
    END IF;

    INSERT INTO referral_referralevent (
        id, campaign_id, rule_version_id, event_type, source_service, external_event_id, idempotency_key,
        fingerprint, referrer_user_id, referred_user_id, business_partner_id, subject_type, subject_id,
        amount_base, metadata, occurred_at, reason, reason_detail, code_reason, recorded_no, created_at
    )
    SELECT e.*, statement_timestamp()
    FROM (
        -- Numbered in the order of the call, written in the order of keys.
        SELECT given.*, CASE WHEN pg_current_xact_id() > '0' THEN nextval('referral_recorded') END
        FROM jsonb_to_recordset(events) AS given(
            id uuid, campaign_id uuid, rule_version_id uuid, event_type text, source_service text,
            external_event_id text, idempotency_key text, fingerprint text, referrer_user_id text,
            referred_user_id text, business_partner_id text, subject_type text, subject_id text,
            amount_base numeric, metadata jsonb, occurred_at timestamptz, reason text, reason_detail text,
            code_reason text
        )
    ) e
    ORDER BY e.source_service, e.idempotency_key;

    INSERT INTO rewards_referralreward (
        id, referral_event_id, campaign_id, beneficiary_user_id, beneficiary_level, currency,
        points_amount, g2a_amount, status, required_min_role, available_at, created_at, updated_at,
        next_attempt_at, in_doubt, attempts, failures, last_error, mint_number
    )
    SELECT r.*, statement_timestamp(), statement_timestamp(),
           CASE WHEN r.status = 'pending' THEN r.available_at END, false, 0, 0, '', 1
    FROM jsonb_to_recordset(rewards) AS r(
        id uuid, referral_event_id uuid, campaign_id uuid, beneficiary_user_id text,
        beneficiary_level smallint, currency text, points_amount bigint, g2a_amount numeric, status text,
        required_min_role text, available_at timestamptz
    );
END $$;
