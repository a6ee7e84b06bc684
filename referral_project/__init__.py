"""The composition root: settings, addresses, the WSGI application, what an operator sees."""
