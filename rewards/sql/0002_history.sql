CREATE TRIGGER payout_attempt_append_only BEFORE UPDATE OR DELETE ON rewards_payoutattempt
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();

CREATE TRIGGER reward_transition_append_only BEFORE UPDATE OR DELETE ON rewards_rewardtransition
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();

-- The last line behind rewards/ledger/transitions.py: a status moves along the table or not at all.
CREATE FUNCTION referral_legal_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) IN (
        ('on_hold', 'pending'), ('on_hold', 'cancelled'),
        ('locked', 'pending'), ('locked', 'cancelled'),
        ('pending', 'sent_to_points'), ('pending', 'sent_to_token'), ('pending', 'cancelled'),
        ('sent_to_points', 'completed'), ('sent_to_points', 'pending'), ('sent_to_points', 'failed'),
        ('sent_to_token', 'completed'), ('sent_to_token', 'pending'), ('sent_to_token', 'failed'),
        ('failed', 'pending'), ('failed', 'cancelled')
    ) AND NOT (OLD.in_doubt AND NEW.status = 'cancelled') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a reward cannot go from % to %', OLD.status, NEW.status
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER reward_legal_transition BEFORE UPDATE OF status ON rewards_referralreward
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION referral_legal_transition();

-- Rewards are never deleted: a wrong one is cancelled.
CREATE TRIGGER reward_never_deleted BEFORE DELETE ON rewards_referralreward
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();

-- Status changes are numbered together with events: see referral/sql/0002_relations.sql.
ALTER TABLE rewards_rewardtransition
    ADD COLUMN recorded_no bigint NOT NULL
        DEFAULT CASE WHEN pg_current_xact_id() > '0' THEN nextval('referral_recorded') END;
