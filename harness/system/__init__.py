"""One door to each thing outside: disk, processes, environment, YAML."""
