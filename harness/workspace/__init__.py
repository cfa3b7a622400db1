"""Where an attempt works, what it changed there, and what is quarantined."""
