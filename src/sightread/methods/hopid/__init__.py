"""HOPID: retrieval by captions that knows what is written in pictures. A reconstruction."""
