"""The network of a sandbox that has none: what is let through, and the keys that are put in outside."""
