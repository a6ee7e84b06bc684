"""Stand-ins for Points Service, Token Gateway and Analytics, spoken to over real HTTP.

One process holds all three, each with a port, a ledger and a journal of its own, and a control port where
a person looks at balances and a test orders faults. It knows nothing of the service that calls it.
"""
