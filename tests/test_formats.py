"""What a file's first bytes say."""

from __future__ import annotations

import pytest

from sightread.formats import SNIFF_BYTES, sniff


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF87a", "GIF"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WEBP"),
        (b"II*\0", "TIFF"),
        (b"MM\0+", "TIFF"),
        (b"BM\x10\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "BMP"),
        (b"\0\0\0\x20ftypheic\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0miafMA1B", "HEIF"),
        (b"\0\0\0\x20ftypavif\0\0\0\0mif1miaf", "AVIF"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0avifmiaf", "AVIF"),
        (b"\0\0\0\x20ftypisom\0\0\0\0isommp42", None),  # a film
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b"BM is how this text starts out.", None),
        (b"8BPS\0\1", None),  # Photoshop
        (b"%!PS-Adobe", None),
        (b"%PDF-1.7", None),
        (b"\xff\xd8\0", None),
        (b"", None),
    ],
)
def test_sniff(head: bytes, kind: str | None) -> None:
    assert sniff(head) == kind
    assert sniff(head.ljust(SNIFF_BYTES, b"\0")) == kind
