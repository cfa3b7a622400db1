"""What the text of a change says against its claim, before and after compared: pure, a module for each kind of file."""
