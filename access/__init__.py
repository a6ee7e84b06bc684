"""Who may call and do what: tokens, permissions of services, rates, and the audit log of what people did."""
