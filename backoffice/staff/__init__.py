"""Staff themselves: signing in, what services may call, the audit log."""
