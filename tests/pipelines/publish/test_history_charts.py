"""Charts of history show bursts, shifts and forecasts where they were found, and say so in words."""

from datetime import date

import numpy as np
import pytest

from kb.trends import Series, build_series
from kb.trends.series import build_corpus
from pipelines.publish import history_charts
from pipelines.publish.courses import Course, Coverage

YEARS = tuple(str(year) for year in range(2016, 2022))


@pytest.fixture
def series() -> Series:
    """A hundred papers a year, of which every fourth is a member."""
    dates = np.array([date(int(year), 6, 1) for year in YEARS for _ in range(100)], dtype="datetime64[D]")
    corpus = build_corpus(dates, ["day"] * len(dates), ["arxiv"] * len(dates), "year")
    return build_series("theme:x/y", np.arange(0, len(dates), 4), corpus)


@pytest.fixture
def course() -> Course:
    return Course(
        "year", YEARS, (0.25,) * 6, (0.2,) * 6, (0.3,) * 6,
        [{"first": "2018", "last": "2019", "times": 2.5, "open": False}], [{"period": "2020", "ratio": 1.6}],
        [{"period": "2022", "share": 0.26, "low50": 0.24, "high50": 0.28, "low90": 0.2, "high90": 0.33}], "no change",
    )  # fmt: skip


def test_a_burst_is_shaded_from_its_first_day_to_the_day_after_its_last(course: Course) -> None:
    burst, _ = history_charts.event_layers(course, "year")
    assert burst.to_dict()["data"]["values"] == [{"from": "2018-01-01", "to": "2020-01-01", "times": 2.5}]


def test_events_found_by_year_are_not_drawn_into_the_chart_by_month(course: Course) -> None:
    assert history_charts.event_layers(course, "month") == []
    assert history_charts.event_note(course, "month") == ""


def test_what_is_drawn_is_also_said(course: Course) -> None:
    said = history_charts.event_note(course, "year")
    assert said == "Shaded: bursts, from 2018 to 2019. Dashed: shifts of level, 2020 (to 1.60 times the odds)."


def test_rows_hold_the_counted_and_the_adjusted_share_and_then_the_forecast(course: Course, series: Series) -> None:
    rows = history_charts.course_rows(course, series)
    assert [row["kind"] for row in rows] == ["measured"] * 6 + ["forecast"]
    assert (rows[0]["share"], rows[0]["adjusted"]) == (0.25, 0.25)
    assert (rows[-1]["share"], rows[-1]["low"], rows[-1]["high50"]) == (None, 0.2, 0.28)


def test_the_forecast_starts_at_the_last_measured_share(course: Course, series: Series) -> None:
    spec = history_charts.course_chart(course, series)
    assert spec is not None
    fan = spec["layer"][-1]["data"]["name"] if "name" in spec["layer"][-1]["data"] else spec["layer"][-1]["data"]
    values = spec.get("datasets", {}).get(fan) if isinstance(fan, str) else fan["values"]
    assert values[0]["period"] == "2021-01-01"
    assert values[0]["low"] == values[0]["high"] == 0.25


def test_a_course_of_one_period_makes_no_chart(series: Series) -> None:
    one = Course("year", ("2020",), (0.2,), (0.1,), (0.3,), [], [], [], "")
    assert history_charts.course_chart(one, series) is None


def test_bursts_of_all_subjects_stand_newest_first(course: Course) -> None:
    older = Course("year", YEARS, (), (), (), [{"first": "2016", "last": "2016", "times": 3.0, "open": False}], [], [], "")
    rows = history_charts.burst_rows({"theme:a": older, "theme:b": course}, {"theme:a": "A", "theme:b": "B"})
    assert [row["name"] for row in rows] == ["B", "A"]


def test_a_year_that_a_source_lacks_is_a_hole_in_its_bar() -> None:
    spec = history_charts.coverage_chart([Coverage("uai", "2018", "2020", 300, ("2019",))])
    assert spec is not None
    assert [row["from"][:4] for row in spec["data"]["values"]] == ["2018", "2020"]


def test_without_bursts_and_sources_there_is_nothing_to_draw() -> None:
    assert history_charts.burst_chart([]) is None
    assert history_charts.coverage_chart([]) is None


@pytest.mark.parametrize(("period", "after"), [("2019", "2020-01-01"), ("2019-03", "2019-04-01"), ("2019-12", "2020-01-01")])
def test_the_day_after_a_period_is_the_first_of_the_next(period: str, after: str) -> None:
    spec = history_charts.burst_chart([{"name": "x", "first": period, "last": period, "times": 2.0, "lasts": False}])
    assert spec is not None
    assert spec["data"]["values"][0]["to"] == after
