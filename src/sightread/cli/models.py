"""The commands about model folders: models list, verify, pull, import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sightread.cli.options import JsonOption, say
from sightread.cli.plain import file_size, visible, write_bytes
from sightread.cli.training import needs_lab

if TYPE_CHECKING:
    from pathlib import Path

    from sightread.modelfolder import ModelInfo

models = typer.Typer(help="Look after model folders.", rich_markup_mode=None)

FolderArgument = Annotated[str, typer.Argument(metavar="FOLDER", help="The model folder.")]
OutOption = Annotated[str, typer.Option(metavar="DIR", help="The model folder to make.")]
SizeOption = Annotated[
    int | None,
    typer.Option(
        "--size",
        metavar="PX",
        help="Side of the input; positions are resized to it. The checkpoint's own by default.",
    ),
]


@models.command("verify")
def verify(
    folder: FolderArgument,
    sums_only: Annotated[
        bool, typer.Option("--sums-only", help="Do not compute golden vectors.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check that a model folder is whole and computes what it did when it was made.

    The checksum of every file is computed again, and the vectors of the golden pictures and texts
    that travel with the model.
    """
    from sightread.cli.reports import rows
    from sightread.modelfolder import verify as verify_folder
    from sightread.wire import dump_json

    info = verify_folder(folder)
    serves = info.kind != "weights"
    worst = golden_cosine(folder, info) if serves and not sums_only else None
    fields = model_fields(folder, info) | {"golden_cosine": worst}
    if as_json:
        write_bytes(dump_json(fields, indent=2) + "\n")
        return
    shown = {name: visible(str(value)) for name, value in fields.items() if value is not None}
    write_bytes(rows(shown))
    write_bytes(f"All {len(info.files)} files are as they were made.\n")


def golden_cosine(folder: str, info: ModelInfo) -> float:
    """Compute the golden vectors again; the smallest cosine to those in the folder.

    Raises:
        ModelError: one differs by more than allowed.
    """
    if info.kind == "spotter":
        from sightread.readers.spotter import SpotterReader
        from sightread.spotting import golden as spotted

        kept = spotted.unpack(_read_golden(folder, info), f"{folder}/golden.npz")
        return spotted.check(kept, SpotterReader(folder))
    from sightread.encoders import open_encoder
    from sightread.golden import check, unpack

    return check(unpack(_read_golden(folder, info), f"{folder}/golden.npz"), open_encoder(folder))


def _read_golden(folder: str, info: ModelInfo) -> bytes:
    """The checked bytes of `golden.npz`."""
    from sightread.modelfolder import GOLDEN, read_bytes

    return read_bytes(folder, info, GOLDEN)


@models.command("calibrate")
def calibrate(
    folder: FolderArgument,
    pictures: Annotated[
        int, typer.Option(metavar="N", min=50, max=100_000, help="Pictures to render and read.")
    ] = 600,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of what is rendered.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure what the cosines of a word spotter mean, and write it into its folder.

    Without that a search does not use them: it would not know how alike is alike enough. Pictures
    are rendered and read, and the model is asked for the words in them and for as many that are
    in none. What was read with the model stays valid.
    """
    from dataclasses import asdict, replace

    from sightread.cli.reports import rows
    from sightread.modelfolder import rewrite, verify
    from sightread.readers import open_reader
    from sightread.search.calibrate import DEFAULT_THRESHOLD
    from sightread.wire import dump_json

    info = verify(folder)
    reader = open_reader("spotter", folder=folder)
    with needs_lab():
        from sightread.lab import calibrate as lab
    fitted = lab.calibrate(reader, pictures, seed=seed, threshold=DEFAULT_THRESHOLD, tell=say)
    figures = asdict(fitted) | {"pictures": pictures, "seed": seed, "threshold": DEFAULT_THRESHOLD}
    provenance = {**info.provenance, "calibration": figures}
    rewrite(folder, replace(info, words=fitted.calibration, provenance=provenance))
    if as_json:
        write_bytes(dump_json(figures, indent=2) + "\n")
        return
    shown = {**figures, **figures.pop("calibration")}
    shown.pop("calibration")
    write_bytes(rows({name: _rounded(value) for name, value in shown.items()}))


def _rounded(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@models.command("list")
def list_models(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A folder of model folders.")
    ] = ".",
    as_json: JsonOption = False,
) -> None:
    """List the model folders in a folder. What is damaged is listed with its reason."""
    from pathlib import Path

    from sightread.wire import dump_json

    found = [_entry(path) for path in _model_folders(Path(folder))]
    if as_json:
        write_bytes(dump_json({"models": found}, indent=2) + "\n")
        return
    for fields in found:
        if "error" in fields:
            write_bytes(f"{visible(fields['folder'])}: {visible(fields['error'])}\n")
            continue
        size = file_size(fields["size_bytes"])
        about = f"{fields['kind']}, space {fields['space'] or 'none'}, {fields['dim']} dimensions"
        name = visible(fields["name"])
        write_bytes(f"{visible(fields['folder'])}: {name} ({about}, {size})\n")
    if not found:
        write_bytes(f"There is no model folder in {visible(folder)}.\n")


@models.command("pull")
def pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Such as RN50, or ViT-B-16:laion2b_s34b_b88k.")
    ],
    out: OutOption,
    size: SizeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch published CLIP weights from the public hub, to train on or to export.

    Names are those of open_clip, ARCHITECTURE:WEIGHTS; an architecture alone means OpenAI's
    weights. Nothing is fetched but their files; $HF_ENDPOINT names a mirror of the hub.
    """
    from pathlib import Path

    with needs_lab():
        from sightread.clip.hub import pull_clip
    _show_made(out, pull_clip(name, Path(out), size), as_json)


@models.command("import")
def import_weights(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A checkpoint, or a folder with one.")
    ],
    out: OutOption,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to call it. A name that `models pull` knows also says the GELU, the "
            "colours and the licence.",
        ),
    ] = None,
    gelu: Annotated[
        Literal["quick", "exact"] | None,
        typer.Option(
            metavar="quick|exact", help="Which GELU it was trained with; no checkpoint tells."
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="tokenizer.json, vocab.json beside merges.txt, bpe_simple_vocab_16e6.txt.gz, or "
            "their folder. By default it is looked for beside the weights.",
        ),
    ] = None,
    size: SizeOption = None,
    licence: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Licence of the weights.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a model folder of CLIP weights on this machine.

    Read are safetensors and state dicts of torch, with the names of OpenAI, open_clip or
    transformers. Nothing in them is executed.
    """
    from pathlib import Path

    with needs_lab():
        from sightread.clip.importing import Wishes, import_clip
    wishes = Wishes(
        name=name,
        quick_gelu=None if gelu is None else gelu == "quick",
        size_px=size,
        tokenizer=None if tokenizer is None else Path(tokenizer),
        licence=licence,
    )
    _show_made(out, import_clip(Path(path), Path(out), wishes), as_json)


def _show_made(folder: str, info: ModelInfo, as_json: bool) -> None:
    from sightread.cli.reports import rows
    from sightread.wire import dump_json

    fields = model_fields(folder, info)
    if as_json:
        write_bytes(dump_json(fields, indent=2) + "\n")
        return
    write_bytes(rows({name: visible(str(value)) for name, value in fields.items()}))


def _model_folders(root: Path) -> list[Path]:
    from sightread.errors import UsageError
    from sightread.modelfolder import MODEL_JSON

    if not root.is_dir():
        raise UsageError(f"{root} is no folder; name one that has model folders in it.")
    places = [root, *sorted(path for path in root.iterdir() if path.name[0] != ".")]
    return [path for path in places if (path / MODEL_JSON).is_file()]


def _entry(path: Path) -> dict[str, Any]:
    from sightread.errors import ModelError
    from sightread.modelfolder import read

    try:
        return model_fields(str(path), read(path))
    except ModelError as error:
        return {"folder": str(path), "error": str(error)}


def model_fields(folder: str, info: ModelInfo) -> dict[str, Any]:
    """A model folder as plain values, in the order in which they are shown."""
    return {
        "folder": folder,
        "name": info.name,
        "kind": info.kind,
        "space": info.space,
        "dim": info.dim,
        "input_px": info.preprocess.size_px,
        "licence": info.licence,
        "revision": info.revision,
        "size_bytes": sum(one.size_bytes for one in info.files.values()),
    }
