"""What a cosine means: the probability that a picture answers, as a logistic line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def logistic_line(cosines: NDArray[np.float32], answers: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the log odds of an answer, by maximum likelihood.

    The slope is never negative: a model that has learned nothing must not call its worst match
    probable.

    Args:
        cosines, answers: (n,), one for each pair of a query and a picture; some must be answers.
    """
    from sklearn.linear_model import LogisticRegression

    # Cosines of a young model differ by hundredths; on their own scale the solver would stop early.
    middle, scale = float(cosines.mean()), float(cosines.std()) or 1.0
    rows = ((cosines - middle) / scale).astype(np.float64)[:, None]
    fitted = LogisticRegression(C=np.inf, max_iter=200).fit(rows, answers)
    slope = float(fitted.coef_[0, 0]) / scale
    if slope <= 0:
        rate = float(answers.mean())
        return 0.0, float(np.log(rate / (1 - rate)))
    return slope, float(fitted.intercept_[0]) - slope * middle
