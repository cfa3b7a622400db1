"""The decisions. Pure: no file, no clock, no process."""
