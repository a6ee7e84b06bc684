-- What rewards that failed for the same cause have in common: the HTTP status with the peer's error code or, where it
-- gives no code, the text without what differs from reward to reward. `last_error` is written by rewards/payouts/claim.py:
-- "HTTP 422 ACCOUNT_CLOSED the account of u-17 is closed". A code is a first word with an underscore, in capitals or
-- in camel case; peers do not agree with themselves on small and capital letters.
CREATE FUNCTION referral_error_group(last_error text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(
        upper(substring(last_error FROM
            '^(?:HTTP [0-9]{3} |(?!HTTP ))(?:[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+|[A-Z]{3,}[A-Z0-9]*|[a-z]+(?:[A-Z][a-z0-9]+)+)(?=[ :]|$)'
        )),
        -- Quoted words, and words with a digit in them (but for the HTTP status), are ids and amounts.
        nullif(left(regexp_replace(
            regexp_replace(last_error, '"[^"]*"|''[^'']*''|«[^»]*»|“[^”]*”', '…', 'g'),
            '(?<!^HTTP )(?<![^ ])[^ ]*[0-9][^ ]*', '…', 'g'
        ), 160), ''),
        '–'
    )
$$;
