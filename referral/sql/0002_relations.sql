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
