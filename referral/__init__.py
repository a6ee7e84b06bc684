"""Who invited whom: links, relations on two levels, events, roles, clicks."""
