-- L2: the same event as one call of a function: one round trip.
\set person random(:first, :last)
SELECT benchmark_event(:code, 'u' || lpad(:person, 6, '0'), gen_random_uuid()::text, :per_referred, :per_referrer, :per_day);
