"""Published weights from the public hub, fetched when, and only when, a user asks."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from sightread.clip.importing import Wishes, import_clip
from sightread.clip.published import (
    TOKENIZER_FILE,
    TOKENIZER_REPOSITORY,
    WEIGHT_FILES,
    find_published,
)
from sightread.errors import ModelError, UsageError
from sightread.modelfolder import ModelInfo


def pull_clip(name: str, out: Path, size_px: int | None = None) -> ModelInfo:
    """Fetch weights and tokeniser of a published CLIP and make a model folder of them.

    Downloads go through the cache of `huggingface_hub`, so that a broken one goes on where it
    stopped, and nothing is fetched twice. `$HF_ENDPOINT` names a mirror.

    Args:
        name: as in `PUBLISHED`.
        out: the folder to make.
        size_px: input size; positions are resized to it.

    Raises:
        UsageError: the name is unknown, `out` exists, or a package is missing.
        ModelError: the hub cannot be reached or has not what is expected.
    """
    full, published = find_published(name)
    if out.exists():
        raise UsageError(f"{out} is there already; name another folder, or remove it.")
    tokenizer = _fetch(TOKENIZER_REPOSITORY, (TOKENIZER_FILE,))
    weights = _fetch(published.repository, WEIGHT_FILES)
    # The cache keeps files under .../snapshots/COMMIT/.
    provenance = {"repository": published.repository, "commit": weights.parent.name}
    return import_clip(weights, out, Wishes(full, None, size_px, tokenizer), provenance)


def _fetch(repository: str, names: tuple[str, ...]) -> Path:
    """The first of these files that the repository has."""
    # It would else ask the hub for more than the files. Read once, when it is imported.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ModuleNotFoundError as error:
        raise UsageError(
            "Fetching from the hub needs one more package: run `pip install huggingface-hub`."
        ) from error
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells of every retry
    for name in names:
        try:
            return Path(hf_hub_download(repository, name))
        except LocalEntryNotFoundError as error:
            raise ModelError(
                f"{name} of {repository} cannot be fetched: the hub cannot be reached; check the "
                "network, or get the files elsewhere and use `sightread models import`."
            ) from error
        except EntryNotFoundError:
            continue
        except (OSError, ValueError) as error:
            reason = str(error).strip().split("\n")[0].rstrip(".")
            raise ModelError(f"{repository} cannot be fetched: {reason}.") from error
    raise ModelError(f"{repository} has none of {', '.join(names)}; it has changed since.")
