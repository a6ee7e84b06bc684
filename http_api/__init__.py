"""The HTTP API: what each kind of caller may send and is answered."""
