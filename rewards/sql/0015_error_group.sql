-- What rewards that failed for the same cause have in common, by code: where the peer, or a text of old, said it, the
-- status with the peer's code or the text without what differs (0013_review.sql), else the code. Its body is bound when
-- it is made, because an index that is built knows no search path.
CREATE FUNCTION referral_error_group(code text, params jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN code = '' THEN '–'
    WHEN code IN ('http_status', 'task_failed', 'other') THEN referral_error_group(
        btrim(
            coalesce('HTTP ' || (params ->> 'http_status'), '') || coalesce(' ' || (params ->> 'peer_code'), '')
            || coalesce(' ' || (params ->> 'message'), '')
        )
    )
    ELSE code
END;
