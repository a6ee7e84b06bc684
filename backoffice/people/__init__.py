"""Who invited whom: links, relations, events, roles, imports."""
