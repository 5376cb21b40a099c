"""Series: gaps are no zeros, coarse dates take no part in months, an unfinished period is left out."""

from datetime import date, timedelta

import numpy as np

from kb.trends.series import Corpus, build_corpus, build_series, stretches


def corpus(
    *dates: date, precision: str = "day", step: str = "month", minimum: int = 1, strata: list[str] | None = None
) -> Corpus:
    days = np.array(dates, dtype="datetime64[D]")
    return build_corpus(days, [precision] * len(dates), strata or ["a"] * len(dates), step, minimum=minimum)  # type: ignore[arg-type]


def covered(made: Corpus) -> list[str]:
    return [made.periods[place] for first, last in stretches(made) for place in range(first, last + 1)]


def test_every_month_between_the_first_and_the_last_paper_is_a_period() -> None:
    assert corpus(date(2020, 11, 1), date(2021, 2, 28)).periods == ("2020-11", "2020-12", "2021-01", "2021-02")


def test_a_month_with_too_few_papers_is_not_covered() -> None:
    made = corpus(date(2020, 1, 1), date(2020, 1, 2), date(2020, 2, 1), date(2020, 3, 1), date(2020, 3, 30), minimum=2)
    assert covered(made) == ["2020-01", "2020-03"]
    assert stretches(made) == [(0, 0), (2, 2)]


def test_a_paper_known_by_its_year_takes_no_part_in_months() -> None:
    assert corpus(date(2020, 1, 1), precision="year").periods == ()
    assert corpus(date(2020, 1, 1), precision="year", step="year").periods == ("2020",)


def test_a_month_that_has_not_ended_is_left_out() -> None:
    assert covered(corpus(date(2020, 1, 31), date(2020, 2, 10))) == ["2020-01"]
    assert covered(corpus(date(2020, 1, 31), date(2020, 2, 27))) == ["2020-01", "2020-02"]


def test_a_year_that_has_not_ended_is_left_out() -> None:
    assert covered(corpus(date(2019, 5, 1), date(2020, 5, 1), step="year")) == ["2019"]
    assert covered(corpus(date(2019, 5, 1), date(2020, 12, 1), step="year")) == ["2019", "2020"]


def test_a_finished_list_of_the_newest_year_counts_as_ended() -> None:
    assert covered(corpus(date(2019, 1, 1), date(2020, 1, 1), precision="year", step="year")) == ["2019", "2020"]


def test_a_subject_is_counted_by_period_and_stratum() -> None:
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(60)]
    made = corpus(*days, strata=["a", "b"] * 30)
    series = build_series("theme:x", np.arange(0, 60, 4), made)
    assert series.total.tolist() == [31, 29]
    assert series.count.sum() == 15
    assert (series.counts <= made.totals).all()


def test_small_strata_are_pooled() -> None:
    days = [date(2020, 1, 1)] * 250
    made = corpus(*days, strata=["large"] * 240 + ["tiny"] * 6 + ["wee"] * 4)
    assert made.strata == ("large", "other")
    assert made.totals.tolist() == [[240, 10]]
