"""The API agent: a coding agent on Anthropic's SDK, started as `python -m harness.agents.api`."""
