"""Titles, captions, names, dates and places from EXIF, IPTC, XMP and PNG text."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from sightread.images import decode
from sightread.metadata import MAX_CAPTION_CHARS, MAX_NAME_CHARS, MAX_NAMES, read_metadata
from sightread.types import Metadata


def metadata(kind: str = "JPEG", **options: object) -> Metadata:
    """Of a small picture saved with these options."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind, **options)
    return decode(buffer.getvalue()).metadata


def at(*moment: int) -> float:
    year, month, day, *clock = moment
    return datetime(year, month, day, *clock, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


# --- EXIF ------------------------------------------------------------------------------------


def shot(**tags: object) -> Image.Exif:
    """Exif with tags of the main (t270=...), the shot's (s36867=...) and the place's directory."""
    exif = Image.Exif()
    for name, value in tags.items():
        if name[0] == "t":
            exif[int(name[1:])] = value
        else:
            pointer = 0x8769 if name[0] == "s" else 0x8825
            exif.get_ifd(pointer)[int(name[1:])] = value
            exif[pointer] = 0  # Pillow fills in the place of the directory when it saves
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_date_place_and_caption(kind: str) -> None:
    exif = shot(
        t270="Two cups of coffee",
        s36867="2024:05:01 10:20:30",
        g1="S",
        g2=(33.0, 51.0, 36.0),
        g3="E",
        g4=(151.0, 12.0, 36.0),
    )
    found = metadata(kind, exif=exif)
    assert found.caption == "Two cups of coffee"
    assert found.taken_at == at(2024, 5, 1, 10, 20, 30)
    assert found.latitude == pytest.approx(-33.86)  # 33 + 51/60 + 36/3600
    assert found.longitude == pytest.approx(151.21)  # 151 + 12/60 + 36/3600


@pytest.mark.parametrize(
    ("date", "offset", "expected"),
    [
        ("2024:05:01 10:20:30", None, at(2024, 5, 1, 10, 20, 30)),
        ("2024:05:01 10:20:30", "+02:00", at(2024, 5, 1, 8, 20, 30)),
        ("2024:05:01 10:20:30", "-05:30", at(2024, 5, 1, 15, 50, 30)),
        ("2024:05:01 10:20:30", "Z", at(2024, 5, 1, 10, 20, 30)),
        ("2024:05:01 10:20:30", "   :  ", at(2024, 5, 1, 10, 20, 30)),
        ("2024:05:01 10:20:30.75", None, at(2024, 5, 1, 10, 20, 30)),
        ("1969:07:20 20:17:40", None, at(1969, 7, 20, 20, 17, 40)),
        ("0000:00:00 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("2024:02:30 10:00:00", None, None),
        ("2024:05:01 24:00:00", None, None),
        ("yesterday", None, None),
        ("", None, None),
    ],
)
def test_exif_dates(date: str, offset: str | None, expected: float | None) -> None:
    exif = shot(s36867=date) if offset is None else shot(s36867=date, s36881=offset)
    assert metadata(exif=exif).taken_at == expected


def test_the_time_of_digitizing_stands_in() -> None:
    assert metadata(exif=shot(s36868="2001:02:03 04:05:06")).taken_at == at(2001, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    "place",
    [
        {"g1": "N", "g2": (0.0, 0.0, 0.0), "g3": "E", "g4": (0.0, 0.0, 0.0)},  # no fix
        {"g1": "N", "g2": (91.0, 0.0, 0.0), "g3": "E", "g4": (10.0, 0.0, 0.0)},
        {"g1": "N", "g2": (47.0, 0.0, 0.0), "g3": "E", "g4": (181.0, 0.0, 0.0)},
        {"g1": "N", "g2": (47.0, 0.0, 0.0)},
        {"g2": (47.0, 0.0, 0.0), "g4": (19.0, 0.0, 0.0)},  # which half of the earth?
        {"g1": "N", "g2": (IFDRational(0, 0), 0.0, 0.0), "g3": "E", "g4": (19.0, 0.0, 0.0)},
    ],
)
def test_impossible_places_are_dropped(place: dict[str, object]) -> None:
    found = metadata(exif=shot(**place))
    assert (found.latitude, found.longitude) == (None, None)


def test_xp_tags_of_windows() -> None:
    exif = shot(
        t40091="Café".encode("utf-16-le") + b"\0\0",
        t40092="Mit Milch".encode("utf-16-le"),
        t40094="Tasse; Löffel;Tasse".encode("utf-16-le"),
    )
    found = metadata(exif=exif)
    assert (found.title, found.caption) == ("Café", "Mit Milch")
    assert found.keywords == ("Tasse", "Löffel")


def test_utf8_in_exif_text() -> None:
    text = "Zürich, 東京".encode() + b"\0"
    # One directory entry, ImageDescription as ASCII, whose value follows the directory.
    entry = struct.pack("<HHII", 270, 2, len(text), 8 + 2 + 12 + 4)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4) + text
    assert metadata(exif=exif).caption == "Zürich, 東京"


@pytest.mark.parametrize(
    "junk",
    [
        "OLYMPUS DIGITAL CAMERA         ",
        "SONY DSC",
        "KODAK Digital Still Camera",
        "SAMSUNG CAMERA PICTURES",
        "DCIM100MEDIA",
        "Exif_JPEG_PICTURE",
        "<Digimax i5, Samsung #1>",
        "oplus_32",
        "IMG_20240501_102030.jpg",
        "hdrpl",
        "default",
        "untitled",
        "Camera",
        "\0\0\0",
    ],
)
def test_what_cameras_write_is_no_caption(junk: str) -> None:
    assert metadata(exif=shot(t270=junk)).caption == ""
    comment = "real words".encode("utf-16-le")
    assert metadata(exif=shot(t270=junk, t40092=comment)).caption == "real words"


@pytest.mark.parametrize("caption", ["Sony headquarters", "My camera", "Picture of Dorian Gray"])
def test_captions_that_resemble_junk_are_kept(caption: str) -> None:
    assert metadata(exif=shot(t270=caption)).caption == caption


# --- IPTC ------------------------------------------------------------------------------------


def data_set(record: int, number: int, value: bytes, *, long: bool = False) -> bytes:
    size = struct.pack(">HI", 0x8004, len(value)) if long else struct.pack(">H", len(value))
    return bytes((0x1C, record, number)) + size + value


def with_iptc(block: bytes) -> bytes:
    """A JPEG with this IPTC block in a Photoshop segment."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block + bytes(len(block) % 2)
    segment = b"Photoshop 3.0\0" + resource
    jpeg = buffer.getvalue()
    return jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("long", [False, True])
def test_iptc(coding: str, long: bool) -> None:
    declared = data_set(1, 90, b"\x1b%G") if coding == "utf-8" else b""
    block = declared + b"".join(
        data_set(2, number, text.encode(coding), long=long)
        for number, text in (
            (5, "Café"),
            (120, "Ein Stück Kuchen"),
            (25, "Kuchen"),
            (25, "Müller"),
            (25, "kuchen"),
            (55, "20240501"),
            (60, "102030+0200"),
        )
    )
    found = decode(with_iptc(block)).metadata
    assert (found.title, found.caption) == ("Café", "Ein Stück Kuchen")
    assert found.keywords == ("Kuchen", "Müller")
    assert found.taken_at == at(2024, 5, 1, 8, 20, 30)


def test_iptc_up_to_the_damage() -> None:
    block = data_set(2, 5, b"Title") + b"\x1c\x02\x78\x7f\xffcut"
    assert decode(with_iptc(block)).metadata == Metadata(title="Title")


@pytest.mark.parametrize("kind", ["UNDEFINED", "LONG"])
def test_iptc_in_tiff(kind: str) -> None:
    block = data_set(2, 5, b"Harbour") + data_set(2, 25, b"boats")
    block += bytes(-len(block) % 4)
    tags = Image.Exif()
    tags[33723] = block
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "TIFF", exif=tags)
    entry = struct.pack("<HHI", 33723, 7, len(block))
    assert entry in buffer.getvalue()
    if kind == "LONG":  # as Photoshop has it
        as_long = struct.pack("<HHI", 33723, 4, len(block) // 4)
        found = decode(buffer.getvalue().replace(entry, as_long)).metadata
    else:
        found = decode(buffer.getvalue()).metadata
    assert (found.title, found.keywords) == ("Harbour", ("boats",))


# --- XMP -------------------------------------------------------------------------------------


def xmp(body: str, attributes: str = "") -> bytes:
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:mwg="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
 xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" {attributes}>{body}</rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


_BODY = """
 <dc:title><rdf:Alt><rdf:li xml:lang="de">Kaffee</rdf:li>
  <rdf:li xml:lang="x-default">Coffee &amp; cake</rdf:li></rdf:Alt></dc:title>
 <dc:description><rdf:Alt><rdf:li xml:lang="x-default">On the table</rdf:li></rdf:Alt>
 </dc:description>
 <dc:subject><rdf:Bag><rdf:li>cup</rdf:li><rdf:li>Cake</rdf:li><rdf:li>cake</rdf:li></rdf:Bag>
 </dc:subject>
 <ext:PersonInImage><rdf:Bag><rdf:li>Ada Lovelace</rdf:li></rdf:Bag></ext:PersonInImage>
 <mwg:Regions rdf:parseType="Resource"><mwg:RegionList><rdf:Bag>
  <rdf:li><rdf:Description mwg:Name="Grace Hopper" mwg:Type="Face"/></rdf:li>
  <rdf:li rdf:parseType="Resource"><mwg:Name>Alan Turing</mwg:Name><mwg:Type>Face</mwg:Type>
  </rdf:li>
  <rdf:li><rdf:Description mwg:Name="Rex" mwg:Type="Pet"/></rdf:li>
  <rdf:li><rdf:Description mwg:Name="ada lovelace" mwg:Type="Face"/></rdf:li>
 </rdf:Bag></mwg:RegionList></mwg:Regions>
 <MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>
  <rdf:li MPReg:PersonDisplayName="Emmy Noether" MPReg:Rectangle="0,0,1,1"/>
 </rdf:Bag></MPRI:Regions></MP:RegionInfo>"""


def png_with_xmp(packet: bytes) -> dict[str, object]:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return {"pnginfo": info}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp(kind: str) -> None:
    packet = xmp(_BODY, 'photoshop:DateCreated="2015-05-01T10:00:00.25+02:00"')
    if kind == "PNG":
        options = png_with_xmp(packet)
    elif kind == "TIFF":
        tags = Image.Exif()
        tags[700] = packet
        options = {"exif": tags}
    else:
        options = {"xmp": packet}
    found = metadata(kind, **options)
    assert found.title == "Coffee & cake"
    assert found.caption == "On the table"
    assert found.keywords == ("cup", "Cake")
    assert found.persons == ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Emmy Noether")
    assert found.taken_at == at(2015, 5, 1, 8, 0, 0)


def test_xmp_date_as_element_or_day_only() -> None:
    created = xmp("<xmp:CreateDate>2015-05-01</xmp:CreateDate>")
    assert metadata(xmp=created).taken_at == at(2015, 5, 1)


def test_xmp_title_without_alternatives() -> None:
    assert metadata(xmp=xmp("<dc:title>Plain</dc:title>")).title == "Plain"


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE x [<!ENTITY a "ha">]>' + xmp("<dc:title>&a;</dc:title>"),
        xmp("<dc:title>cut off</dc:title>")[:-60],
        b"<a>" * 50_000,
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_damaged_or_dangerous_xmp_is_left_out(packet: bytes) -> None:
    exif = shot(t270="Still here")
    assert metadata("WEBP", xmp=packet, exif=exif) == Metadata(caption="Still here")


# --- together --------------------------------------------------------------------------------


def test_png_text() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Chart")
    info.add_itxt("Description", "Søren's chart")
    found = metadata("PNG", pnginfo=info)
    assert (found.title, found.caption) == ("Chart", "Søren's chart")


def test_xmp_comes_before_exif_and_the_cameras_clock_before_xmp() -> None:
    exif = shot(t270="old", t40094="new; Old".encode("utf-16-le"), s36867="2020:01:01 00:00:00")
    body = "<dc:description>new</dc:description><dc:subject><rdf:li>old</rdf:li></dc:subject>"
    found = metadata(exif=exif, xmp=xmp(body, 'xmp:CreateDate="2023-01-01"'))
    assert found.caption == "new"
    assert found.keywords == ("old", "new")
    assert found.taken_at == at(2020, 1, 1)


def test_text_is_made_harmless_and_short() -> None:
    # Microsoft's tags are UTF-16, so they can hold halves of surrogate pairs.
    title = "a\0b\x1b[31m\r\n\u2028c".encode("utf-16-le") + b"\x00\xd8" + "d".encode("utf-16-le")
    keywords = ";".join([f"k{n}" for n in range(MAX_NAMES + 9)] + ["x" * 999]).encode("utf-16-le")
    exif = shot(t40091=title, t40094="y".encode("utf-16-le") * 999 + b";\0" + keywords)
    exif[270] = "word " * 9999
    found = metadata("PNG", exif=exif)
    assert found.title == "a b [31m cd"
    assert len(found.caption) <= MAX_CAPTION_CHARS
    assert len(found.keywords) == MAX_NAMES
    assert found.keywords[0] == "y" * MAX_NAME_CHARS
    found.title.encode("utf-8")


def test_a_picture_without_anything() -> None:
    assert read_metadata(Image.new("L", (3, 3))) == Metadata()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200))
def test_never_raises(exif: bytes, packet: bytes, iptc: bytes) -> None:
    image = Image.new("RGB", (4, 4))
    image.info |= {"exif": b"Exif\0\0II*\0\x08\0\0\0" + exif, "xmp": packet}
    image.info["photoshop"] = {0x0404: b"\x1c\x02\x05" + iptc}
    found = read_metadata(image)
    for text in (found.title, found.caption, *found.keywords, *found.persons):
        assert text.isprintable() or not text.isascii()
        text.encode("utf-8")
