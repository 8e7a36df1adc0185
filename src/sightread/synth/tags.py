"""Metadata in rendered pictures: EXIF (date, place, turn), IPTC and XMP (words, people)."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from PIL import Image

from sightread.types import Metadata

_NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
)
_ORIENTATION, _EXIF_IFD, _GPS_IFD, _TAKEN_AT = 0x0112, 0x8769, 0x8825, 0x9003


def exif(metadata: Metadata, orientation: int = 1) -> Image.Exif:
    """Date, place and orientation as EXIF; empty where there is nothing to say."""
    tags = Image.Exif()
    if orientation != 1:
        tags[_ORIENTATION] = orientation
    if metadata.taken_at is not None:
        taken = datetime.fromtimestamp(metadata.taken_at, UTC)
        tags.get_ifd(_EXIF_IFD)[_TAKEN_AT] = taken.strftime("%Y:%m:%d %H:%M:%S")
    if metadata.latitude is not None and metadata.longitude is not None:
        place = tags.get_ifd(_GPS_IFD)
        place[1] = "N" if metadata.latitude >= 0 else "S"
        place[2] = _degrees(metadata.latitude)
        place[3] = "E" if metadata.longitude >= 0 else "W"
        place[4] = _degrees(metadata.longitude)
    return tags


def xmp(metadata: Metadata) -> bytes:
    """An XMP packet with title, caption, keywords and persons; b"" if there are none."""
    parts = []
    for tag, kind, values in (
        ("dc:title", "Alt", (metadata.title,)),
        ("dc:description", "Alt", (metadata.caption,)),
        ("dc:subject", "Bag", metadata.keywords),
        ("Iptc4xmpExt:PersonInImage", "Bag", metadata.persons),
    ):
        attribute = ' xml:lang="x-default"' if kind == "Alt" else ""
        items = "".join(f"<rdf:li{attribute}>{escape(v)}</rdf:li>" for v in values if v)
        if items:
            parts.append(f"<{tag}><rdf:{kind}>{items}</rdf:{kind}></{tag}>")
    if not parts:
        return b""
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF {_NAMESPACES}><rdf:Description rdf:about="">{"".join(parts)}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
    return packet.encode()


def iptc(metadata: Metadata) -> bytes:
    """A JPEG APP13 segment with IPTC title, caption and keywords; b"" if there are none."""
    records = b""
    for number, values in (
        (5, (metadata.title,)),
        (120, (metadata.caption,)),
        (25, metadata.keywords),
    ):
        for value in values:
            if value:
                text = value.encode()
                records += struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text
    if not records:
        return b""
    records = struct.pack(">BBBH", 0x1C, 1, 90, 3) + b"\x1b%G" + records  # the text is UTF-8
    block = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(records)) + records
    payload = b"Photoshop 3.0\0" + block + b"\0" * (len(block) % 2)
    return b"\xff\xed" + struct.pack(">H", len(payload) + 2) + payload


def _degrees(value: float) -> tuple[float, float, float]:
    value = abs(value)
    minutes = (value - int(value)) * 60
    return (float(int(value)), float(int(minutes)), round((minutes - int(minutes)) * 60, 2))
