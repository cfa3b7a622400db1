"""The agents: one module each says how its command line is written; `stream` reads what they all print."""
