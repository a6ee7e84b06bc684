"""One user: search, page, tree and timeline."""
