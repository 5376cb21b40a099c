"""Marks: a claim cannot say more than stands behind it."""

import pytest

from kb.errors import InvalidInput
from kb.evidence import Claim, Mark


def test_every_mark_has_its_sign() -> None:
    assert [mark.sign for mark in Mark] == ["✔", "●", "○"]


def test_a_derived_claim_needs_its_sample_method_and_run() -> None:
    with pytest.raises(InvalidInput, match="n, method and run"):
        Claim("It rises.", Mark.DERIVED, n=3, method="count")
    assert "n = 3" in Claim("It rises.", Mark.DERIVED, n=3, method="count", run="r0001").basis


def test_a_verified_claim_needs_its_source() -> None:
    with pytest.raises(InvalidInput, match="checked against"):
        Claim("It holds.", Mark.VERIFIED)


def test_an_assumption_needs_nothing() -> None:
    assert "judgement" in Claim("It seems so.", Mark.ASSUMPTION).basis
