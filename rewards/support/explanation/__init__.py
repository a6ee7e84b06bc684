"""Why a reward or an event is as it is, in words, from what is on record."""
