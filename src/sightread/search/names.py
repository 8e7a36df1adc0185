"""The names in the metadata of a library: whom and what somebody has written pictures to show."""

from __future__ import annotations

from collections.abc import Iterator

from sightread.protocols import Store

_AT_ONCE = 1000


def names_of(store: Store, *, persons: bool = True, keywords: bool = True) -> Iterator[str]:
    """Names of persons, then keywords, as they are written, each as often as it is there."""
    store.refresh()
    ids = store.ids()
    for start in range(0, len(ids), _AT_ONCE):
        part = [int(one) for one in ids[start : start + _AT_ONCE]]
        for record in store.get(part, regions=False):
            yield from record.metadata.persons if persons else ()
            yield from record.metadata.keywords if keywords else ()
