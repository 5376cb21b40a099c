"""Charts tell what the series holds, and no more."""

from datetime import date

import numpy as np

from kb.trends import Finding, build_series
from kb.trends.series import build_corpus
from pipelines.publish import chart_style, charts


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
    assert charts.share_chart(yearly({2018: 100})) is None


def test_the_same_chart_is_drawn_the_same_to_the_byte() -> None:
    spec = charts.share_chart(yearly({2018: 100, 2019: 100, 2020: 100}))
    assert spec is not None
    assert chart_style.to_svg(spec) == chart_style.to_svg(spec)


def test_colours_are_variables_with_a_fallback_so_that_one_drawing_serves_both_schemes() -> None:
    spec = charts.share_chart(yearly({2018: 100, 2019: 100, 2020: 100}))
    assert spec is not None
    assert "var(--tide-line, #2f4bb5)" in chart_style.to_svg(spec)


def test_a_picture_for_previews_is_1200_by_630_pixels() -> None:
    drawn = chart_style.to_png(
        charts.card("Diffusion models", "They rose.", "Papertide", yearly({2018: 100, 2019: 100, 2020: 100}))
    )
    assert (int.from_bytes(drawn[16:20], "big"), int.from_bytes(drawn[20:24], "big")) == (1200, 630)


def test_the_chart_by_source_keeps_sources_apart_and_leaves_out_small_years() -> None:
    dates = np.array([date(year, 12, 1) for year in (2018, 2019, 2020) for _ in range(300)], dtype="datetime64[D]")
    strata = (["arxiv from 2018-01"] * 150 + ["neurips"] * 150) * 3
    strata[:140] = ["neurips"] * 140  # 10 papers of arXiv in 2018
    series = build_series("theme:x/y", np.arange(0, 900, 3), build_corpus(dates, ["day"] * 900, strata, "year"))
    rows = charts.source_rows(series)
    assert {row["source"] for row in rows} == {"arxiv", "neurips"}
    assert [row["period"][:4] for row in rows if row["source"] == "arxiv"] == ["2019", "2020"]


def test_a_sparkline_breaks_where_the_corpus_has_a_gap() -> None:
    drawn = charts.sparkline(yearly({2018: 100, 2019: 100, 2021: 100, 2022: 100}))
    assert drawn.count("<path") == 2


def test_a_name_in_a_chart_is_text_and_not_markup() -> None:
    finding = Finding("i", "theme:x", "rising", "", 1.5, 1.2, 1.9, 0.01, 99, "", "r0001", "derived", "2018", "2023")
    spec = charts.growth_chart([("<script>alert(1)</script>", finding)])
    assert spec is not None
    assert "<script" not in chart_style.to_svg(spec)


def test_without_any_interval_there_is_no_growth_chart() -> None:
    finding = Finding("i", "theme:x", "too-few", "", 3, None, None, None, 3, "", "r0001", "derived", "", "")
    assert charts.growth_chart([("x", finding)]) is None


def test_a_reading_list_is_drawn_as_counts_of_works() -> None:
    spec = charts.count_chart(yearly({2018: 8, 2020: 4}))
    assert spec is not None
    assert spec["data"]["values"] == [{"year": "2018", "works": 2}, {"year": "2019", "works": 0}, {"year": "2020", "works": 1}]
