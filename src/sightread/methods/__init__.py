"""The methods that can be trained, by name. Each is a room of its own; rooms never import each
other."""

from __future__ import annotations

from typing import Any

from sightread.methods.method import Method

METHODS: dict[str, Method[Any, Any]] = {}
