"""Find the picture files under folders, in the same order every time.

A known suffix is enough to be yielded, so that a file named like a picture which is none ends in
the ledger with its reason and not in silence. Other files are yielded if their first bytes are
those of a picture, since people do have pictures without suffix; suffixes that never belong to
one are not even opened.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sightread.formats import SNIFF_BYTES, sniff
from sightread.types import PathStamp

OnError = Callable[[str, str], None]
"""Called with the path of a folder that is passed over, and the reason."""

LEADS_OUT = "it leads out of what may be indexed here"

_PICTURES = """
    .jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .heic .heif .hif
    .avif
"""
PICTURE_SUFFIXES = frozenset(_PICTURES.split())

# Opening every file of a home folder would be slow. Raw photos look like TIFF at their beginning,
# but what a TIFF decoder finds in them is a thumbnail at best.
_NEVER = """
    .txt .md .rst .log .csv .tsv .json .jsonl .xml .xmp .yaml .yml .toml .ini .cfg .conf .html
    .htm .css .js .ts .py .pyc .c .h .cpp .hpp .java .rs .go .sh .so .o .a .dll .exe .bin .dat
    .pdf .doc .docx .xls .xlsx .ppt .pptx .odt .ods .odp .rtf .epub .tex .zip .gz .bz2 .xz .zst
    .7z .rar .tar .iso .img .dmg .deb .rpm .mp3 .m4a .wav .flac .ogg .opus .aac .mp4 .m4v .mov
    .avi .mkv .webm .wmv .mpg .mpeg .3gp .mts .aae .thm .db .sqlite .sqlite3 .parquet .npy .npz
    .onnx .pt .safetensors .lance .lock .tmp .part .svg .svgz .eps .ps .ai .psd .xcf .kra .blend
    .ttf .otf .woff .woff2 .nef .nrw .cr2 .cr3 .crw .arw .sr2 .srf .dng .orf .rw2 .raf .pef .srw
    .3fr .iiq .kdc .dcr .mrw .x3f .erf .mef .mos .rwl
"""
_NEVER_SUFFIXES = frozenset(_NEVER.split())

_SKIPPED_NAMES = {
    "@eadir",
    "#recycle",
    "@recycle",
    "$recycle.bin",
    "#snapshot",
    "system volume information",
    "lost+found",
    "node_modules",
    "__macosx",
    "__pycache__",
    "thumbs.db",
}
_LIBRARY_SUFFIX = ".sightread"


@dataclass
class _Walk:
    """State of one walk: what to leave out, and which folders were seen."""

    exclude: re.Pattern[str] | None
    on_error: OnError | None
    within: Sequence[str] = ()
    seen: set[tuple[int, int]] = field(default_factory=set)
    linked: list[tuple[str, str]] = field(default_factory=list)

    def first_visit(self, path: str) -> bool:
        """True for a folder, by whatever path, that was not walked yet."""
        if not is_within(path, self.within):
            self.tell(path, LEADS_OUT)
            return False
        try:
            status = os.stat(path)
        except OSError as error:
            self.report(path, error)
            return False
        key = (status.st_dev, status.st_ino)
        known = key in self.seen
        self.seen.add(key)
        return not known

    def report(self, path: str, error: OSError) -> None:
        self.tell(path, f"the folder cannot be read: {error.strerror or error}")

    def tell(self, path: str, reason: str) -> None:
        if self.on_error is not None:
            self.on_error(path, reason)

    def excludes(self, name: str, relative: str) -> bool:
        if self.exclude is None:
            return False
        return bool(self.exclude.fullmatch(name) or self.exclude.fullmatch(relative))


def is_within(path: str, roots: Sequence[str]) -> bool:
    """Whether `path`, all links followed, is or lies in one of the `roots`, which hold no links;
    true without any."""
    if not roots:
        return True
    real = os.path.realpath(path)
    return any(os.path.commonpath([real, root]) == root for root in roots)


def walk(
    folders: Sequence[str],
    exclude: Sequence[str] = (),
    on_error: OnError | None = None,
    within: Sequence[str] = (),
) -> Iterator[PathStamp]:
    """Yield every file under `folders` that is or claims to be a picture.

    Hidden files, caches of other programs and `*.sightread` libraries are left out. Links to
    files are followed; every folder is walked once, by its own path rather than by a link to it.
    Things that are named like a picture but are no regular files (pipes, broken links) come with
    size 0, so that reading them says why they fail.

    Args:
        folders: folders, or single files, which are yielded whatever their names.
        exclude: glob patterns, letter case counts; what matches by its name or by its path
            relative to the folder is left out, a folder with all that is in it.
        on_error: told about folders that are passed over.
        within: folders without links in their paths; no other folder is entered, whatever leads
            there. Files are not held to it: who opens one has to ask `is_within`.
    """
    state = _Walk(_compile(exclude), on_error, within)
    files = []
    for folder in dict.fromkeys(os.path.abspath(folder) for folder in folders):
        if os.path.isdir(folder):
            yield from _walk_tree(state, folder, "")
        else:
            files.append(folder)
    # Links wait until all that can be reached by its own path was, or else the path under which a
    # picture is known would depend on the alphabet.
    while state.linked:
        yield from _walk_tree(state, *state.linked.pop(0))
    for file in files:
        yield _stamp(file)


def _compile(patterns: Sequence[str]) -> re.Pattern[str] | None:
    parts = [fnmatch.translate(pattern.removesuffix("/")) for pattern in patterns if pattern]
    return re.compile("|".join(parts)) if parts else None


def _walk_tree(state: _Walk, folder: str, relative: str) -> Iterator[PathStamp]:
    pending = [(folder, relative)]  # a list, not recursion: folders may be nested very deeply
    while pending:
        path, prefix = pending.pop()
        if not state.first_visit(path):
            continue
        below = []
        for entry in _entries(state, path):
            inside = prefix + entry.name
            if _is_skipped(entry.name) or state.excludes(entry.name, inside):
                continue
            if _is_folder(entry, linked=False):
                below.append((entry.path, inside + "/"))
            elif _is_folder(entry, linked=True):
                state.linked.append((entry.path, inside + "/"))
            elif _is_wanted(entry):
                yield _stamp(entry.path)
        pending += reversed(below)


def _entries(state: _Walk, path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        state.report(path, error)
        return []


def _is_skipped(name: str) -> bool:
    lower = name.lower()
    return name.startswith(".") or lower in _SKIPPED_NAMES or lower.endswith(_LIBRARY_SUFFIX)


def _is_folder(entry: os.DirEntry[str], *, linked: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=linked)
    except OSError:  # a link that goes round in circles
        return False


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix in PICTURE_SUFFIXES:
        return True
    return suffix not in _NEVER_SUFFIXES and _starts_like_picture(entry)


def _starts_like_picture(entry: os.DirEntry[str]) -> bool:
    try:
        if not entry.is_file():
            return False
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            return sniff(file.read(SNIFF_BYTES) or b"") is not None
    except OSError:  # unreadable, and nothing says that it is a picture
        return False


def _stamp(path: str) -> PathStamp:
    try:
        status = os.stat(path)
    except OSError:
        return PathStamp(path, 0, 0)
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return PathStamp(path, size, status.st_mtime_ns)
