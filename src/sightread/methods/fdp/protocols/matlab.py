"""MATLAB files through scipy, which reads data only, and text out of their nested cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightread.errors import UsageError


def load_variable(path: Path, name: str, expected: str) -> NDArray[np.object_]:
    """A struct or cell array of a .mat file (format 5 to 7.2).

    Raises:
        UsageError: the file cannot be read, is damaged, or lacks the variable.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise UsageError(
            f"To read {path} one more package is needed: pip install 'sightread[train]'."
        ) from error
    try:
        variables = loadmat(str(path), variable_names=[name])
    except OSError as error:
        if error.strerror:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
        raise _not_matlab(path, expected, error) from error
    except Exception as error:
        # Fed garbage, scipy raises nearly anything: ValueError, TypeError, struct.error,
        # zlib.error, IndexError, NotImplementedError (for the format 7.3).
        raise _not_matlab(path, expected, error) from error
    found = variables.get(name)
    if not isinstance(found, np.ndarray):
        raise UsageError(f"{path} has no variable {name}: expected {expected}.")
    return found


def _not_matlab(path: Path, expected: str, error: Exception) -> UsageError:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return UsageError(f"{path} is not a MATLAB file of format 5 ({said}): expected {expected}.")


def unwrap_text(value: object) -> str | None:
    """The text in cells of cells of one; "" for an empty cell, None for what is no text."""
    while isinstance(value, np.ndarray):
        if value.size == 0:
            return ""
        if value.size > 1:
            return None
        value = value.reshape(-1)[0]
    return str(value) if isinstance(value, str) else None
