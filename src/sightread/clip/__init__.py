"""CLIP, the backbone that the three methods share (torch)."""
