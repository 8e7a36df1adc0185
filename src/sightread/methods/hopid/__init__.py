"""HOPID, scene-text aware retrieval: a reconstruction, see docs/hopid.md."""
