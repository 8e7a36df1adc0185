"""The model folder: the door between the lab, which learns with torch, and the shop, which does not
know torch. Reading, writing and verifying it; nothing in it is ever executed.

    model.json       this page's `ModelInfo`: what it is, how to feed it, a checksum of every file
    image.onnx       pixels (B, 3, S, S) -> embeddings (B, D), and a map of text if it makes one
    text.onnx        token ids (B, T) -> embeddings (B, D)
    tokenizer.json   of the `tokenizers` library
    golden.npz       a picture and texts with the vectors that they must give
    CARD.md          what it can and cannot do, for people

and, if the model can re-rank, `match.onnx`, see `encoders.matching`; then the two towers also give
their tokens. If it lets the words that are read in pictures count, `written.onnx`, `tag.onnx` and
`caption.onnx`, see `encoders.scene_text`; then the image tower also gives its patches.

A folder of kind "spotter" (a reader) holds three graphs, see `methods.method.Parts`:

    find.onnx        picture (B, H, W, 3) uint8 -> where words are
    strips.onnx      words cut out (N, 3, 32, W) -> vectors (N, D) and readings
    text.onnx        as above

and its `golden.npz` is that of `spotting.golden`.

A folder of kind "weights" holds `model.safetensors` instead of the graphs: a starting point for
training.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sightread.config import parse, to_plain
from sightread.errors import ModelError, UsageError
from sightread.preprocess import PreprocessSpec
from sightread.regions import WordCalibration
from sightread.tokenizer import TokenLayout

FORMAT = 1
MODEL_JSON = "model.json"
IMAGE_GRAPH, TEXT_GRAPH = "image.onnx", "text.onnx"
FIND_GRAPH, STRIP_GRAPH = "find.onnx", "strips.onnx"
MATCH_GRAPH = "match.onnx"
WRITTEN_GRAPH, TAG_GRAPH, CAPTION_GRAPH = "written.onnx", "tag.onnx", "caption.onnx"
SCENE_TEXT_GRAPHS = (WRITTEN_GRAPH, TAG_GRAPH, CAPTION_GRAPH)
TOKENIZER_JSON = "tokenizer.json"
WEIGHTS = "model.safetensors"
GOLDEN = "golden.npz"
CARD = "CARD.md"

Kind = Literal["encoder", "spotter", "weights"]
NEEDED: dict[Kind, tuple[str, ...]] = {
    "encoder": (IMAGE_GRAPH, TEXT_GRAPH, TOKENIZER_JSON, GOLDEN, CARD),
    "spotter": (FIND_GRAPH, STRIP_GRAPH, TEXT_GRAPH, TOKENIZER_JSON, GOLDEN, CARD),
    "weights": (WEIGHTS, TOKENIZER_JSON),
}

MAX_JSON_BYTES = 1_000_000
MAX_FILE_BYTES = 8 * 1024**3
MAX_DIM = 65_536
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class FileSum:
    """Size and SHA-256 (hex) of a file."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TextMap:
    """The image graph's second output: the probability of text in `rows` x `columns` cells that
    cover the input. Cells at or above `threshold` belong to an area of text."""

    rows: int
    columns: int
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cosine to probability that the picture answers: 1 / (1 + exp(-(slope * cos + offset)))."""

    slope: float
    offset: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What `model.json` says.

    Attributes:
        kind: "encoder" and "spotter" can serve; "weights" is a starting point for training.
        name: of the model, for people.
        space: what its vectors mean (`EncoderSpec.space`).
        dim: length of its vectors.
        licence: of the weights, an SPDX name or a sentence.
        preprocess, tokenizer: how pictures and texts become the inputs of the graphs.
        words: for a spotter, what its cosines mean; `sightread models calibrate` measures it.
        provenance: where it comes from: method, configuration, seed, steps, source address.
        created_with: name of a package -> its version.
        details: what only one kind or source needs, such as the architecture of weights.
        files: every file of the folder but `model.json` itself.
    """

    kind: Kind
    name: str
    space: str
    dim: int
    licence: str
    preprocess: PreprocessSpec
    tokenizer: TokenLayout
    text_map: TextMap | None = None
    calibration: Calibration | None = None
    words: WordCalibration | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    created_with: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, FileSum] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        if not 1 <= self.dim <= MAX_DIM:
            raise ModelError(f"the dimension is {self.dim}, but must be 1 to {MAX_DIM}.")
        for name in self.files:
            _require_plain(name)

    @property
    def revision(self) -> str:
        """SHA-256 over all that decides about the vectors: graphs, tokenizer, and their inputs.
        Vectors can be compared only within one revision."""
        names = [IMAGE_GRAPH, FIND_GRAPH, STRIP_GRAPH, TEXT_GRAPH, TOKENIZER_JSON, WEIGHTS]
        names += SCENE_TEXT_GRAPHS
        parts = {
            "files": {name: self.files[name].sha256 for name in names if name in self.files},
            "preprocess": to_plain(self.preprocess),
            "tokenizer": to_plain(self.tokenizer),
        }
        if "scene_text" in self.details:
            parts["scene_text"] = self.details["scene_text"]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


# --- reading ---------------------------------------------------------------------------------


def read(folder: str | os.PathLike[str]) -> ModelInfo:
    """Read `model.json` and see that every file is there with its size; contents are not read.

    Raises:
        ModelError: there is no model in the folder, it is damaged, or of a newer format.
    """
    root = Path(folder)
    data = _read_json(root)
    number = data.get("format")
    if not isinstance(number, int) or not 1 <= number <= FORMAT:
        raise ModelError(
            f"{root} is a model folder of format {number!r}; this version knows formats 1 to "
            f"{FORMAT}: update sightread."
        )
    info = parse(ModelInfo, data, str(root / MODEL_JSON), ModelError)
    missing = [name for name in NEEDED[info.kind] if name not in info.files]
    if missing:
        raise ModelError(f"{root} is of kind {info.kind} and must have {', '.join(missing)}.")
    for name, expected in info.files.items():
        _require_size(root / name, expected)
    return info


def read_bytes(folder: str | os.PathLike[str], info: ModelInfo, name: str) -> bytes:
    """The contents of a file of the folder, after its checksum was compared.

    Raises:
        ModelError: the checksum differs.
    """
    path = Path(folder) / name
    _require_size(path, info.files[name])
    content = path.read_bytes()
    _compare(path, hashlib.sha256(content).hexdigest(), info.files[name])
    return content


def verify(folder: str | os.PathLike[str]) -> ModelInfo:
    """`read`, then recompute the checksum of every file.

    Raises:
        ModelError: a checksum differs (the sentence has both), or a file is not in `model.json`.
    """
    root = Path(folder)
    info = read(root)
    for name, expected in info.files.items():
        _compare(root / name, file_sum(root / name).sha256, expected)
    for entry in sorted(root.iterdir()):
        if entry.name not in info.files and entry.name != MODEL_JSON and entry.name[0] != ".":
            raise ModelError(
                f"{entry} is not named in {MODEL_JSON}; remove it, the model does not need it."
            )
    return info


def file_sum(path: Path) -> FileSum:
    """Size and SHA-256 of a file."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return FileSum(size, digest.hexdigest())


def sums(files: Mapping[str, bytes | Path]) -> dict[str, FileSum]:
    """Of files that are still to be written."""
    return {
        name: FileSum(len(content), hashlib.sha256(content).hexdigest())
        if isinstance(content, bytes)
        else file_sum(content)
        for name, content in files.items()
    }


def _read_json(root: Path) -> dict[str, Any]:
    path = root / MODEL_JSON
    try:
        if os.stat(path).st_size > MAX_JSON_BYTES:
            raise ModelError(f"{path} has more than {MAX_JSON_BYTES:,} bytes; it is damaged.")
        data = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(
            f"There is no model in {root}: {MODEL_JSON} is missing; `sightread export` makes a "
            "model folder."
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged: {error}.") from error
    if not isinstance(data, dict):
        raise ModelError(f"{path} is damaged: it must hold a JSON object.")
    return data


def _require_plain(name: str) -> None:
    """A name that stays in the folder: no separators, no dots in front."""
    if not _FILE_NAME.fullmatch(name) or name == MODEL_JSON:
        raise ModelError(
            f"the file name {name!r} is refused: letters, digits, dots, hyphens and underscores "
            "only, in the folder itself."
        )


def _require_size(path: Path, expected: FileSum) -> None:
    try:
        status = os.lstat(path)
    except OSError as error:
        raise ModelError(f"{path} is missing or cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{path} is no regular file; links are not followed in model folders.")
    if status.st_size != expected.size_bytes or status.st_size > MAX_FILE_BYTES:
        raise ModelError(
            f"{path} has {status.st_size:,} bytes, but {MODEL_JSON} says "
            f"{expected.size_bytes:,} (at most {MAX_FILE_BYTES:,}); fetch or export it again."
        )


def _compare(path: Path, found: str, expected: FileSum) -> None:
    if found != expected.sha256:
        raise ModelError(
            f"{path} was changed or damaged: its SHA-256 is {found}, but {MODEL_JSON} says "
            f"{expected.sha256}; fetch or export it again."
        )


# --- writing ---------------------------------------------------------------------------------


def write(
    folder: str | os.PathLike[str],
    info: ModelInfo,
    files: Mapping[str, bytes | Path],
    *,
    overwrite: bool = False,
) -> ModelInfo:
    """Write a model folder so that it appears whole or not at all.

    Args:
        folder: where; must not be there yet.
        info: all but `files`, which is filled in here.
        files: name -> its bytes, or a file that is copied.
        overwrite: replace a model folder (nothing else) that is there.

    Returns:
        `info` with the checksums.

    Raises:
        UsageError: the folder exists.
        ModelError: a needed file is not given, or a name is not plain.
    """
    root = Path(folder)
    require_free(root, overwrite)
    missing = [name for name in NEEDED[info.kind] if name not in files]
    if missing:
        raise ModelError(f"A model folder of kind {info.kind} needs {', '.join(missing)}.")
    for name in files:
        _require_plain(name)
    root.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
    try:
        info = _fill(fresh, info, files)
        _swap(fresh, root)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return info


def rewrite(folder: str | os.PathLike[str], info: ModelInfo) -> None:
    """Replace what `model.json` says, in one step; the files stay as they are.

    Raises:
        ModelError: the folder has other files than `info` names.
    """
    root = Path(folder)
    for name, expected in info.files.items():
        _compare(root / name, file_sum(root / name).sha256, expected)
    fresh = root / f".{MODEL_JSON}.new"
    fresh.write_text(_as_json(info), "utf-8")
    _sync(fresh)
    os.replace(fresh, root / MODEL_JSON)
    _sync(root)


def require_free(root: Path, overwrite: bool) -> None:
    """Raises UsageError: something is there that must not be replaced."""
    if not os.path.lexists(root):
        return
    if not overwrite:
        raise UsageError(f"{root} is there already; name another folder, or remove it.")
    if not (root / MODEL_JSON).is_file():
        raise UsageError(f"{root} is no model folder and is not replaced; name another folder.")


def _fill(fresh: Path, info: ModelInfo, files: Mapping[str, bytes | Path]) -> ModelInfo:
    for name, content in sorted(files.items()):
        path = fresh / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            shutil.copyfile(content, path)
        _sync(path)
    info = replace(info, files={name: file_sum(fresh / name) for name in sorted(files)})
    # Read back what was written, so that no folder is made that cannot be opened.
    (fresh / MODEL_JSON).write_text(_as_json(info), "utf-8")
    _sync(fresh / MODEL_JSON)
    os.chmod(fresh, 0o755)  # mkdtemp makes it private
    _sync(fresh)
    return read(fresh)


def _as_json(info: ModelInfo) -> str:
    return json.dumps(to_plain(info), indent=2, ensure_ascii=False) + "\n"


def _swap(fresh: Path, root: Path) -> None:
    """Rename into place. A folder that is there is moved away first and removed last."""
    if not os.path.lexists(root):
        os.rename(fresh, root)
        _sync(root.parent)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{root.name}.old.", dir=root.parent))
    os.rename(root, old / root.name)
    os.rename(fresh, root)
    _sync(root.parent)
    shutil.rmtree(old)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
