"""Who has earned what, and paying it exactly once."""
