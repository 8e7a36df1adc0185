"""The word spotter: a small reader of our own that finds words and gives each a vector."""
