"""How the services that we call are, and asking them."""
