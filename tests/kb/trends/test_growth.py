"""Growth: a planted rate is recovered, none is not invented, and a venue that enters makes no trend."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from kb.trends.growth import Growth, Span, TooFew, choose_span, growth, growth_of_all
from kb.trends.series import Corpus, Series

MONTHS = tuple(f"{year}-{month:02d}" for year in range(2019, 2023) for month in range(1, 13))
SPAN = Span("month", tuple(range(48)), MONTHS[0], MONTHS[-1])
YEARS = tuple(str(year) for year in range(2015, 2023))


def corpus(totals: np.ndarray, periods: tuple[str, ...] = MONTHS) -> Corpus:
    totals = np.asarray(totals, np.int64).reshape(len(periods), -1)
    strata = tuple(f"s{number}" for number in range(totals.shape[1]))
    step = "month" if "-" in periods[0] else "year"
    return Corpus(step, periods, strata, np.zeros(0, np.int64), totals, totals.sum(axis=1) > 0, True)  # type: ignore[arg-type]


def rising(ratio: float, seed: int, *, base: float = 0.05, total: int = 400, scatter: float = 0.0) -> Series:
    """Counts whose odds grow by `ratio` a year, with a normal scatter of the log-odds by month."""
    random = np.random.default_rng(seed)
    odds = base / (1 - base) * ratio ** (np.arange(48) / 12) * np.exp(scatter * random.normal(size=48))
    counts = random.binomial(total, odds / (1 + odds))
    return Series("x", corpus(np.full(48, total)), counts.reshape(-1, 1))


def test_a_planted_growth_lies_in_its_interval_as_often_as_the_interval_says() -> None:
    found = [growth(rising(1.3, seed), SPAN) for seed in range(200)]
    covered = [isinstance(one, Growth) and one.low <= 1.3 <= one.high for one in found]
    assert 0.90 <= np.mean(covered) <= 0.99


def test_scatter_beyond_chance_widens_the_interval_and_keeps_its_coverage() -> None:
    found = [growth(rising(1.3, seed, scatter=0.4), SPAN) for seed in range(200)]
    assert all(isinstance(one, Growth) for one in found)
    assert np.median([one.dispersion for one in found if isinstance(one, Growth)]) > 2
    assert 0.88 <= np.mean([isinstance(one, Growth) and one.low <= 1.3 <= one.high for one in found]) <= 0.99


def test_scatter_beyond_chance_makes_the_interval_wider_than_chance_alone_would() -> None:
    for seed in range(20):
        scattered, smooth = growth(rising(1.3, seed, scatter=0.4), SPAN), growth(rising(1.3, seed), SPAN)
        assert isinstance(scattered, Growth)
        assert isinstance(smooth, Growth)
        assert scattered.high / scattered.low > smooth.high / smooth.low


def test_counts_smoother_than_chance_do_not_narrow_the_interval_below_chance() -> None:
    found = growth(Series("x", corpus(np.full(48, 400)), np.full((48, 1), 20)), SPAN)
    assert isinstance(found, Growth)
    assert found.dispersion == 1.0


@pytest.mark.parametrize("ratio", [0.6, 0.9, 1.2, 2.0])
def test_many_papers_pin_a_planted_rate_down(ratio: float) -> None:
    found = growth(rising(ratio, 0, base=0.05, total=50_000), SPAN)
    assert isinstance(found, Growth)
    assert found.ratio == pytest.approx(ratio, rel=0.03)
    assert found.low <= found.ratio <= found.high


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.5, 2.0))
def test_growth_is_the_same_whichever_way_the_share_is_told(seed: int, ratio: float) -> None:
    told = rising(ratio, seed, base=0.2)
    rest = Series("rest", told.corpus, told.corpus.totals - told.counts)
    found, mirrored = growth(told, SPAN), growth(rest, SPAN)
    assert isinstance(found, Growth)
    assert isinstance(mirrored, Growth)
    assert (1 / mirrored.ratio, 1 / mirrored.high, 1 / mirrored.low) == pytest.approx(
        (found.ratio, found.low, found.high), rel=1e-4
    )
    assert mirrored.p == pytest.approx(found.p, rel=1e-3, abs=1e-12)


def test_without_growth_few_subjects_are_called_growing() -> None:
    found = [growth(rising(1.0, seed, scatter=0.2), SPAN) for seed in range(300)]
    p_values = [one.p for one in found if isinstance(one, Growth)]
    assert len(p_values) == 300
    assert np.mean(np.array(p_values) < 0.05) < 0.09
    assert (false_discovery_control(p_values) < 0.05).sum() <= 3


def late_venue() -> tuple[np.ndarray, np.ndarray]:
    """Papers and a subject's papers by month: a steady source, and a venue with six times its share that enters late."""
    random = np.random.default_rng(0)
    totals = np.column_stack([np.full(48, 400), np.where(np.arange(48) >= 30, 400, 0)])
    return totals, np.column_stack([random.binomial(400, 0.05, 48), random.binomial(totals[:, 1], 0.30)])


def test_a_venue_that_enters_the_corpus_makes_no_trend() -> None:
    totals, counts = late_venue()
    found = growth(Series("x", corpus(totals), counts), SPAN)
    assert isinstance(found, Growth)
    assert found.low < 1 < found.high


def test_the_same_venue_would_make_a_trend_if_its_papers_were_not_told_apart() -> None:
    totals, counts = late_venue()
    found = growth(Series("x", corpus(totals.sum(axis=1)), counts.sum(axis=1, keepdims=True)), SPAN, pooled=False)
    assert isinstance(found, Growth)
    assert found.low > 1.5


def shocked(seed: int, subjects: int = 30) -> dict[str, Series]:
    """Subjects without growth whose months scatter, each month much like the one before."""
    random = np.random.default_rng(seed)
    made = {}
    for number in range(subjects):
        shocks = np.zeros(48)
        for month in range(1, 48):
            shocks[month] = 0.7 * shocks[month - 1] + random.normal(0, 0.2)
        odds = 0.05 * np.exp(shocks)
        counts = random.binomial(800, odds / (1 + odds)).reshape(-1, 1)
        made[f"x{number}"] = Series(f"x{number}", corpus(np.full(48, 800)), counts)
    return made


def test_months_that_scatter_together_are_allowed_for_and_would_otherwise_make_trends() -> None:
    allowed, alone = [], []
    for seed in range(4):
        series = shocked(seed)
        allowed += [one.p < 0.05 for one in growth_of_all(series, SPAN)[0].values() if isinstance(one, Growth)]
        found = [growth(one, SPAN, pooled=False) for one in series.values()]
        alone += [one.p < 0.05 for one in found if isinstance(one, Growth)]
    assert np.mean(alone) > 0.12
    assert np.mean(allowed) < 0.09


def test_the_memory_of_the_scatter_is_measured() -> None:
    noise = growth_of_all(shocked(0, subjects=80), SPAN)[1]
    assert 0.5 <= noise.rho <= 0.85
    assert 0.03 <= noise.tau2 <= 0.13


def test_a_rate_is_found_across_strata_of_different_shares() -> None:
    random = np.random.default_rng(3)
    rise = 1.4 ** (np.arange(48) / 12)
    odds = np.column_stack([0.05 * rise, 0.40 * rise])
    totals = np.column_stack([np.full(48, 2_000), np.where(np.arange(48) >= 20, 2_000, 0)])
    found = growth(Series("x", corpus(totals), random.binomial(totals, odds / (1 + odds))), SPAN)
    assert isinstance(found, Growth)
    assert found.low < 1.4 < found.high
    assert found.ratio == pytest.approx(1.4, rel=0.05)


def test_a_stratum_of_two_periods_takes_no_part() -> None:
    totals = np.column_stack([np.full(8, 300), [0, 0, 0, 5000, 5000, 0, 0, 0]])
    counts = np.column_stack([np.full(8, 30), [0, 0, 0, 50, 500, 0, 0, 0]])
    span = Span("year", tuple(range(8)), YEARS[0], YEARS[-1])
    found = growth(Series("x", corpus(totals, YEARS), counts), span)
    assert isinstance(found, Growth)
    assert (found.n, found.total) == (240, 2400)
    assert found.ratio == pytest.approx(1, abs=0.01)


def test_a_season_is_not_taken_for_growth() -> None:
    share = np.where(np.arange(48) % 12 == 4, 0.20, 0.05)
    counts = np.random.default_rng(1).binomial(400, share)
    found = growth(Series("x", corpus(np.full(48, 400)), counts.reshape(-1, 1)), SPAN)
    assert isinstance(found, Growth)
    assert found.low < 1 < found.high


def test_few_papers_are_too_few() -> None:
    counts = np.zeros((48, 1), np.int64)
    counts[::4] = 2
    found = growth(Series("x", corpus(np.full(48, 400)), counts), SPAN)
    assert isinstance(found, TooFew)
    assert found.n == 24


def test_a_corpus_that_covers_too_few_periods_says_so() -> None:
    found = growth(rising(1.3, 0), None)
    assert isinstance(found, TooFew)
    assert "too few periods" in found.reason


def test_a_subject_that_is_the_whole_corpus_has_no_growth() -> None:
    assert isinstance(growth(Series("x", corpus(np.full(48, 400)), np.full((48, 1), 400)), SPAN), TooFew)


def test_a_subject_that_appears_from_nothing_has_no_finite_rate() -> None:
    counts = np.where(np.arange(8) < 4, 0, 300).reshape(-1, 1)
    span = Span("year", tuple(range(8)), YEARS[0], YEARS[-1])
    assert isinstance(growth(Series("x", corpus(np.full(8, 300), YEARS), counts), span), TooFew)


def test_a_subject_of_one_period_only_has_no_growth() -> None:
    totals = np.zeros(48)
    totals[5] = 400
    counts = np.zeros((48, 1), np.int64)
    counts[5] = 100
    assert isinstance(growth(Series("x", corpus(totals), counts), SPAN), TooFew)


def test_a_corpus_of_short_stretches_is_judged_by_years() -> None:
    monthly = corpus(np.tile([400, 0], 24))
    span = choose_span(monthly, corpus(np.full(8, 500), YEARS))
    assert span is not None
    assert (span.step, span.first, span.last) == ("year", "2015", "2022")


def test_a_corpus_of_whole_months_is_judged_by_months() -> None:
    span = choose_span(corpus(np.full(48, 400)), corpus(np.full(8, 500), YEARS))
    assert span is not None
    assert (span.step, span.first, span.last) == ("month", "2019-01", "2022-12")


def test_a_corpus_of_three_years_cannot_be_judged() -> None:
    assert choose_span(corpus(np.zeros(48)), corpus(np.full(3, 500), YEARS[:3])) is None


def test_an_uncovered_year_is_left_out_and_not_counted_as_a_fall() -> None:
    yearly = corpus(np.array([500, 500, 500, 500, 0, 500, 500, 500]), YEARS)
    span = choose_span(corpus(np.zeros(48)), yearly)
    assert span is not None
    assert [YEARS[place] for place in span.positions] == ["2015", "2016", "2017", "2018", "2020", "2021", "2022"]
    found = growth(Series("x", yearly, yearly.totals // 10), span)
    assert isinstance(found, Growth)
    assert found.ratio == pytest.approx(1.0, abs=1e-6)


def test_months_before_a_gap_are_left_out() -> None:
    months = np.full(48, 400)
    months[10] = 0
    span = choose_span(corpus(months), corpus(np.full(8, 500), YEARS))
    assert span is not None
    assert (span.step, span.first, span.last) == ("month", MONTHS[11], MONTHS[-1])


def test_an_unfinished_last_month_is_left_out() -> None:
    span = choose_span(replace(corpus(np.full(48, 400)), complete=False), corpus(np.full(8, 500), YEARS))
    assert span is not None
    assert span.last == MONTHS[-2]


def test_only_the_last_five_years_of_months_are_judged() -> None:
    months = tuple(f"{year}-{month:02d}" for year in range(2010, 2020) for month in range(1, 13))
    span = choose_span(corpus(np.full(120, 400), months), corpus(np.full(8, 500), YEARS))
    assert span is not None
    assert (span.first, span.last, len(span.positions)) == ("2015-01", "2019-12", 60)
