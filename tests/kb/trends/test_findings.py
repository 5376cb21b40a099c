"""Findings: what is said, and how a changed number is noticed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.trends import Finding, differences, from_dict, percent, rank
from kb.trends.findings import FALSE_DISCOVERY_RATE
from kb.trends.measures import measure_all
from kb.trends.series import build_corpus


def corpora() -> tuple[np.ndarray, list[str], list[str]]:
    """Eight years of 300 papers, dated to their day."""
    days = np.array(
        [f"{year}-{month:02d}-{day:02d}" for year in range(2015, 2023) for month in range(1, 13) for day in range(2, 27)],
        dtype="datetime64[D]",
    )
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
    return {
        one.id: one
        for one in measure_all({name: name[8:].title() for name in members}, members, monthly, yearly, "r0001").findings
    }


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


def simulated(rates: dict[str, float], seed: int, *, base: float = 0.08, a_month: int = 150) -> dict[str, Finding]:
    """Growth findings on four years of months, for subjects that grow at these known odds ratios a year."""
    random = np.random.default_rng(seed)
    months = np.repeat(np.arange(48), a_month)
    days = (np.datetime64("2019-01") + months).astype("datetime64[D]") + 27
    members = {}
    for subject, rate in rates.items():
        odds = base / (1 - base) * rate ** (months / 12 - 2)
        members[subject] = np.flatnonzero(random.random(len(months)) < odds / (1 + odds))
    monthly, yearly = (build_corpus(days, ["day"] * len(days), ["arxiv"] * len(days), step) for step in ("month", "year"))  # type: ignore[arg-type]
    found = measure_all({subject: subject for subject in rates}, members, monthly, yearly, "r0001").findings
    return {one.subject: one for one in found if one.id.endswith(" growth")}


def test_without_any_growth_hardly_a_subject_is_called_growing() -> None:
    steady = {f"theme:{number}": 1.0 for number in range(120)}
    called = [one for seed in range(4) for one in simulated(steady, seed).values() if one.kind in {"rising", "falling"}]
    assert len(called) <= 2


def test_among_true_trends_the_share_of_false_ones_is_held() -> None:
    rates = {f"theme:{number}": 1.5 if number < 40 else 1.0 for number in range(160)}
    true, false = 0, 0
    for seed in range(4):
        called = {name for name, one in simulated(rates, seed).items() if one.q is not None and one.q <= FALSE_DISCOVERY_RATE}
        true += sum(rates[name] != 1.0 for name in called)
        false += sum(rates[name] == 1.0 for name in called)
    assert true >= 0.9 * 160
    assert false / (true + false) <= FALSE_DISCOVERY_RATE


def test_a_subject_is_less_surely_growing_among_many_than_alone() -> None:
    many = {"theme:weak": 1.12} | {f"theme:{number}": 1.0 for number in range(40)}
    alone, among = simulated({"theme:weak": 1.12}, 1)["theme:weak"], simulated(many, 1)["theme:weak"]
    assert alone.value == among.value
    assert alone.q is not None
    assert among.q is not None
    assert alone.q < among.q


def test_growth_that_is_sure_but_tiny_is_not_called_a_trend() -> None:
    found = simulated({"theme:x": 1.04}, 0, base=0.3, a_month=3_000)["theme:x"]
    assert found.q is not None
    assert found.q <= FALSE_DISCOVERY_RATE
    assert found.kind == "no-trend"


def test_too_few_papers_are_said_to_be_too_few_with_their_number() -> None:
    found = simulated({"theme:x": 1.0}, 0, base=0.001)["theme:x"]
    assert (found.kind, found.value, found.low, found.high, found.q) == ("too-few", float(found.n), None, None, None)
    assert found.statement.startswith(f"theme:x: {found.n} papers, too few to speak of a trend")


def test_a_share_lies_in_its_interval_and_counts_its_papers(findings: dict[str, Finding]) -> None:
    found = findings["theme:a/steady share"]
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert f"{found.n:,} of 300 papers" in found.statement


def test_a_year_that_has_not_ended_makes_no_share() -> None:
    days, precision, strata = corpora()
    kept = days < np.datetime64("2022-09-01")
    told = [known for known, one in zip(precision, kept, strict=True) if one]
    monthly, yearly = (build_corpus(days[kept], told, strata[: len(told)], step) for step in ("month", "year"))  # type: ignore[arg-type]
    members = {"theme:x": np.arange(0, kept.sum(), 9)}
    found = {one.id: one for one in measure_all({"theme:x": "X"}, members, monthly, yearly, "r0001").findings}
    assert found["theme:x share"].first == "2021"


def test_every_finding_says_how_and_in_which_run_it_was_computed(findings: dict[str, Finding]) -> None:
    assert all(one.method and one.run == "r0001" and one.mark == "derived" for one in findings.values())


@pytest.mark.parametrize("field", ["value", "low", "high", "q"])
def test_differences_name_the_number_that_changed(findings: dict[str, Finding], field: str) -> None:
    one = findings["theme:a/rising growth"]
    (line,) = differences([one], [replace(one, **{field: getattr(one, field) + 0.01})])
    assert line.startswith(f"{one.id}: {field} is ")


def test_differences_name_words_that_changed(findings: dict[str, Finding]) -> None:
    one = findings["theme:a/rising growth"]
    assert differences([one], [replace(one, kind="falling")]) == [f"{one.id}: kind is rising, recomputed falling"]


def test_a_number_that_appeared_or_went_is_a_difference(findings: dict[str, Finding]) -> None:
    one = findings["theme:a/rising growth"]
    assert len(differences([one], [replace(one, q=None)])) == len(differences([replace(one, q=None)], [one])) == 1


@settings(deadline=None)
@given(st.floats(0.01, 100), st.floats(-1e-8, 1e-8))
def test_differences_are_silent_on_what_rounding_may_change(value: float, rounding: float) -> None:
    one = Finding("i", "theme:x", "rising", "said", value, value, value, 0.01, 99, "how", "r0001", "derived", "2018", "2023")
    assert differences([one], [replace(one, value=value * (1 + rounding))]) == []


def ranked(kind: str, value: float, low: float, high: float) -> Finding:
    return Finding(f"{kind} {value}", "theme:x", kind, "", value, low, high, 0.01, 99, "", "r0001", "derived", "2018", "2023")


def test_a_large_growth_known_poorly_ranks_below_a_smaller_one_known_well() -> None:
    poorly, well = ranked("rising", 3.0, 1.05, 8.6), ranked("rising", 1.5, 1.4, 1.6)
    assert rank([poorly, well]) == [well, poorly]


def test_a_fall_ranks_beside_a_rise_of_the_same_size() -> None:
    fall, rise, small = ranked("falling", 0.5, 0.4, 0.625), ranked("rising", 1.5, 1.4, 1.6), ranked("rising", 1.2, 1.1, 1.3)
    assert rank([small, rise, fall]) == [fall, rise, small]


@settings(deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_rank_does_not_depend_on_the_order_given(order: list[int]) -> None:
    some = [ranked(kind, value, value / 1.1, value * 1.1) for kind in ("rising", "no-trend") for value in (0.5, 1.2, 1.5, 2.0)]
    assert rank([some[number] for number in order]) == rank(some)
