"""Counting papers: gaps stay gaps, coarse dates stay out of months, and an unfinished period is left out."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.trends.series import MIN_PAPERS, MIN_STRATUM, Corpus, Step, build_all, build_corpus, build_series, stretches


def corpus_of(
    counts: Mapping[str, int], step: Step, *, precision: str = "day", stratum: str = "arxiv", minimum: int | None = None
) -> Corpus:
    """A corpus with so many papers on each date: `corpus_of({"2020-05-28": 30}, "month")`."""
    dates = np.array([day for day, count in counts.items() for _ in range(count)], dtype="datetime64[D]")
    return build_corpus(dates, [precision] * len(dates), [stratum] * len(dates), step, minimum=minimum)


def test_papers_are_counted_in_the_month_they_appeared() -> None:
    corpus = corpus_of({"2020-01-31": 3, "2020-02-01": 5, "2020-02-29": 1}, "month")
    assert corpus.periods == ("2020-01", "2020-02")
    assert corpus.totals.sum(axis=1).tolist() == [3, 6]


def test_papers_are_counted_in_the_year_they_appeared() -> None:
    corpus = corpus_of({"2019-12-31": 3, "2020-01-01": 5}, "year")
    assert corpus.periods == ("2019", "2020")
    assert corpus.totals.sum(axis=1).tolist() == [3, 5]


def test_a_month_without_papers_is_listed_and_not_covered() -> None:
    corpus = corpus_of({"2019-12-15": 30, "2020-02-28": 30}, "month")
    assert corpus.periods == ("2019-12", "2020-01", "2020-02")
    assert corpus.covered.tolist() == [True, False, True]


def test_an_uncovered_month_is_a_gap_between_two_stretches_and_never_a_zero() -> None:
    corpus = corpus_of({"2020-01-15": 30, "2020-02-15": 30, "2020-04-15": 30, "2020-05-28": 30}, "month")
    assert stretches(corpus) == [(0, 1), (3, 4)]


@pytest.mark.parametrize("step", ["month", "year"])
def test_a_period_with_very_few_papers_is_not_covered(step: Step) -> None:
    corpus = corpus_of({"2019-12-30": MIN_PAPERS[step], "2020-12-30": MIN_PAPERS[step] - 1}, step)
    assert (corpus.covered[0], corpus.covered[-1]) == (True, False)


def test_how_many_papers_cover_a_period_can_be_told() -> None:
    assert corpus_of({"2020-01-15": 2, "2020-02-15": 1}, "month", minimum=2).covered.tolist() == [True, False]


def test_a_paper_dated_to_its_year_takes_no_part_in_months() -> None:
    dates = np.array(["2020-01-01", "2020-01-01", "2020-02-15"], dtype="datetime64[D]")
    corpus = build_corpus(dates, ["year", "day", "day"], ["arxiv"] * 3, "month")
    assert corpus.totals.sum(axis=1).tolist() == [1, 1]
    assert build_series("theme:x", np.arange(3), corpus).count.tolist() == [1, 1]


def test_a_paper_dated_to_its_year_counts_in_years() -> None:
    corpus = corpus_of({"2020-01-01": 3}, "year", precision="year")
    assert corpus.totals.sum() == 3


def test_a_year_dated_paper_does_not_lengthen_a_monthly_corpus() -> None:
    dates = np.array(["1995-01-01", "2020-02-15"], dtype="datetime64[D]")
    assert build_corpus(dates, ["year", "month"], ["arxiv"] * 2, "month").periods == ("2020-02",)


def test_papers_dated_to_their_year_only_make_no_months() -> None:
    corpus = corpus_of({"2020-01-01": 50}, "month", precision="year")
    assert (corpus.periods, stretches(corpus)) == ((), [])
    assert build_series("theme:x", np.arange(50), corpus).count.tolist() == []


def test_a_last_month_that_has_not_ended_is_left_out() -> None:
    assert stretches(corpus_of({"2020-01-15": 30, "2020-02-15": 30, "2020-03-10": 30}, "month")) == [(0, 1)]


def test_a_last_month_counts_once_papers_reach_its_end() -> None:
    assert stretches(corpus_of({"2020-01-15": 30, "2020-02-15": 30, "2020-03-28": 30}, "month")) == [(0, 2)]


def test_a_last_year_that_has_not_ended_is_left_out() -> None:
    assert stretches(corpus_of({"2018-06-01": 50, "2019-06-01": 50, "2020-08-31": 50}, "year")) == [(0, 1)]


def test_a_last_year_counts_once_papers_reach_december() -> None:
    assert stretches(corpus_of({"2018-06-01": 50, "2019-06-01": 50, "2020-12-20": 50}, "year")) == [(0, 2)]


def test_a_finished_list_that_is_dated_to_the_year_only_counts() -> None:
    assert stretches(corpus_of({"2018-01-01": 50, "2019-01-01": 50, "2020-01-01": 50}, "year", precision="year")) == [(0, 2)]


def test_a_large_source_is_a_stratum_and_small_ones_are_pooled() -> None:
    strata = ["arxiv"] * MIN_STRATUM + ["iclr"] * (MIN_STRATUM - 1) + ["nips"] * 2
    dates = np.full(len(strata), np.datetime64("2020-12-20"))
    corpus = build_corpus(dates, ["day"] * len(strata), strata, "year")
    assert dict(zip(corpus.strata, corpus.totals[0].tolist(), strict=True)) == {"arxiv": MIN_STRATUM, "other": MIN_STRATUM + 1}


def test_a_subjects_papers_are_counted_in_their_own_stratum() -> None:
    strata = ["arxiv", "iclr"] * MIN_STRATUM
    dates = np.full(len(strata), np.datetime64("2020-12-20"))
    corpus = build_corpus(dates, ["day"] * len(strata), strata, "year")
    assert build_series("theme:x", np.array([0, 1, 3, 5]), corpus).counts.tolist() == [[1, 3]]


def test_all_subjects_are_counted_alike() -> None:
    corpus = corpus_of({"2019-06-01": 3, "2020-06-01": 3}, "year")
    counted = build_all({"theme:b": np.array([0, 4]), "theme:a": np.array([], np.int64)}, corpus)
    assert {name: series.count.tolist() for name, series in counted.items()} == {"theme:a": [0, 0], "theme:b": [1, 1]}


papers = st.lists(
    st.tuples(
        st.dates(np.datetime64("1990-01-01").item(), np.datetime64("2024-12-31").item()),
        st.sampled_from(["day", "month", "year"]),
        st.sampled_from(["arxiv", "iclr"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(papers, st.sampled_from(["month", "year"]))
def test_every_paper_whose_date_is_fine_enough_is_counted_exactly_once(
    papers: list[tuple[object, str, str, bool]], step: Step
) -> None:
    dates = np.array([day for day, _, _, _ in papers], dtype="datetime64[D]")
    precision, strata = [known for _, known, _, _ in papers], [stratum for _, _, stratum, _ in papers]
    corpus = build_corpus(dates, precision, strata, step)
    members = np.flatnonzero([chosen for _, _, _, chosen in papers])
    series = build_series("theme:x", members, corpus)
    usable = [step == "year" or known != "year" for known in precision]
    assert series.total.sum() == sum(usable)
    assert series.count.sum() == sum(usable[place] for place in members)
    assert np.all(series.counts <= corpus.totals)


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 5, 30]), min_size=1, max_size=30))
def test_stretches_hold_the_covered_periods_and_no_others(counts: list[int]) -> None:
    months = [str(np.datetime64("2018-01") + number) for number in range(len(counts))]
    corpus = corpus_of({f"{month}-28": count for month, count in zip(months, [*counts[:-1], 30], strict=True)}, "month")
    inside = [corpus.periods[place] for first, last in stretches(corpus) for place in range(first, last + 1)]
    assert inside == [month for month, count in zip(months, [*counts[:-1], 30], strict=True) if count == 30]
