"""Tools for development: the demo, stand-in peers, benchmarks, checks. Production needs none of them."""
