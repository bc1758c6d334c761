"""Starts the servers and clients on the other side of a run."""
