"""What a person wrote becomes features."""
