"""What the demo consists of: its processes, its secrets, its welcome."""
