"""The language of reward rules, and the pure calculation of what an event earns by them."""
