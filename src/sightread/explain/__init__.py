"""Explanations of entities: what a person, a place or a thing that has a name looks like.

`explanation` says what one is, `book` keeps them, `fill` gets them from glossaries and knowledge
dumps (`glossary`) and from a language model (`asking`, `endpoint`, `pace`, `prompt`), `gates` keep
out what is of no use, `exchange` writes and reads them as JSONL. The network is touched by
`fill` with an endpoint alone.
"""

from sightread.explain.book import Book
from sightread.explain.explanation import Explanation, Subject

__all__ = ["Book", "Explanation", "Subject"]
