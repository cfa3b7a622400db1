"""Every setting, once: its name, default, meaning, and how it is parsed."""
