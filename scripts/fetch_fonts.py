"""Fetch open fonts for the scene renderer: font packages of Debian, unpacked but not installed.

    python scripts/fetch_fonts.py [FOLDER]

FOLDER is `build/fonts` unless given. Needs `apt-get` and `dpkg`, a network, and no root. Packages
that are there already are left alone, so that a stopped run goes on where it was. Each package's
licence lies beside its fonts, in `usr/share/doc`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TEXT = """
texgyre urw-base35 inter lato roboto-unhinted roboto-slab open-sans liberation dejavu-extra
adf-switzera adf-gillius adf-romande adf-tribun tiresias linuxlibertine paratype junicode
ebgaramond oldstandard karla
"""
SIGNS = """
roadgeek national-park routed-gothic bebas-neue league-spartan lobster lobstertwo kaushanscript
dancingscript leckerli-one cabinsketch comic-neue cherrybomb allerta dustin georgewilliams
eurofurence averia-gwf humor-sans courier-prime play jura dosis quicksand quattrocento
"""
PACKAGES = tuple(f"fonts-{name}" for name in (TEXT + SIGNS).split())
MARK = "usr"
"""What an unpacked package has at least."""


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/fonts").resolve()
    wanted = [name for name in PACKAGES if not (folder / name / MARK).is_dir()]
    if not wanted:
        print(f"All {len(PACKAGES)} font packages are in {folder}.")
        return
    missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if missing:
        sys.exit(
            f"Fonts are fetched with {' and '.join(missing)}, not found here: on a system without "
            f"Debian's tools, put TTF or OTF files of your own into {folder}."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(wanted, 1):
            print(f"\r{number} of {len(wanted)}: {name:<30}", end="", file=sys.stderr, flush=True)
            fetch(name, folder)
    except OSError as error:
        sys.exit(f"\nFonts cannot be written to {folder}: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit("\nStopped; run it again to go on.")
    print(f"\r{len(wanted)} font packages fetched into {folder}.{'':<20}", file=sys.stderr)


def fetch(name: str, folder: Path) -> None:
    """Download one package and unpack it; it appears in the folder whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as part:
        run(name, "apt-get", "download", "-qq", name, where=part)
        package = next(Path(part).glob("*.deb"), None)
        if package is None:
            sys.exit(f"\napt-get fetched no file for {name}: try again after `apt-get update`.")
        unpacked = Path(part, "unpacked")
        run(name, "dpkg", "-x", str(package), str(unpacked), where=part)
        os.replace(unpacked, folder / name)


def run(name: str, *command: str, where: str) -> None:
    answer = subprocess.run(
        command, cwd=where, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if answer.returncode:
        said = [line for line in answer.stderr.splitlines() if line.startswith(("E:", "dpkg"))]
        reason = said[-1] if said else f"code {answer.returncode}"
        sys.exit(
            f"\n{name} cannot be fetched ({reason}): check the network, or bring the list of "
            "packages up to date with `apt-get update`."
        )


if __name__ == "__main__":
    main()
