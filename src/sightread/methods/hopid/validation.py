"""How good HOPID is on pictures that it does not learn from, and what its cosines mean.

R@1, R@5 and R@10 both ways, in percent, and their sum, as in the field; a caption looks for its
picture, a picture for any of its captions. Ties count half: `rank = #(better) + #(equal) / 2`, so
that a model that calls everything alike is not perfect (section 4).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightread.errors import SightreadError
from sightread.methods.hopid.features import CaptionTable, PictureTable
from sightread.methods.hopid.model import HOPID, Seen
from sightread.methods.logistic import logistic_line

_CHUNK = 128
TOPS = (1, 5, 10)


@torch.no_grad()
def picture_vectors(model: HOPID, table: PictureTable) -> Tensor:
    """V (n, D) of all pictures, on the CPU."""
    device = model.clip.logit_scale.device
    rows = [torch.zeros(0, model.dim)]
    for some in _parts(len(table)):
        seen = Seen(*(one.to(device) for one in table.seen(some)))
        rows.append(model.see(seen).vector.cpu())
    return torch.cat(rows)


@torch.no_grad()
def caption_vectors(model: HOPID, table: CaptionTable) -> Tensor:
    """T (m, D) of all captions, on the CPU."""
    device = model.clip.logit_scale.device
    rows = [torch.zeros(0, model.dim)]
    for some in _parts(len(table)):
        read = table.read(some)
        rows.append(model.read(type(read)(*(one.to(device) for one in read))).cpu())
    return torch.cat(rows)


def _parts(count: int) -> list[range]:
    return [range(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK)]


def recalls(scores: NDArray[np.float32], picture: Sequence[int]) -> dict[str, float]:
    """R@1, R@5, R@10 in percent both ways, and their sum.

    Args:
        scores: (m, n) of captions with pictures.
        picture: (m,) the picture of each caption; each picture has one.

    Raises:
        SightreadError: a score is not a number.
    """
    if not np.isfinite(scores).all():
        raise SightreadError("Some scores are not numbers: the model is damaged.")
    own = np.asarray(picture)
    right = scores[np.arange(len(own)), own]
    better = (scores > right[:, None]).sum(1) + 0.5 * ((scores == right[:, None]).sum(1) - 1)
    found = {f"text_to_image_{top}": 100 * float((better < top).mean()) for top in TOPS}
    ranks = _picture_ranks(scores, own)
    found |= {f"image_to_text_{top}": 100 * float((ranks < top).mean()) for top in TOPS}
    return found | {"rsum": sum(found.values())}


def _picture_ranks(scores: NDArray[np.float32], own: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) how many captions of other pictures are better than the best of each picture's own, ties
    half."""
    ranks = np.zeros(scores.shape[1])
    for at in range(scores.shape[1]):
        column, mine = scores[:, at], own == at
        best, rest = column[mine].max(), column[~mine]
        ranks[at] = (rest > best).sum() + 0.5 * (rest == best).sum()
    return ranks


def figures(model: HOPID, pictures: PictureTable, captions: CaptionTable) -> dict[str, float]:
    """What the module's page says, of a model in eval mode.

    Args:
        captions: of `pictures`, in their order: all of the first, then all of the second.
    """
    images, texts = picture_vectors(model, pictures), caption_vectors(model, captions)
    picture = [at for at, one in enumerate(pictures.pictures) for _ in one.captions]
    cosines = (texts @ images.T).numpy()
    found = recalls(cosines, picture)
    right = np.zeros(cosines.shape, bool)
    right[np.arange(len(picture)), picture] = True
    slope, offset = logistic_line(cosines.ravel(), right.ravel())
    return found | {
        "calibration_slope": slope,
        "calibration_offset": offset,
        "answers_per_picture": float(right.mean()),
    }
