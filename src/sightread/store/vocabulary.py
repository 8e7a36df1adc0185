"""The vocabulary of a library on the disk, so that a search need not count every word first.

`vocabulary.arrow` holds the distinct tokens of one version of the regions table, which its
metadata names. It is written by maintenance and only ever a copy: if it is missing, damaged or of
another version, the words are counted.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from sightread.store.durable import replace_file
from sightread.types import Vocabulary

VOCABULARY_NAME = "vocabulary.arrow"
_VERSION = b"regions"


def read_vocabulary(folder: Path, version: int) -> Vocabulary | None:
    """The vocabulary of this version of the regions table, if it was written down."""
    try:
        with pa.memory_map(str(folder / VOCABULARY_NAME)) as file:
            reader = pa.ipc.open_file(file)
            if (reader.schema.metadata or {}).get(_VERSION) != _stamp(version):
                return None
            table = reader.read_all()
            counts = table["count"].to_numpy().copy()  # not to outlive the mapping
            return Vocabulary(table["token"].to_pylist(), counts)
    except (OSError, ValueError, KeyError):
        return None


def write_vocabulary(folder: Path, version: int, vocabulary: Vocabulary) -> None:
    """Write down the vocabulary of this version of the regions table."""
    columns = {
        "token": pa.array(vocabulary.tokens, pa.string()),
        "count": pa.array(vocabulary.counts, pa.int64()),
    }
    table = pa.table(columns).replace_schema_metadata({_VERSION: _stamp(version)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    replace_file(folder / VOCABULARY_NAME, sink.getvalue().to_pybytes())


def _stamp(version: int) -> bytes:
    return str(version).encode()
