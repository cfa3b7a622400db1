"""One document for each reporting command, from files alone; text is a rendering of it."""
