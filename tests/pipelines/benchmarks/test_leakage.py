"""Copies are planted as said, and found."""

import numpy as np
import pytest

from pipelines.benchmarks import leakage

TEXTS = tuple(" ".join(f"{stem}{place}" for place in range(40)) for stem in ("model", "data", "paper", "layer", "token", "score"))


def test_copies_are_found_and_other_texts_are_not() -> None:
    assert leakage.near([TEXTS[2]], TEXTS) == {2}


def test_an_edit_replaces_about_that_share_of_the_words() -> None:
    changed = leakage.edited(TEXTS[0] * 20, 0.25, TEXTS[1:], np.random.default_rng(0)).split()
    before = (TEXTS[0] * 20).split()
    assert np.mean([a != b for a, b in zip(before, changed, strict=True)]) == pytest.approx(0.25, abs=0.06)


def test_no_edit_changes_nothing() -> None:
    assert leakage.edited(TEXTS[0], 0.0, TEXTS[1:], np.random.default_rng(0)) == TEXTS[0]
