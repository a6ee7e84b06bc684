-- "The next rows to send", and "is this missing number there by now".
CREATE INDEX event_by_recorded_no ON referral_referralevent (recorded_no);
CREATE INDEX transition_by_recorded_no ON rewards_rewardtransition (recorded_no);

CREATE FUNCTION referral_numbers(numbers bigint[]) RETURNS int8multirange LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(range_agg(int8range(number, number, '[]')), '{}') FROM unnest(numbers) AS number
$$;

-- How far Analytics is: one row. `unsent` are the numbers that are not done with, the whole future included;
-- `missing` those among them that were passed over because no row had them, noted by transaction `missing_xid`.
-- `next_attempt_at` is when a sender may take the work; taking it moves the time ahead by the lease.
CREATE TABLE rewards_analyticscursor (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    unsent int8multirange NOT NULL DEFAULT '{[1,)}' CHECK (upper_inf(unsent)),
    missing int8multirange NOT NULL DEFAULT '{}',
    missing_xid xid8 NOT NULL DEFAULT '0',
    claim_token uuid,
    next_attempt_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO rewards_analyticscursor DEFAULT VALUES;
