"""SVT, Street View Text: 249 test pictures, 427 words.

`SVT/test.xml` lists pictures (`imageName`, relative to the xml) with their tags. Queries are all
distinct lower-cased tags in the order of the file; a picture is relevant if it has the tag. Only
business names are annotated, so other occurrences count as wrong, as in every published number.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from sightread.errors import UsageError
from sightread.methods.files import PictureFolder, broken, find_home, read_bytes
from sightread.tasks import RetrievalTask

LAYOUT = "SVT/test.xml and the pictures that it names, SVT/img/*.jpg"


def svt(root: str | os.PathLike[str]) -> RetrievalTask:
    """The test set (papers/FDP sections 2 and 3).

    Raises:
        UsageError: the data set is not there or not in its form.
    """
    home = find_home(root, "SVT", ["test.xml"], LAYOUT)
    tags = _read_tags(home / "test.xml")
    queries = {tag: tag for found in tags.values() for tag in found}
    if not queries:
        raise UsageError(f"{home / 'test.xml'} has no tags; expected: {LAYOUT}.")
    qrels = {query: frozenset(p for p in tags if query in tags[p]) for query in queries}
    return RetrievalTask(
        name="svt",
        queries=queries,
        gallery=tuple(tags),
        load=PictureFolder(home, LAYOUT).load,
        qrels=qrels,
    )


def _read_tags(path: Path) -> dict[str, list[str]]:
    """Lower-cased image name -> its lower-cased tags, both in the order of the file."""
    root, lines = parse_xml(path)
    tags: dict[str, list[str]] = {}
    for image in root.iter("image"):
        name = (image.findtext("imageName") or "").strip().lower()
        if not name or name in tags:
            what = f"{name} for the second time" if name else "none"
            raise broken(path, lines[image], "an image with an imageName of its own", what)
        tags[name] = []
        for box in image.iterfind("taggedRectangles/taggedRectangle"):
            tag = (box.findtext("tag") or "").strip().lower()
            if not tag:
                raise broken(path, lines[box], "a taggedRectangle with a tag", "none")
            tags[name].append(tag)
    return tags


def parse_xml(path: Path) -> tuple[Element, dict[Element, int]]:
    """The root element of an XML file, and the line on which each element begins.

    A document type is refused, and with it every entity that could grow without bound or name
    another file; the data set has none.

    Raises:
        UsageError: the file cannot be read, is no XML, or has a document type.
    """
    data = read_bytes(path)
    builder, lines = TreeBuilder(), dict[Element, int]()
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        lines[builder.start(name, attributes)] = parser.CurrentLineNumber

    def refuse(*_: object) -> None:
        raise broken(path, parser.CurrentLineNumber, "plain XML", "a document type (DTD), refused")

    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        what = expat.errors.messages.get(error.code, str(error))
        raise broken(path, error.lineno, "XML", what) from error
    return builder.close(), lines
