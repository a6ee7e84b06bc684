CREATE TRIGGER event_replay_append_only BEFORE UPDATE OR DELETE ON referral_eventreplay
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();
