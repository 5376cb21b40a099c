"""From the store to what is counted: strata, subjects, and who is left out."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from kb.papers import Paper, SourceRecord, make_paper
from kb.store import Store
from kb.taxonomy import Group, Taxonomy, Theme
from kb.trends.corpus import corpora, is_reading_list, strata_of, subjects
from kb.trends.findings import Finding
from kb.trends.measures import measure

TAXONOMY = Taxonomy(
    (Group("sky", "The sky", "What flies."),),
    (
        Theme("sky/kites", "sky", "Kites", "Flying kites.", ("kite",)),
        Theme("sky/balloons", "sky", "Balloons", "Hot air.", ("balloon",)),
    ),
)
YEARS = range(2016, 2022)
PER_YEAR = 60
KITES = {year: 6 + 6 * place for place, year in enumerate(YEARS)}
"""Papers about kites in each year, of 60."""


def invented(year: int, number: int, **told: object) -> Paper:
    """The year's paper of that number, published on a day of every month in turn."""
    identifier = f"arxiv:{year % 100:02d}01.{number:05d}"
    published = date(year, 1 + number % 12, 1 + number % 28)
    values: dict[str, object] = {
        "title": f"Study {number} of {year}", "abstract": "Made up for a test.", "published": published, "date_precision": "day",
        "identifiers": [identifier], "source": SourceRecord("arxiv", identifier, published.isoformat(), "", ""),
    }  # fmt: skip
    return make_paper(**{**values, **told})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A real store with a finished run: six years of papers, ever more of them about kites, and one withdrawn."""
    uri = str(tmp_path_factory.mktemp("trends") / "store")
    papers = [invented(year, number) for year in YEARS for number in range(PER_YEAR)]
    withdrawn = invented(2018, 999, withdrawn=True)
    kites = [invented(year, number).id for year in YEARS for number in range(KITES[year])] + [withdrawn.id]
    writer = Store.write(uri)
    writer.put_papers([(paper, "digest") for paper in [*papers, withdrawn]], [])
    writer.replace("themes", [{"paper": paper, "theme": "sky/kites", "score": 0.9, "why": "says kite"} for paper in kites])
    cluster = {
        "id": "c0001", "label": "kite strings", "terms": ["kite strings"], "size": len(papers), "exemplars": [],
        "centroid": [1.0], "mean": [0.0], "first_run": "r0001",
    }  # fmt: skip
    writer.replace("clusters", [cluster])
    writer.replace("placements", [{"paper": paper.id, "cluster": "c0001", "strength": 0.5} for paper in papers[::3]])
    row = dict.fromkeys(("finished", "fingerprint", "model", "weights", "version", "settings", "counts", "sources"), "")
    writer.commit({**row, "id": "r0001"})
    return Store.read(uri)


@pytest.fixture(scope="module")
def findings(store: Store) -> dict[str, Finding]:
    return {one.id: one for one in measure(store, TAXONOMY, "r0001").findings}


def strata(*papers: tuple[str, str, list[str]], venues: tuple[str, ...] = ()) -> list[str]:
    """Strata of (date, precision, sources)."""
    days = np.array([day for day, _, _ in papers], dtype="datetime64[D]")
    records = [[{"source": source} for source in sources] for _, _, sources in papers]
    return strata_of(days, [precision for _, precision, _ in papers], records, list(venues or [""] * len(papers)))  # type: ignore[arg-type]


def test_a_paper_seen_on_arxiv_belongs_to_arxiv_wherever_else_it_was_seen() -> None:
    assert strata(("2020-01-05", "day", ["paperlists:icml2020", "arxiv"])) == ["arxiv from 2020-01"]


def test_a_conference_is_a_stratum_over_its_years() -> None:
    papers = [("2020-01-01", "year", ["paperlists:icml2020"]), ("2021-07-01", "month", ["pmlr"])]
    assert strata(*papers, venues=("ICML 2020", "ICML 2021")) == ["icml", "icml"]


def test_venues_of_one_source_are_strata_of_their_own() -> None:
    papers = [("2024-01-01", "year", ["openreview"])] * 3
    assert strata(*papers, venues=("ICLR 2024", "COLM 2024", "ACL 2024 Findings")) == ["iclr", "colm", "acl findings"]


def test_arxiv_before_and_after_a_long_gap_are_two_strata() -> None:
    months = [f"2019-{month:02d}-01" for month in range(1, 13)] + ["2023-05-01", "2023-06-01"]
    found = strata(*((month, "day", ["arxiv"]) for month in months))
    assert found == ["arxiv from 2019-01"] * 12 + ["arxiv from 2023-05"] * 2


def test_a_short_gap_does_not_divide_arxiv() -> None:
    found = strata(*((day, "day", ["arxiv"]) for day in ("2020-01-01", "2020-02-01", "2020-08-01")))
    assert found == ["arxiv from 2020-01"] * 3


def test_a_year_dated_paper_of_arxiv_fills_no_gap() -> None:
    found = strata(("2019-01-01", "day", ["arxiv"]), ("2019-06-01", "year", ["arxiv"]), ("2019-12-01", "day", ["arxiv"]))
    assert found == ["arxiv from 2019-01", "arxiv", "arxiv from 2019-12"]


def test_a_paper_without_a_venue_is_told_by_its_source() -> None:
    assert strata(("2020-01-01", "year", ["paperlists:iclr2020"])) == ["paperlists"]
    assert strata(("2020-01-01", "day", ["starter"])) == ["starter"]


def test_withdrawn_papers_are_not_counted(store: Store) -> None:
    papers, monthly, yearly = corpora(store)
    assert store.count("papers") == len(papers) + 1
    assert len(papers) == monthly.totals.sum() == yearly.totals.sum() == PER_YEAR * len(YEARS)


def test_an_empty_store_has_corpora_without_periods(tmp_path: Path) -> None:
    papers, monthly, yearly = corpora(Store.write(str(tmp_path / "store")))
    assert (papers, monthly.periods, yearly.periods) == ([], (), ())


def test_a_group_counts_a_paper_of_its_themes_once(store: Store) -> None:
    names, members = subjects(store, TAXONOMY, corpora(store)[0])
    assert names["group:sky"] == "The sky"
    assert len(members["group:sky"]) == len(members["theme:sky/kites"]) == sum(KITES.values())


def test_a_cluster_is_a_subject_under_its_label_with_a_capital(store: Store) -> None:
    names, members = subjects(store, TAXONOMY, corpora(store)[0])
    assert names["cluster:c0001"] == "Kite strings"
    assert len(members["cluster:c0001"]) == PER_YEAR * len(YEARS) // 3


def test_a_theme_that_grew_in_the_store_is_found_rising(findings: dict[str, Finding]) -> None:
    found = findings["theme:sky/kites growth"]
    assert (found.kind, found.n, found.first, found.last) == ("rising", sum(KITES.values()), "2016", "2021")


def test_a_cluster_that_stayed_in_the_store_is_not(findings: dict[str, Finding]) -> None:
    assert findings["cluster:c0001 growth"].kind == "no-trend"


def test_a_theme_without_papers_has_too_few(findings: dict[str, Finding]) -> None:
    assert (findings["theme:sky/balloons growth"].kind, findings["theme:sky/balloons growth"].n) == ("too-few", 0)


def test_the_newest_years_share_is_what_the_store_holds(findings: dict[str, Finding]) -> None:
    assert findings["theme:sky/kites share"].value == KITES[2021] / PER_YEAR


def test_findings_come_back_from_the_store_as_they_were_computed(store: Store, findings: dict[str, Finding]) -> None:
    writer = Store.write(store.uri)
    writer.replace("findings", [one.to_dict() for one in findings.values()])
    stored = writer.table("findings").to_pylist()
    assert json.loads(json.dumps(stored)) == [one.to_dict() for one in findings.values()]


# A reading list


def chosen(number: int, **told: object) -> Paper:
    """A work that editors chose, with its summary and labels."""
    source = SourceRecord("starter", f"s{number}", "2020-01-01", "", "")
    return invented(2020, 50_000 + number, abstract="", summary="Made up.", labels=["sky/kites"], source=source, **told)


def written(folder: Path, papers: list[Paper]) -> Store:
    writer = Store.write(str(folder / "store"))
    writer.put_papers([(paper, "digest") for paper in papers], [])
    themes = [{"paper": paper.id, "theme": "sky/kites", "score": 1.0, "why": "chosen by an editor"} for paper in papers]
    writer.replace("themes", themes)
    row = dict.fromkeys(("finished", "fingerprint", "model", "weights", "version", "settings", "counts", "sources"), "")
    writer.commit({**row, "id": "r0001"})
    return Store.read(str(folder / "store"))


def test_of_a_reading_list_only_counts_are_told(tmp_path: Path) -> None:
    store = written(tmp_path, [chosen(number) for number in range(4)])
    told = measure(store, TAXONOMY, "r0001").findings
    assert is_reading_list(store)
    assert {finding.kind for finding in told} == {"count"}
    assert "Kites: 4 of the 4 works on this reading list." in {finding.statement for finding in told}


def test_works_that_editors_chose_are_not_counted_among_a_sample(tmp_path: Path) -> None:
    store = written(tmp_path, [chosen(1), chosen(2), invented(2020, 1), invented(2020, 2), invented(2020, 3)])
    papers, monthly, yearly = corpora(store)
    assert not is_reading_list(store)
    assert len(papers) == monthly.totals.sum() == yearly.totals.sum() == 3


def test_a_work_that_editors_chose_counts_where_a_source_brought_it_too(tmp_path: Path) -> None:
    both = invented(2020, 1, labels=["sky/kites"], summary="Made up.")
    assert corpora(written(tmp_path, [chosen(1), both, invented(2020, 2)]))[0] == [both.id, invented(2020, 2).id]
