"""The store's papers and topics -> everything that is said about trends: findings, and the numbers that charts show."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from kb.schemas import SCHEMAS
from kb.store import Store
from kb.taxonomy import Taxonomy
from kb.trends import findings as told
from kb.trends.corpus import corpora, is_reading_list, subjects
from kb.trends.emergence import Emergence, emergence
from kb.trends.findings import Finding
from kb.trends.growth import choose_span, growth_of_all
from kb.trends.history import History, history, next_periods, youths
from kb.trends.nowcast import Nowcast, nowcast
from kb.trends.series import Corpus, Series, build_all
from kb.trends.statements import history_findings

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """All that a refresh stores about trends: `tables` holds the rows of "series", "coverage", "trends", "backtests"."""

    findings: list[Finding]
    tables: Mapping[str, pa.Table]


def measure(store: Store, taxonomy: Taxonomy, run: str) -> Measures:
    """Compute every finding, and every number behind a chart, from the store's papers, themes and clusters."""
    papers, monthly, yearly = corpora(store)
    names, members = subjects(store, taxonomy, papers)
    if is_reading_list(store):
        return Measures(told.counts(names, members, len(papers), run), _tables({}, [], [], []))
    return measure_all(names, members, monthly, yearly, run, strength=_strength(store))


def measure_all(
    names: Mapping[str, str],
    members: Mapping[str, NDArray[np.int64]],
    monthly: Corpus,
    yearly: Corpus,
    run: str,
    *,
    strength: Mapping[str, float] | None = None,
) -> Measures:
    """Compute the same from papers that are counted already.

    Args:
        names: subject -> what people call it.
        members: subject -> positions of its papers in the corpora.
        monthly, yearly: the same papers, counted by month and by year.
        run: the refresh's id.
        strength: cluster -> median closeness of its papers to its centre.
    """
    # hundreds of small matrices: several threads would only wait for each other (on two busy cores, 45 s instead of 10)
    with threadpool_limits(1, user_api="blas"):
        return _measure(names, members, monthly, yearly, run, strength or {})


def _measure(
    names: Mapping[str, str],
    members: Mapping[str, NDArray[np.int64]],
    monthly: Corpus,
    yearly: Corpus,
    run: str,
    strength: Mapping[str, float],
) -> Measures:
    by_month, by_year = build_all(members, monthly), build_all(members, yearly)
    span = choose_span(monthly, yearly)
    monthly_growth = span is not None and span.step == "month"
    growth, _ = growth_of_all(by_month if monthly_growth else by_year, span)
    past = history(by_month, by_year, monthly, yearly)
    now = nowcast(monthly.dates, monthly, members)
    findings = told.growth_findings(names, growth, run) + told.share_findings(names, by_year, run)
    rising = frozenset(finding.subject for finding in findings if finding.kind == "rising")
    emerging = emergence(youths(past), rising, strength)
    findings += history_findings(names, past, emerging, now, run)
    rows = [_trend(subject, past, emerging.get(subject), now.get(subject)) for subject in sorted(members)]
    backtests = [{"step": past.corpus.step, **asdict(test)} for test in past.backtests]
    coverage = [row for corpus in (monthly, yearly) for row in _coverage(corpus)]
    tables = _tables({"month": by_month, "year": by_year}, rows, backtests, coverage)
    return Measures(sorted(findings, key=lambda finding: finding.id), tables)


def _strength(store: Store) -> dict[str, float]:
    placed = store.table("placements", ["cluster", "strength"]).to_pydict()
    found: dict[str, list[float]] = {}
    for cluster, value in zip(placed["cluster"], placed["strength"], strict=True):
        found.setdefault(f"cluster:{cluster}", []).append(value)
    return {subject: float(np.median(values)) for subject, values in found.items()}


def _trend(subject: str, past: History, emerging: Emergence | None, now: Nowcast | None) -> Row:
    row: Row = {
        "subject": subject, "step": past.corpus.step, "periods": [], "share": [], "low": [], "high": [], "bursts": [],
        "changes": [], "youth": None, "coherence": None, "emerging": False, "nowcast": None if now is None else asdict(now),
        "forecast_model": None, "forecast": [],
    }  # fmt: skip
    if past.adjusted is None or subject not in past.order:
        return row
    place, names = past.order.index(subject), past.corpus.periods
    effect, error = past.adjusted.effect[place], past.adjusted.spread[place]
    row |= {
        "periods": [names[period] for period in past.adjusted.places],
        "share": expit(effect).tolist(),
        "low": expit(effect - 1.96 * error).tolist(),
        "high": expit(effect + 1.96 * error).tolist(),
        "bursts": [{**asdict(one), "first": names[one.first], "last": names[one.last]} for one in past.bursts[subject]],
        "changes": [{"period": names[one.place], "ratio": one.ratio} for one in past.changes[subject]],
    }
    if emerging is not None:
        row |= {"youth": emerging.youth, "coherence": emerging.coherence, "emerging": emerging.emerging}
    if past.forecast is not None:
        keys = ("share", "low50", "high50", "low90", "high90")
        ahead = [getattr(past.forecast, key)[place].tolist() for key in keys]
        periods = next_periods(past)
        row |= {
            "forecast_model": past.forecast.model,
            "forecast": [
                {"period": period, **dict(zip(keys, values, strict=True))}
                for period, *values in zip(periods, *ahead, strict=True)
            ],
        }
    return row


def _coverage(corpus: Corpus) -> list[Row]:
    """Return from when to when each source is there, where it is missing in between, and whether it starts or ends."""
    rows = []
    for number, source in enumerate(corpus.strata):
        present = np.flatnonzero(corpus.totals[:, number])
        if len(present):
            first, last = int(present[0]), int(present[-1])
            gaps = [corpus.periods[place] for place in range(first, last) if corpus.totals[place, number] == 0]
            rows.append(
                {
                    "step": corpus.step, "source": source, "first": corpus.periods[first], "last": corpus.periods[last],
                    "papers": int(corpus.totals[:, number].sum()), "gaps": gaps, "starts": first > 0,
                    "ends": last < len(corpus.periods) - 1,
                }
            )  # fmt: skip
    return rows


def _tables(
    series: Mapping[str, Mapping[str, Series]], trends: list[Row], backtests: list[Row], coverage: list[Row]
) -> dict[str, pa.Table]:
    parts = [_counts(one, step) for step, by_subject in series.items() for _, one in sorted(by_subject.items())]
    return {
        "series": pa.concat_tables(parts) if parts else SCHEMAS["series"].empty_table(),
        "coverage": pa.Table.from_pylist(coverage, schema=SCHEMAS["coverage"]),
        "trends": pa.Table.from_pylist(trends, schema=SCHEMAS["trends"]),
        "backtests": pa.Table.from_pylist(backtests, schema=SCHEMAS["backtests"]),
    }


def _counts(series: Series, step: str) -> pa.Table:
    """One row per period with all sources (source ""), and one per period and source that has papers there."""
    corpus = series.corpus
    places, strata = np.nonzero(corpus.totals)
    measured = np.array([corpus.state(place) != "gap" for place in range(len(corpus.periods))], bool)
    everything = np.arange(len(corpus.periods))
    place = np.concatenate([everything, places]).astype(np.int64)
    source = ["", *corpus.strata]
    column = np.concatenate([np.zeros(len(everything), np.int64), strata + 1])
    count = np.concatenate([series.count, series.counts[places, strata]])
    total = np.concatenate([series.total, corpus.totals[places, strata]])
    gap = ~measured[place] & (column == 0)  # a gap holds no number, lest it be read as a zero
    states = [corpus.state(number) for number in range(len(corpus.periods))]
    return pa.table(
        {
            "subject": pa.array([series.subject] * len(place)),
            "step": pa.array([step] * len(place)),
            "period": pa.array(list(corpus.periods), pa.string()).take(pa.array(place)),
            "source": pa.array(source, pa.string()).take(pa.array(column)),
            "count": pa.array(count.astype(np.int32), mask=gap),
            "total": pa.array(total.astype(np.int32)),
            "state": pa.array(states, pa.string()).take(pa.array(place)),
        },
        schema=SCHEMAS["series"],
    )
