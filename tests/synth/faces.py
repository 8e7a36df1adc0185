"""The faces that tests write with: those of the pinned packages, whatever else is installed."""

from __future__ import annotations

from pathlib import Path

from sightread.synth.fonts import FACES, find_face

PACKAGED: list[Path] = [path for face in FACES if (path := find_face(face)) is not None]
