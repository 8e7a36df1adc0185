"""What the word spotter's training and serving share, without torch: the alphabet, where words are
in the maps of the network, strips of pictures, readings, lines. Both call the same code, so that
they cannot drift apart.

A *place* is a rotated box as five numbers (x, y, length, height, angle): its middle, its extent
along and across the reading direction in pixels, and that direction in radians, clockwise as seen
(y runs down). Pixel (0, 0) covers [0, 1] x [0, 1].
"""
