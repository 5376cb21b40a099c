"""Findings: what is said, and how a changed number is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from kb.trends import Finding, differences, from_dict, percent, rank
from kb.trends.findings import compute
from kb.trends.series import build_corpus


def corpora() -> tuple[np.ndarray, list[str], list[str]]:
    """Eight years of 300 papers, dated to their day."""
    days = np.array([f"{year}-{month:02d}-{day:02d}" for year in range(2015, 2023) for month in range(1, 13) for day in range(2, 27)],
                    dtype="datetime64[D]")  # fmt: skip
    return days, ["day"] * len(days), ["arxiv"] * len(days)


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    days, precision, strata = corpora()
    years = days.astype("datetime64[Y]").astype(int) + 1970
    random = np.random.default_rng(0)
    chance = random.random(len(days))
    members = {
        "theme:a/rising": np.flatnonzero(chance < 0.01 * 1.5 ** (years - 2015)),
        "theme:a/falling": np.flatnonzero(chance < 0.30 * 0.7 ** (years - 2015)),
        "theme:a/steady": np.flatnonzero(random.random(len(days)) < 0.1),
        "theme:a/rare": np.arange(5),
    }
    monthly, yearly = (build_corpus(days, precision, strata, step) for step in ("month", "year"))  # type: ignore[arg-type]
    return {one.id: one for one in compute({name: name[8:].title() for name in members}, members, monthly, yearly, "r0001")}


def test_what_rises_falls_and_stays_is_told_apart(findings: dict[str, Finding]) -> None:
    kinds = {name: findings[f"theme:a/{name} growth"].kind for name in ("rising", "falling", "steady", "rare")}
    assert kinds == {"rising": "rising", "falling": "falling", "steady": "no-trend", "rare": "too-few"}


def test_a_finding_carries_its_numbers(findings: dict[str, Finding]) -> None:
    found = findings["theme:a/rising growth"]
    assert found.low is not None
    assert found.high is not None
    assert 1 < found.low < found.value < found.high
    assert (found.mark, found.run) == ("derived", "r0001")
    assert found.q is not None
    assert found.q < 0.05


def test_the_statement_names_direction_interval_and_sample(findings: dict[str, Finding]) -> None:
    said = findings["theme:a/rising growth"].statement
    assert said.startswith("Rising rose by ")
    assert "95% interval" in said
    assert "papers" in said


def test_a_share_is_of_the_newest_year_that_ended(findings: dict[str, Finding]) -> None:
    assert findings["theme:a/steady share"].first == "2022"


def test_sure_and_large_growth_is_ranked_first(findings: dict[str, Finding]) -> None:
    order = [one.kind for one in rank(findings.values())]
    assert order[:2] in (["rising", "falling"], ["falling", "rising"])
    assert order[-1] == "too-few"


def test_findings_survive_the_store(findings: dict[str, Finding]) -> None:
    assert all(from_dict(one.to_dict()) == one for one in findings.values())


def test_equal_findings_do_not_differ(findings: dict[str, Finding]) -> None:
    assert differences(list(findings.values()), [replace(one, run="r0009") for one in findings.values()]) == []


def test_a_changed_number_is_named(findings: dict[str, Finding]) -> None:
    changed = {**findings, "theme:a/rising growth": replace(findings["theme:a/rising growth"], value=9.0)}
    (line,) = differences(list(findings.values()), list(changed.values()))
    assert line.startswith("theme:a/rising growth: value is 1.")


def test_a_missing_finding_is_named(findings: dict[str, Finding]) -> None:
    some = [one for one in findings.values() if one.kind != "rising"]
    assert len(differences(some, list(findings.values()))) == 1
    assert len(differences(list(findings.values()), some)) == 1


@pytest.mark.parametrize(("ratio", "text"), [(1.25, "+25%"), (0.9, "-10%"), (1.0, "+0%"), (4.2, "+320%")])
def test_a_ratio_is_told_as_a_change(ratio: float, text: str) -> None:
    assert percent(ratio) == text
