-- UUIDv7 for rows that are made inside the database (PostgreSQL has its own only from version 18).
CREATE FUNCTION referral_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6
                ), 52, 1
            ), 53, 1
        ), 'hex'
    )::uuid
$$;

-- Whether walking up from `descendant`, over the relations of all campaigns, comes to `ancestor` (invariant D2).
CREATE FUNCTION referral_leads_to(ancestor text, descendant text) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH RECURSIVE upline(user_id) AS (
        SELECT descendant
        UNION
        SELECT relation.referrer_user_id
        FROM upline JOIN referral_referralrelation relation ON relation.referred_user_id = upline.user_id
    )
    SELECT EXISTS (SELECT FROM upline WHERE upline.user_id = ancestor)
$$;

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON referral_referralevent
    FOR EACH ROW EXECUTE FUNCTION referral_refuse_change();

-- Every event, and every status change of a reward, gets the next number of one sequence when its row is written.
-- What was over before a row was written has a lower number, so the numbers are an order of history
-- (docs/analytics.md). The transaction has its id before it draws a number: a number that is missing is lost for
-- good once all transactions with lower ids than somebody who missed it are over.
CREATE SEQUENCE referral_recorded;

ALTER TABLE referral_referralevent
    ADD COLUMN recorded_no bigint NOT NULL
        DEFAULT CASE WHEN pg_current_xact_id() > '0' THEN nextval('referral_recorded') END;
