"""`harness demo` and `harness chaos`: harness, seen from outside, with an agent that is a script."""
