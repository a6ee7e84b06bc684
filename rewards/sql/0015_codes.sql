-- Codes instead of sentences: the columns of the vocabularies of rewards/models/codes.py are filled from the texts that
-- were kept before. The functions that read a text serve the conversion of old rows (0016), and triggers that keep the
-- columns right while processes of the release before still write texts. They recognize what this service wrote; a
-- text that nobody knows becomes `other` and stays as it is.

-- The code of one kept error and its parameters: "HTTP 503 unavailable try again" or "TimeoutError: timed out".
CREATE FUNCTION referral_error_of_text(said text, OUT code text, OUT params jsonb)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    http text[] := regexp_match(said, '^HTTP ([0-9]{3})(?: (.*))?$');
    rest text := CASE WHEN http IS NULL THEN said ELSE coalesce(http[2], '') END;
    -- The peer's code is a first word with an underscore, in capitals or in camel case.
    first text[] := regexp_match(
        rest, '^([A-Za-z0-9]+(?:_[A-Za-z0-9]+)+|[A-Z]{3,}[A-Z0-9]*|[a-z]+(?:[A-Z][a-z0-9]+)+)(?: (.*))?$'
    );
    peer_code text;
    message text;
BEGIN
    code := CASE
        WHEN said = '' THEN NULL
        WHEN rest ~ '(^| )the gateway does not know the task$' THEN 'task_unknown'
        WHEN rest IN (
            'the answer is not the promised JSON', 'the answer is not the promised list',
            'a transaction on the list is not of the promised form'
        ) THEN 'unpromised_answer'
        WHEN said = 'the list of transactions begins again instead of going on' THEN 'list_begins_again'
        -- A task that has failed is told with an HTTP 200.
        WHEN http[1] LIKE '2__' OR said = 'the task failed' THEN 'task_failed'
        WHEN http IS NOT NULL THEN 'http_status'
        WHEN said ~ '^ConnectionRefusedError\M' THEN 'connection_refused'
        WHEN said ~ '^gaierror\M' THEN 'dns'
        WHEN said ~ '^(SSL\w*|CertificateError): ' THEN 'tls'
        WHEN said ~ '^(TimeoutError|timeout): ' THEN 'timeout'
        WHEN said ~ '^(ConnectionResetError|ConnectionAbortedError|BrokenPipeError|RemoteDisconnected)\M'
            OR said ~ '^IncompleteRead\M' OR said = 'the answer ended early' THEN 'connection_reset'
        WHEN said ~ '^the (head of the )?answer is too large$' THEN 'answer_too_large'
        WHEN said ~ '^the answer is not (HTTP|usable): ' THEN 'unreadable_answer'
        WHEN said ~ '^internal:' THEN 'internal'
        WHEN said ~ '^the answer \(\w+\) cannot be recorded' THEN 'not_recordable'
        WHEN said ~ '^[0-9]+ entries refused in one run$' THEN 'many_refusals'
        WHEN said ~ '^\w*Error: \[Errno ' THEN 'network'
        WHEN said ~ '^(ValueError|UnicodeError|UnicodeEncodeError|KeyError): ' THEN 'unsendable'
        ELSE 'other'
    END;
    message := CASE
        WHEN code IN ('answer_too_large', 'unpromised_answer', 'list_begins_again', 'task_unknown') THEN NULL
        WHEN rest IN ('the task failed', 'the answer ended early') THEN NULL
        WHEN code = 'http_status' AND first IS NOT NULL THEN first[2]
        WHEN code IN ('http_status', 'task_failed') THEN rest
        WHEN code = 'not_recordable'
            THEN regexp_replace(said, '^the answer \((\w+)\) cannot be recorded(: )?', '\1: ')
        WHEN code = 'many_refusals' THEN substring(said FROM '^[0-9]+')
        WHEN code = 'unreadable_answer' THEN regexp_replace(said, '^the answer is not (HTTP|usable): ', '')
        WHEN code = 'other' THEN said
        ELSE regexp_replace(said, '^\w+: ?', '')
    END;
    peer_code := CASE
        WHEN code = 'http_status' THEN first[1]
        WHEN code = 'task_unknown' THEN regexp_replace(rest, ' ?the gateway does not know the task$', '')
    END;
    params := jsonb_strip_nulls(jsonb_build_object(
        'http_status', CASE WHEN code <> 'task_failed' THEN http[1]::int END,
        'peer_code', nullif(peer_code, ''),
        'message', nullif(message, '')
    ));
END $$;

-- The same as one object, as it stands among the parameters of something else.
CREATE FUNCTION referral_error_object_of_text(said text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT jsonb_build_object('code', error.code) || error.params FROM referral_error_of_text(said) AS error
$$;

-- The code of a status change and its parameters. What people write themselves stays what they wrote.
CREATE FUNCTION referral_reason_of_text(
    from_status text, to_status text, actor text, reason text, OUT code text, OUT params jsonb
)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    by_person boolean := actor ~ '^(staff|admin):';
BEGIN
    params := '{}';
    code := CASE
        WHEN reason = '' THEN NULL
        WHEN NOT by_person AND reason ~ '^became (user|vip|pro)$' THEN 'role_upgraded'
        WHEN NOT by_person AND reason = 'the worker gave it back before it asked' THEN 'returned_unasked'
        WHEN NOT by_person AND reason = 'confirmed by callback' THEN 'callback_confirmed'
        WHEN NOT by_person AND reason = 'failed by callback' THEN 'callback_failed'
        WHEN NOT by_person AND reason = 'the peer''s record shows the booking' THEN 'ledger_shows_booking'
        WHEN NOT by_person AND reason = 'the gateway shows that the task has ended' THEN 'task_ended'
        WHEN from_status = 'locked' AND to_status = 'pending' THEN 'unlocked_by_person'
        WHEN from_status = 'failed' AND to_status = 'pending' THEN 'retried_by_person'
        WHEN to_status = 'cancelled' THEN 'cancelled_by_person'
        WHEN from_status LIKE 'sent\_%' AND to_status = 'pending' THEN 'try_failed'
        WHEN from_status LIKE 'sent\_%' AND to_status = 'failed' AND reason LIKE 'given up: %' THEN 'given_up'
        WHEN from_status LIKE 'sent\_%' AND to_status = 'failed' THEN 'payout_failed'
        ELSE 'other'
    END;
    IF code = 'role_upgraded' THEN
        params := jsonb_build_object('role', split_part(reason, ' ', 2));
    ELSIF code IN ('try_failed', 'payout_failed', 'given_up') THEN
        params := jsonb_build_object(
            'error', referral_error_object_of_text(regexp_replace(reason, '^given up: ', ''))
        );
    END IF;
END $$;

-- Why a call ended as it did; nothing where it went well and the outcome says all.
CREATE FUNCTION referral_cause_of_attempt(outcome text, http_status int, message text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN message = 'the gateway called back' THEN 'called_back'
        WHEN message = 'on the peer''s record' THEN 'on_record'
        WHEN message = 'the gateway does not know the task' THEN 'task_unknown'
        WHEN message = 'the answer is not the promised JSON' THEN 'unpromised_answer'
        WHEN outcome IN ('booked', 'accepted') AND message = '' THEN NULL
        WHEN outcome = 'task_failed' THEN 'task_failed'
        WHEN http_status IS NOT NULL THEN 'http_status'
        ELSE coalesce((referral_error_of_text(message)).code, 'other')
    END
$$;

-- What a comparison noted of one side, as code and parameters (`Fact`): "failed, 50 points to bob, transaction tx-1".
CREATE FUNCTION referral_fact_of_text(said text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    m text[];
    facts jsonb;
BEGIN
    IF said = '' THEN
        RETURN NULL;
    ELSIF said = 'no such reward' THEN
        RETURN jsonb_build_object('code', 'no_reward');
    ELSIF said = 'no booking' THEN
        RETURN jsonb_build_object('code', 'no_booking');
    END IF;
    m := regexp_match(said, '^(?:(\S+) and )?(-?[0-9]+) points to (\S+), transaction (.+)$');
    IF m IS NOT NULL THEN
        RETURN jsonb_strip_nulls(jsonb_build_object(
            'code', CASE WHEN m[1] IS NULL THEN 'booking' ELSE 'two_bookings' END,
            'first', m[1], 'points', m[2]::numeric, 'user_id', m[3], 'transaction', m[4]
        ));
    END IF;
    m := regexp_match(said, '^task (.+): (booked|task_failed), (.+)$');
    IF m IS NOT NULL THEN
        RETURN jsonb_build_object('code', 'task', 'task', m[1], 'outcome', m[2], 'reference', m[3]);
    END IF;
    m := regexp_match(said, '^task (.+) confirmed, transaction (.+)$');
    IF m IS NOT NULL THEN
        RETURN jsonb_build_object('code', 'task', 'task', m[1], 'outcome', 'booked', 'reference', m[2]);
    END IF;
    m := regexp_match(
        said,
        '^(on_hold|locked|pending|sent_to_points|sent_to_token|completed|failed|cancelled)'
        '(?:, ([0-9.]+) (points|G2A) to ([^ ,]+))?(?:, transaction ([^,]+))?(?:, task ([^,]+))?(, in doubt)?'
        '(?:, failing since ([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}) UTC)?(?:, (.+))?$'
    );
    IF m IS NULL THEN
        RETURN jsonb_build_object('code', 'other', 'text', said);
    END IF;
    facts := jsonb_build_object(
        'code', 'reward', 'status', m[1], 'user_id', m[4],
        'points', CASE WHEN m[3] = 'points' THEN m[2]::numeric END,
        'g2a', CASE WHEN m[3] = 'G2A' THEN m[2] END,
        'transaction', nullif(m[5], 'None'), 'task', nullif(m[6], 'None'),
        'in_doubt', CASE WHEN m[7] IS NOT NULL THEN true END,
        'failing_since', m[8] || 'T' || m[9] || ':00+00:00'
    );
    IF m[10] LIKE 'transaction %' THEN
        -- A callback named the task before the transaction.
        facts := facts || jsonb_build_object('transaction', nullif(substr(m[10], 13), 'None'));
    ELSIF m[10] IS NOT NULL THEN
        facts := facts || jsonb_build_object('error', referral_error_object_of_text(m[10]));
    END IF;
    RETURN jsonb_strip_nulls(facts);
END $$;

-- What kept a comparison from being whole, a sentence a line, as codes and parameters (`RunProblem`).
CREATE FUNCTION referral_problems_of_text(said text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_agg(
        CASE
            WHEN line ~ '^The record of Points Service could not be read: .+\.$' THEN jsonb_build_object(
                'code', 'record_unreadable', 'error', referral_error_object_of_text(substring(line FROM ': (.+)\.$'))
            )
            WHEN line ~ '^Token Gateway does not answer: .+\.$' THEN jsonb_build_object(
                'code', 'gateway_silent', 'error', referral_error_object_of_text(substring(line FROM ': (.+)\.$'))
            )
            WHEN line ~ '^There are more than [0-9]+ findings of \w+\.$' THEN jsonb_build_object(
                'code', 'too_many_findings', 'most', substring(line FROM '[0-9]+')::int,
                'kind', substring(line FROM '(\w+)\.$')
            )
            ELSE jsonb_build_object('code', 'other', 'text', line)
        END ORDER BY place
    ), '[]')
    FROM regexp_split_to_table(said, '\n') WITH ORDINALITY AS lines(line, place) WHERE line <> ''
$$;

-- Why a line of an imported file could not be read, in whichever language it was uploaded (`LineProblem`).
CREATE FUNCTION referral_line_problems_of_text(said text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_agg(
        CASE
            WHEN part LIKE 'referrer\_user\_id: %' THEN jsonb_build_object('code', 'bad_referrer')
            WHEN part LIKE 'referred\_user\_id: %' THEN jsonb_build_object('code', 'bad_referred')
            WHEN part LIKE 'registered\_at: %ISO 8601%' THEN jsonb_build_object('code', 'not_a_time')
            WHEN part LIKE 'registered\_at: %+02:00%' THEN jsonb_build_object('code', 'no_offset')
            WHEN part ~ '^registered_at: .*(calendar|календаря)' THEN jsonb_build_object('code', 'outside_calendar')
            WHEN part ~ '^registered_at: .*(5 minutes|5 минут)' THEN jsonb_build_object('code', 'in_future')
            ELSE jsonb_build_object('code', 'other', 'text', part)
        END ORDER BY place
    ), '[]')
    FROM regexp_split_to_table(said, '; ') WITH ORDINALITY AS parts(part, place) WHERE part <> ''
$$;
