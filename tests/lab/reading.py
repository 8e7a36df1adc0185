"""The encoder that counts colours, with words: each letter r, g, b, w that was read in a picture
weighs as much as all of its pixels."""

from collections.abc import Sequence

import numpy as np

from sightread.types import ImageEmbedding, RGBImage, WordRegion
from tests.lab.colours import PALETTE, ColourEncoder


class ReadingColours(ColourEncoder):
    def encode_read(
        self, images: Sequence[RGBImage], words: Sequence[Sequence[WordRegion]]
    ) -> list[ImageEmbedding]:
        found = []
        for one, read in zip(self.encode_images(images), words, strict=True):
            text = "".join(word.text or "" for word in read)
            letters = np.array([text.count(letter) for letter in PALETTE], np.float32)
            vector = one.vector + letters
            found.append(ImageEmbedding(vector / np.linalg.norm(vector)))
        return found
