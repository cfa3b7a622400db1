"""The sandbox: what of this machine is let in, what may be written, and how a command is put inside."""
