"""What the owner of a library has switched off in it.

Entities are often people. A library in which they are switched off holds no vectors of an entity
model, makes none, and refuses `entity:` in a query. Without the file nothing is switched off; a
file that cannot be understood is an error, never a permission.
"""

from __future__ import annotations

import json
import os

from sightread.errors import LibraryError, UsageError
from sightread.types import Query

FILE_NAME = "privacy.json"
FORMAT = 1
ENTITY_SPACE = "entity"


def entities_on(folder: str) -> bool:
    """Whether entities may be searched for in the library in this folder.

    Raises:
        LibraryError: the file is damaged or of a newer format.
    """
    path = os.path.join(folder, FILE_NAME)
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read(10_000))
        if content["format"] == FORMAT and isinstance(content["entities"], bool):
            return bool(content["entities"])
    except FileNotFoundError:
        return True
    except OSError as error:
        raise LibraryError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError):
        pass
    raise LibraryError(
        f"{path} cannot be understood, so nobody can tell whether entities may be searched for: "
        "run `sightread entities on` or `off` on this library."
    )


def switch_entities(folder: str, on: bool) -> None:
    """Note it, durably and in one step."""
    path = os.path.join(folder, FILE_NAME)
    fresh = f"{path}.new"
    try:
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "entities": on}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        raise LibraryError(f"{path} cannot be written: {error.strerror}.") from error


def require_entities(folder: str, query: Query) -> None:
    """Refuse a query for entities where they are switched off.

    Raises:
        UsageError: they are.
    """
    asks = any(term.field == ENTITY_SPACE for term in query.terms)
    if asks and not entities_on(folder):
        raise UsageError(
            "Searching for entities is switched off in this library; `sightread entities on` "
            "switches it on. Words in the metadata are found without: person:, caption:, keyword:."
        )
