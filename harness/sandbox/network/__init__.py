"""The network of a sandbox that has none of its own: what is let through, and credentials that stay outside."""
