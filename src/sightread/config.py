"""Strict configuration: TOML (or any plain data) into frozen dataclasses.

What the dataclass does not name is refused, never ignored: a misspelt key would otherwise train
for hours with a default. Types are those of the fields; nothing is guessed, except that a whole
number is taken where a float is expected.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import hashlib
import json
import math
import os
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union

from sightread.errors import SightreadError, UsageError

T = TypeVar("T")

MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class _Typed:
    """A value as typed after `--set`; what it means depends on the field."""

    text: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, and what is raised about it."""

    source: str
    path: tuple[str, ...]
    error: type[SightreadError]

    def key(self, name: str) -> _Place:
        return dataclasses.replace(self, path=(*self.path, name))

    def wrong(self, value: Any, expected: str) -> SightreadError:
        name = ".".join(self.path)
        if isinstance(value, _Typed):
            return self.error(f"--set {name}={value.text}: it must be {expected}.")
        return self.error(f"{self.source}: {name or 'it'} is {value!r}, but must be {expected}.")


def load(
    cls: type[T],
    path: str | None,
    overrides: Sequence[str] = (),
    base: Mapping[str, Any] | None = None,
) -> T:
    """Read a TOML file into a dataclass.

    Args:
        cls: a dataclass of bool, int, float, str, `Literal`, `tuple`, optional ones of these, and
            further dataclasses, which are tables.
        path: the file; None for the defaults, or what `base` says.
        base: plain data that is used where there is no file.
        overrides: `a.b=value` each, as after `--set`; they win over the file. "none" means None.

    Raises:
        UsageError: the file cannot be read, a key is unknown or missing, a value is of a wrong
            type; one sentence that says what is expected.
    """
    data = _read(path) if path is not None else copy.deepcopy(dict(base or {}))
    for override in overrides:
        _apply(data, override)
    return parse(cls, data, path or "the configuration")


def parse(cls: type[T], data: Any, source: str, error: type[SightreadError] = UsageError) -> T:
    """Plain data (of TOML or JSON) as a dataclass; `source` begins each sentence of complaint.

    Raises:
        error: as `load`.
    """
    return typing.cast(T, _table(cls, data, _Place(source, (), error)))


def to_plain(config: Any) -> dict[str, Any]:
    """The dataclass as JSON data; `parse` reads it back."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config), allow_nan=False))
    return plain


def digest(config: Any) -> str:
    """SHA-256 in hex of all values, defaults included: equal configurations, equal digests."""
    text = json.dumps(to_plain(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- in --------------------------------------------------------------------------------------


def _read(path: str) -> dict[str, Any]:
    try:
        if os.stat(path).st_size > MAX_BYTES:
            raise UsageError(f"{path} has more than {MAX_BYTES:,} bytes; it is no configuration.")
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UsageError(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error


def _apply(data: dict[str, Any], override: str) -> None:
    name, equals, value = override.partition("=")
    keys = [key.strip() for key in name.split(".")]
    if not equals or not all(keys):
        raise UsageError(f"--set {override}: write it as key=value or table.key=value.")
    for key in keys[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise UsageError(f"--set {override}: {key} is a value, not a table.")
    data[keys[-1]] = _Typed(value.strip())


# --- checked ---------------------------------------------------------------------------------


def _table(cls: type[Any], data: Any, place: _Place) -> Any:
    if not isinstance(data, Mapping):
        raise place.wrong(data, f"a table of {', '.join(_known(cls))}")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    for name, value in data.items():
        if name not in fields:
            raise _unknown(name, value, list(fields), place)
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _value(hints[name], data[name], place.key(name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            missing = ".".join((*place.path, name))
            raise place.error(f"{place.source}: {missing} is missing; it has no default.")
    try:
        return cls(**values)
    except (SightreadError, ValueError) as error:
        table = f" [{'.'.join(place.path)}]" if place.path else ""
        raise place.error(f"{place.source}{table}: {error}") from error


def _known(cls: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(cls) if field.init]


def _unknown(name: str, value: Any, known: list[str], place: _Place) -> SightreadError:
    full = ".".join((*place.path, str(name)))
    source = f"--set {full}={value.text}" if isinstance(value, _Typed) else place.source
    near = difflib.get_close_matches(str(name), known, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    keys = f"the keys known here are {', '.join(known)}" if known else "no key is known here"
    return place.error(f"{source}: the key {full} is unknown; {keys}.{hint}")


def _value(expected: Any, value: Any, place: _Place) -> Any:
    """`value` checked against a type; lists become tuples."""
    if dataclasses.is_dataclass(expected):
        return _table(typing.cast(type[Any], expected), value, place)
    origin = typing.get_origin(expected)
    if origin in (Union, types.UnionType):
        return _optional(expected, value, place)
    if isinstance(value, _Typed):
        return _typed(expected, value, place)
    if origin is tuple:
        return _tuple(expected, value, place)
    if origin is Literal:
        if any(value == one and type(value) is type(one) for one in typing.get_args(expected)):
            return value
        raise place.wrong(value, describe(expected))
    if origin in (dict, Mapping):
        return _mapping(expected, value, place)
    return _scalar(expected, value, place)


def _scalar(expected: Any, value: Any, place: _Place) -> Any:
    if expected is Any:
        return value
    if expected is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if expected in (bool, int, str) and type(value) is expected:
        return value
    raise place.wrong(value, describe(expected))


def _optional(expected: Any, value: Any, place: _Place) -> Any:
    (inner,) = [one for one in typing.get_args(expected) if one is not types.NoneType]
    if value is None or (isinstance(value, _Typed) and value.text.lower() == "none"):
        return None
    return _value(inner, value, place)


def _typed(expected: Any, value: _Typed, place: _Place) -> Any:
    """What was typed, read as TOML; as plain text where text is expected."""
    try:
        plain = tomllib.loads(f"value = {value.text}")["value"]
    except tomllib.TOMLDecodeError:
        plain = value.text
    texts = expected is str or (
        typing.get_origin(expected) is Literal
        and all(isinstance(one, str) for one in typing.get_args(expected))
    )
    if texts and not isinstance(plain, str):
        plain = value.text
    try:
        return _value(expected, plain, place)
    except SightreadError:
        raise place.wrong(value, describe(expected)) from None


def _tuple(expected: Any, value: Any, place: _Place) -> tuple[Any, ...]:
    kinds = typing.get_args(expected)
    if not isinstance(value, (list, tuple)):
        raise place.wrong(value, describe(expected))
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise place.wrong(list(value), describe(expected))
    try:
        return tuple(_value(kind, one, place) for kind, one in zip(kinds, value, strict=True))
    except SightreadError:
        if any(dataclasses.is_dataclass(kind) for kind in kinds):
            raise
        raise place.wrong(list(value), describe(expected)) from None


def _mapping(expected: Any, value: Any, place: _Place) -> dict[str, Any]:
    _, kind = typing.get_args(expected)
    if not isinstance(value, Mapping):
        raise place.wrong(value, describe(expected))
    return {str(name): _value(kind, one, place.key(str(name))) for name, one in value.items()}


_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def describe(expected: Any) -> str:
    """A type for people: "a whole number", "one of pad, crop", "3 values: a number each"."""
    origin, kinds = typing.get_origin(expected), typing.get_args(expected)
    if origin is Literal:
        return f"one of {', '.join(map(str, kinds))}"
    if origin in (Union, types.UnionType):
        inner = [describe(one) for one in kinds if one is not types.NoneType]
        return f"{' or '.join(inner)}, or none"
    if origin is tuple and len(kinds) == 2 and kinds[1] is Ellipsis:
        return f"a list, each {describe(kinds[0])}"
    if origin is tuple:
        return f"a list of {len(kinds)}: {', '.join(map(describe, kinds))}"
    if origin in (dict, Mapping) or dataclasses.is_dataclass(expected):
        return "a table"
    return _NAMES.get(expected, str(expected))
