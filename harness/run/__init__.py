"""What a run holds, waits for and tells. The main thread alone is in here."""
