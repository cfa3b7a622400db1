"""`harness chaos`: an agent that misbehaves in every way, and what became of each promise."""
