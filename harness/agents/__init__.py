"""The agents: one module says all about one agent."""
