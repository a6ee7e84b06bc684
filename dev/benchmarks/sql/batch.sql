-- L3: a hundred events in one call.
SELECT benchmark_events(:code, ARRAY(SELECT 'u' || lpad((:first::int + floor(random() * (:last::int - :first::int + 1)))::int::text, 6, '0') FROM generate_series(1, 100)), :per_referred, :per_referrer, :per_day);
