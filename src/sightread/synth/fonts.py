"""Type faces for rendered pictures, found in installed font packages by role.

The packages of the `gallery` extra are only data: their files are located through
`importlib.metadata`, no code of theirs is run. Pillow's built-in face stands in where a package
is not installed, so that rendering always works.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Literal

from PIL import ImageFont

Face = Literal[
    "plain",
    "sans",
    "medium",
    "bold",
    "heavy",
    "light",
    "serif",
    "serif bold",
    "serif black",
    "serif italic",
    "slab",
    "slab bold",
    "slab italic",
    "grotesk",
    "grotesk bold",
    "round",
    "hand",
    "narrow",
    "narrow bold",
]

FACES: dict[Face, tuple[str, str] | None] = {
    "plain": None,  # Pillow's own, always there
    "sans": ("font-manrope", "Manrope-Regular.ttf"),
    "medium": ("font-manrope", "Manrope-SemiBold.ttf"),
    "bold": ("font-manrope", "Manrope-Bold.ttf"),
    "heavy": ("font-manrope", "Manrope-ExtraBold.ttf"),
    "light": ("font-manrope", "Manrope-Light.ttf"),
    "serif": ("font-source-serif-pro", "SourceSerifPro-Regular.ttf"),
    "serif bold": ("font-source-serif-pro", "SourceSerifPro-Bold.ttf"),
    "serif black": ("font-source-serif-pro", "SourceSerifPro-Black.ttf"),
    "serif italic": ("font-source-serif-pro", "SourceSerifPro-It.ttf"),
    "slab": ("font-caladea", "Caladea-Regular.ttf"),
    "slab bold": ("font-caladea", "Caladea-Bold.ttf"),
    "slab italic": ("font-caladea", "Caladea-Italic.ttf"),
    "grotesk": ("font-hanken-grotesk", "HankenGrotesk-Medium.otf"),
    "grotesk bold": ("font-hanken-grotesk", "HankenGrotesk-Bold.otf"),
    "round": ("font-fredoka-one", "FredokaOne-Regular.ttf"),
    "hand": ("font-intuitive", "Intuitive.ttf"),
    "narrow": ("font-amatic-sc", "AmaticSC-Regular.ttf"),
    "narrow bold": ("font-amatic-sc", "AmaticSC-Bold.ttf"),
}
"""Role -> (distribution, file name); None is the face that Pillow carries."""


@lru_cache(maxsize=64)
def find_face(face: Face) -> Path | None:
    """The file of a face; None if its package is not installed or is Pillow's own."""
    source = FACES[face]
    if source is None:
        return None
    package, name = source
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == name:
            path = Path(str(file.locate()))
            return path if path.is_file() else None
    return None


def missing_packages() -> list[str]:
    """Names of the font packages that the faces want and that are not installed, sorted."""
    missing = {source[0] for face, source in FACES.items() if source and find_face(face) is None}
    return sorted(missing)


def load_face(face: Face, size_px: float) -> ImageFont.FreeTypeFont:
    """The face at `size_px` pixels per em, or Pillow's own at that size if it is not there."""
    return load_font(find_face(face), size_px)


@lru_cache(maxsize=2048)
def load_font(path: Path | None, size_px: float) -> ImageFont.FreeTypeFont:
    """The face of a file (None: Pillow's own) at `size_px` pixels per em.

    Raises:
        OSError: the file cannot be opened as a font.
    """
    if path is not None:
        # Basic layout: complex layout is not built into every Pillow, and the two differ.
        return ImageFont.truetype(str(path), size_px, layout_engine=ImageFont.Layout.BASIC)
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this Pillow was built without FreeType and cannot render text")
    return font
