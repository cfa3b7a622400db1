"""A runner that drives a coding agent through a folder of specs until each feature is done and proven."""

__version__ = "0.1.0"
