"""From the store to what is counted: strata, subjects, and who is left out."""

import numpy as np

from kb.trends.corpus import strata_of


def strata(*papers: tuple[str, str, list[str]]) -> list[str]:
    """Strata of (date, precision, sources)."""
    days = np.array([day for day, _, _ in papers], dtype="datetime64[D]")
    records = [[{"source": source} for source in sources] for _, _, sources in papers]
    return strata_of(days, [precision for _, precision, _ in papers], records)  # type: ignore[arg-type]


def test_a_paper_seen_on_arxiv_belongs_to_arxiv_wherever_else_it_was_seen() -> None:
    assert strata(("2020-01-05", "day", ["paperlists:icml2020", "arxiv"])) == ["arxiv from 2020-01"]


def test_a_conference_is_a_stratum_over_its_years() -> None:
    assert strata(("2020-01-01", "year", ["paperlists:icml2020"]), ("2021-01-01", "year", ["paperlists:icml2021"])) == [
        "icml",
        "icml",
    ]


def test_arxiv_before_and_after_a_long_gap_are_two_strata() -> None:
    months = [f"2019-{month:02d}-01" for month in range(1, 13)] + ["2023-05-01", "2023-06-01"]
    found = strata(*((month, "day", ["arxiv"]) for month in months))
    assert found == ["arxiv from 2019-01"] * 12 + ["arxiv from 2023-05"] * 2
