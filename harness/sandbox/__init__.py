"""Puts a command inside: what it sees, what it may write, which network it has. Knows no agent by name."""
