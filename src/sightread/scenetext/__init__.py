"""What HOPID's training and serving share, without torch: which read words of a picture count,
their vectors, marks and places, and the words of a caption. Both call the same code, so that they
cannot drift apart.

Sections named in this package are those of the method's specification; docs/hopid.md has them.
"""
