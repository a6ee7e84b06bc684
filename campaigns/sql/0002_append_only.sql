-- History is append-only (invariant D14). Tables that keep history get this trigger.
-- Erasure may replace ids: it says so with SET LOCAL referral.erasing = 'on', and only updates pass.
CREATE FUNCTION referral_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('referral.erasing', true) = 'on' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER rule_version_append_only BEFORE UPDATE OR DELETE ON campaigns_ruleversion
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();
