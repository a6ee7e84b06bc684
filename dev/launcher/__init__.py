"""Starts and supervises the processes of the service on one machine; knows nothing of the service's code."""
