"""The files in logs/: a module for each kind of file."""
