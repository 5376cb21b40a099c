"""Real history, replayed: of the subjects called rising in a year, how many had a higher share one and two years on?"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import false_discovery_control

from kb import settings, taxonomy
from kb.errors import KbError
from kb.store import Store
from kb.trends.adjusted import Adjusted, adjust
from kb.trends.corpus import corpora, is_reading_list, subjects
from kb.trends.emergence import YOUNG, youth
from kb.trends.findings import FALSE_DISCOVERY_RATE, WORTH_SAYING
from kb.trends.growth import YEARS, Growth, Span, growth_of_all
from kb.trends.series import Corpus, Series, build_all

FIRST_YEARS = 6
"""Years of history before the first judgement."""
MIN_YEARS = 9
NAIVE = "last year's growth continues"
RULES = ("called rising by this project", "called emerging by this project", NAIVE, "all subjects")
Hits = dict[str, dict[int, list[bool]]]


def followed(home: Path | None) -> tuple[dict[str, str], str]:
    """Replay the history of the knowledge base in a home folder.

    Returns:
        How often each rule was right, by rule and years ahead, and a sentence; without enough history there are none, and
        the sentence says why.
    """
    try:
        store = Store.read(settings.load(home or settings.find_home(None)).store_uri)
        reading_list = is_reading_list(store)
    except KbError as error:
        return {}, f"Real history was not followed: {error}"
    if reading_list:
        return {}, "Real history was not followed: a reading list is no sample of the field."
    papers, _, yearly = corpora(store)
    covered = np.flatnonzero(yearly.covered)
    if not yearly.complete:
        covered = covered[covered < len(yearly.periods) - 1]
    if len(covered) < MIN_YEARS:
        return {}, f"Real history was not followed: {len(covered)} covered years, and it takes {MIN_YEARS}."
    _, members = subjects(store, taxonomy.load(), papers)
    series = {subject: one for subject, one in build_all(members, yearly).items() if one.count.sum() >= 100}
    hits = replay(series, yearly, covered.tolist())
    told = {
        f"{rule}: higher after {ahead} year{'s' * (ahead > 1)}": _share(found[ahead])
        for rule, found in hits.items()
        for ahead in (1, 2)
    }
    first, last = yearly.periods[covered[FIRST_YEARS - 1]], yearly.periods[covered[-2]]
    return (
        told,
        f"Real history followed: {len(papers):,} papers, {len(series)} subjects, judged at the end of {first} to {last}.",
    )


def replay(series: Mapping[str, Series], corpus: Corpus, years: list[int]) -> Hits:
    """Judge at the end of each year on what was known then, and look at the adjusted share of the years after."""
    order = sorted(series)
    whole = adjust([series[subject] for subject in order], corpus, years)
    hits: Hits = {rule: {1: [], 2: []} for rule in RULES}
    if whole is None:
        return hits
    for now in range(FIRST_YEARS - 1, len(years) - 1):
        known = years[: now + 1]
        then = adjust([series[subject] for subject in order], corpus, known)
        if then is None or not set(known[-2:]) <= set(then.places.tolist()):
            continue
        chosen = _called(series, corpus, known, order, then)
        for rule, subjects_ in chosen.items():
            for ahead in (1, 2):
                if now + ahead < len(years) and {years[now], years[now + ahead]} <= set(whole.places.tolist()):
                    at, on = (int(np.searchsorted(whole.places, years[place])) for place in (now, now + ahead))
                    hits[rule][ahead] += [bool(whole.effect[row, on] > whole.effect[row, at]) for row in subjects_]
    return hits


def _called(
    series: Mapping[str, Series], corpus: Corpus, known: list[int], order: list[str], then: Adjusted
) -> dict[str, list[int]]:
    """Return for each rule the rows of the subjects that it would have called rising."""
    span = Span("year", tuple(known[-YEARS:]), corpus.periods[known[-YEARS:][0]], corpus.periods[known[-1]])
    found = growth_of_all(series, span)[0]
    tested = {subject: one for subject, one in found.items() if isinstance(one, Growth)}
    q = dict(zip(tested, false_discovery_control([one.p for one in tested.values()]) if tested else [], strict=True))
    rising = [
        row
        for row, subject in enumerate(order)
        if subject in tested and q[subject] <= FALSE_DISCOVERY_RATE and tested[subject].ratio >= WORTH_SAYING
    ]
    return {
        RULES[0]: rising,
        RULES[1]: [row for row in rising if youth(then.effect[row], "year") >= YOUNG],
        NAIVE: [row for row in range(len(order)) if then.effect[row, -1] > then.effect[row, -2]],
        RULES[3]: list(range(len(order))),
    }


def _share(found: list[bool]) -> str:
    return f"{np.mean(found):.0%} of {len(found):,}" if found else "none called"
