-- While processes of the release before are still running, what they write as texts is coded as it comes in. Nothing of
-- this release writes these texts, so that for it no trigger fires; the release after this one drops them all.

CREATE FUNCTION referral_code_last_error() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT error.code, error.params INTO NEW.last_error_code, NEW.last_error_params
    FROM referral_error_of_text(NEW.last_error) AS error;
    RETURN NEW;
END $$;
CREATE TRIGGER reward_error_coded BEFORE INSERT OR UPDATE OF last_error ON rewards_referralreward
    FOR EACH ROW WHEN (NEW.last_error <> '') EXECUTE FUNCTION referral_code_last_error();
CREATE TRIGGER circuit_error_coded BEFORE INSERT OR UPDATE OF last_error ON rewards_peercircuit
    FOR EACH ROW WHEN (NEW.last_error <> '') EXECUTE FUNCTION referral_code_last_error();

CREATE FUNCTION referral_code_reason() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT found.code, found.params INTO NEW.reason_code, NEW.reason_params
    FROM referral_reason_of_text(NEW.from_status, NEW.to_status, NEW.actor, NEW.reason) AS found;
    RETURN NEW;
END $$;
CREATE TRIGGER transition_reason_coded BEFORE INSERT ON rewards_rewardtransition
    FOR EACH ROW WHEN (NEW.reason_code = '' AND NEW.reason <> '') EXECUTE FUNCTION referral_code_reason();

CREATE FUNCTION referral_code_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.cause := coalesce(referral_cause_of_attempt(NEW.outcome, NEW.http_status, NEW.message), '');
    RETURN NEW;
END $$;
CREATE TRIGGER attempt_coded BEFORE INSERT ON rewards_payoutattempt
    FOR EACH ROW WHEN (NEW.cause = '') EXECUTE FUNCTION referral_code_attempt();

CREATE FUNCTION referral_code_finding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.our_facts := referral_fact_of_text(NEW.ours);
    NEW.their_facts := referral_fact_of_text(NEW.theirs);
    RETURN NEW;
END $$;
CREATE TRIGGER finding_coded BEFORE INSERT OR UPDATE OF ours, theirs ON rewards_reconciliationfinding
    FOR EACH ROW WHEN (NEW.ours <> '' OR NEW.theirs <> '') EXECUTE FUNCTION referral_code_finding();

CREATE FUNCTION referral_code_problems() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.problem_list := referral_problems_of_text(NEW.problems);
    RETURN NEW;
END $$;
CREATE TRIGGER run_problems_coded BEFORE INSERT OR UPDATE OF problems ON rewards_reconciliationrun
    FOR EACH ROW WHEN (NEW.problems <> '') EXECUTE FUNCTION referral_code_problems();

-- History is append-only, but for its coding: a code may be put where there is none, and nothing else may change. The
-- last migration of this release ends the exception (0017_coded_for_good.sql).
CREATE FUNCTION referral_refuse_change_but_coding() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    uncoded record := NEW;
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('referral.erasing', true) = 'on' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'rewards_rewardtransition' THEN
        IF OLD.reason_code = '' AND NEW.reason_code <> '' THEN
            uncoded.reason_code := OLD.reason_code;
            uncoded.reason_params := OLD.reason_params;
        END IF;
    ELSIF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'rewards_payoutattempt' THEN
        IF OLD.cause = '' AND NEW.cause <> '' THEN
            uncoded.cause := OLD.cause;
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND uncoded IS NOT DISTINCT FROM OLD AND NEW IS DISTINCT FROM OLD THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER payout_attempt_append_only ON rewards_payoutattempt;
CREATE TRIGGER payout_attempt_append_only BEFORE UPDATE OR DELETE ON rewards_payoutattempt
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change_but_coding();
DROP TRIGGER reward_transition_append_only ON rewards_rewardtransition;
CREATE TRIGGER reward_transition_append_only BEFORE UPDATE OR DELETE ON rewards_rewardtransition
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change_but_coding();

CREATE FUNCTION referral_code_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.problem_list := referral_line_problems_of_text(NEW.problem);
    RETURN NEW;
END $$;
CREATE TRIGGER import_line_coded BEFORE INSERT ON rewards_relationimportline
    FOR EACH ROW WHEN (NEW.problem <> '') EXECUTE FUNCTION referral_code_line();
