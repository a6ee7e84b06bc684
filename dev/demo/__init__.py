"""The demo: its campaigns, its data and its tour."""
