"""The event endpoint as one would write it first: a further reference, never a part of the service."""
