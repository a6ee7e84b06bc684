"""Pages for support: one user, one reward, what needs attention, how the services are."""
