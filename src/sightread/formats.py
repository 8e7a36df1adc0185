"""The picture formats that are known, and how their files begin."""

from __future__ import annotations

import struct
import zlib

SNIFF_BYTES = 32
"""How many bytes `sniff` looks at."""

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1")
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)


def sniff(head: bytes) -> str | None:
    """The format that a file starting with `head` (`SNIFF_BYTES` bytes) claims to have.

    Returns "JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF", or None.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    # Two letters are weak evidence: plain text may start with "BM".
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return None


def _sniff_brands(head: bytes) -> str | None:
    brands = [head[at : at + 4] for at in (8, *range(16, len(head) - 3, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    return "HEIF" if any(brand in _HEIF_BRANDS for brand in brands) else None


def essential_png(data: bytes) -> bytes:
    """The chunks of a PNG file that its pixels need, and its EXIF, where their checksums hold.

    Left out are texts, colour profiles and whatever else may be oversized or damaged.
    """
    kept = [data[:8]]
    at = 8
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + 12 + size]
        critical = name[:1].isupper()
        sound = struct.pack(">I", zlib.crc32(chunk[4:-4])) == chunk[-4:]
        if critical or (sound and name in (b"tRNS", b"eXIf")):
            kept.append(chunk)
        at += 12 + size
    return b"".join(kept)
