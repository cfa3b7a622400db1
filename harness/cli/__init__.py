"""Commands: arguments in, exit code out. Only `app`, `flags` and `funnel` know typer."""
