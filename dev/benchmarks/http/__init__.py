"""The load: a client that sends as fast as it is answered."""
