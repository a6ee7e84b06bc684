"""How rewards change their status, and the sums that follow from it."""
