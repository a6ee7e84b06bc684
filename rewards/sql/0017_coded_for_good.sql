-- Every row of old has its code: history is append-only again without an exception (invariant D14).
DROP TRIGGER payout_attempt_append_only ON rewards_payoutattempt;
CREATE TRIGGER payout_attempt_append_only BEFORE UPDATE OR DELETE ON rewards_payoutattempt
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();
DROP TRIGGER reward_transition_append_only ON rewards_rewardtransition;
CREATE TRIGGER reward_transition_append_only BEFORE UPDATE OR DELETE ON rewards_rewardtransition
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();
DROP FUNCTION IF EXISTS referral_refuse_change_but_coding();
