"""Relations from a file: looked at first, then written line by line."""
