"""Which subjects emerge: young, growing, and coherent.

Rotolo, Hicks and Martin, "What is an emerging technology?", Research Policy 44 (2015), name novelty, fast growth and
coherence among the marks of emergence. Here:

- *young*: the share of the last three years is at least `YOUNG` times what it was before them;
- *growing*: called rising, after correction for all subjects tested;
- *coherent*: the papers of a cluster lie at least as close to its centre as those of the median cluster. Themes are
  written by editors and count as coherent.

Whether subjects called so went on to rise is measured on real history by `kb bench run trends`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

YOUNG = 2.0
RECENT = {"month": 36, "year": 3}


@dataclass(frozen=True, slots=True)
class Emergence:
    """How far a subject emerges; `coherence` is None where it does not apply."""

    youth: float
    growing: bool
    coherence: float | None
    coherent: bool

    @property
    def emerging(self) -> bool:
        """Whether all three hold."""
        return self.youth >= YOUNG and self.growing and self.coherent


def youth(effect: NDArray[np.float64], step: str) -> float:
    """Return the mean share of the last three years relative to that of all the time before (1 where there is none)."""
    recent = RECENT[step]
    share = expit(effect)
    if len(share) < 2 * recent:
        return 1.0
    return float(share[-recent:].mean() / share[:-recent].mean())


def emergence(youths: Mapping[str, float], rising: frozenset[str], strength: Mapping[str, float]) -> dict[str, Emergence]:
    """Judge every subject.

    Args:
        youths: subject -> `youth` of its adjusted series.
        rising: subjects that are called rising.
        strength: cluster -> median closeness of its papers to its centre.
    """
    middle = float(np.median(list(strength.values()))) if strength else 0.0
    return {
        subject: Emergence(young, subject in rising, strength.get(subject), strength.get(subject, middle) >= middle)
        for subject, young in youths.items()
    }
