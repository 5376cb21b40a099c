"""A share and how surely it is known."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]


def wilson(count: ArrayLike, total: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the (low, high) ends of the score interval for a share.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Unlike the usual
    plus-or-minus it stays within 0 and 1 and is right for small counts. A total of 0 gives (0, 1): nothing is known.

    Args:
        count: papers that have the property, any shape.
        total: papers in all, same shape; count <= total.
        level: confidence level.
    """
    k, n = np.asarray(count, np.float64), np.asarray(total, np.float64)
    z = float(norm.ppf(0.5 + level / 2))
    known = np.maximum(n, 1)
    share = k / known
    scale = 1 + z**2 / known
    middle = (share + z**2 / (2 * known)) / scale
    half = z / scale * np.sqrt(share * (1 - share) / known + z**2 / (4 * known**2))
    low = np.where(n > 0, np.clip(middle - half, 0, share), 0.0)
    high = np.where(n > 0, np.clip(middle + half, share, 1), 1.0)
    return low, high
