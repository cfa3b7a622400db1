"""End-to-end tests with the real agent; a package, so that its conftest is not mistaken for the one of the suite."""
