"""Charts tell what the series holds, and no more."""

from datetime import date

import numpy as np
import pytest

from kb.trends import Finding, build_series
from kb.trends.series import build_corpus
from pipelines.publish import charts

LIGHT = charts.PALETTES["light"]


def yearly(counts: dict[int, int]) -> charts.Series:
    """A corpus with so many papers a year, of which every fourth is a member."""
    dates = np.array([date(year, 6, 1) for year, count in counts.items() for _ in range(count)], dtype="datetime64[D]")
    corpus = build_corpus(dates, ["day"] * len(dates), ["arxiv"] * len(dates), "year")
    return build_series("theme:x/y", np.arange(0, len(dates), 4), corpus)


def test_a_year_that_is_not_covered_is_a_gap_and_never_a_zero() -> None:
    rows = charts.share_rows(yearly({2018: 100, 2019: 100, 2021: 100, 2022: 100, 2023: 5}))
    assert [row["period"][:4] for row in rows] == ["2018", "2019", "2021", "2022"]
    assert [row["stretch"] for row in rows] == [0, 0, 1, 1]


def test_every_share_lies_inside_its_interval() -> None:
    assert all(row["low"] <= row["share"] <= row["high"] for row in charts.share_rows(yearly({2018: 100, 2019: 300, 2020: 50})))


def test_one_covered_year_makes_no_chart() -> None:
    assert charts.share_chart(yearly({2018: 100}), LIGHT) is None


def test_the_same_chart_is_drawn_the_same_to_the_byte() -> None:
    spec = charts.share_chart(yearly({2018: 100, 2019: 100, 2020: 100}), LIGHT)
    assert spec is not None
    assert charts.to_svg(spec) == charts.to_svg(spec)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chart_is_drawn_in_its_schemes_colours(scheme: charts.Scheme) -> None:
    palette = charts.PALETTES[scheme]
    spec = charts.share_chart(yearly({2018: 100, 2019: 100, 2020: 100}), palette)
    assert spec is not None
    svg = charts.to_svg(spec)
    assert palette.line in svg
    assert palette.ink in svg


def test_a_name_in_a_chart_is_text_and_not_markup() -> None:
    finding = Finding("i", "theme:x", "rising", "", 1.5, 1.2, 1.9, 0.01, 99, "", "r0001", "derived", "2018", "2023")
    spec = charts.growth_chart([("<script>alert(1)</script>", finding)], LIGHT)
    assert spec is not None
    assert "<script" not in charts.to_svg(spec)


def test_without_any_interval_there_is_no_growth_chart() -> None:
    finding = Finding("i", "theme:x", "too-few", "", 3, None, None, None, 3, "", "r0001", "derived", "", "")
    assert charts.growth_chart([("x", finding)], LIGHT) is None


def test_a_reading_list_is_drawn_as_counts_of_works() -> None:
    spec = charts.count_chart(yearly({2018: 8, 2020: 4}), LIGHT)
    assert spec is not None
    assert spec["data"]["values"] == [{"year": "2018", "works": 2}, {"year": "2019", "works": 0}, {"year": "2020", "works": 1}]
