"""The conventions that all of the API shares: the envelope of errors, authentication, JSON."""
