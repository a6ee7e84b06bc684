-- Every event and every status change gets the next number of one sequence when its row is written. What was
-- over before a row was written has a lower number, so the numbers are an order of history; docs/analytics.md.
CREATE SEQUENCE referral_recorded;

ALTER TABLE referral_referralevent ADD COLUMN recorded_no bigint;
ALTER TABLE rewards_rewardtransition ADD COLUMN recorded_no bigint;

-- What is on record already is numbered by its time.
SET LOCAL referral.erasing = 'on';
CREATE TEMPORARY TABLE recorded_before ON COMMIT DROP AS
    SELECT id, row_number() OVER (ORDER BY at, kind, id) AS number
    FROM (
        SELECT id, created_at AS at, 0 AS kind FROM referral_referralevent
        UNION ALL
        SELECT id, at, 1 FROM rewards_rewardtransition
    ) history;
UPDATE referral_referralevent event SET recorded_no = number FROM recorded_before b WHERE b.id = event.id;
UPDATE rewards_rewardtransition moved SET recorded_no = number FROM recorded_before b WHERE b.id = moved.id;
SELECT setval('referral_recorded', count(*)) FROM recorded_before HAVING count(*) > 0;
SET LOCAL referral.erasing = 'off';

-- The transaction has its id before it draws a number: a number that is missing is lost for good once all
-- transactions with lower ids than somebody who missed it are over.
ALTER TABLE referral_referralevent
    ALTER COLUMN recorded_no SET NOT NULL,
    ALTER COLUMN recorded_no
        SET DEFAULT CASE WHEN pg_current_xact_id() > '0' THEN nextval('referral_recorded') END;
ALTER TABLE rewards_rewardtransition
    ALTER COLUMN recorded_no SET NOT NULL,
    ALTER COLUMN recorded_no
        SET DEFAULT CASE WHEN pg_current_xact_id() > '0' THEN nextval('referral_recorded') END;

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
