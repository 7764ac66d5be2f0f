"""Sockets and settings: the only code that opens a connection or reads the environment."""
