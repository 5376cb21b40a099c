"""What is written under the pictures is what they show."""

from types import SimpleNamespace
from typing import Any

import pytest

from kb.trends import Finding
from pipelines.publish import charts, drawings


def growth(subject: str, kind: str, value: float) -> Finding:
    return Finding("i", subject, kind, "", value, value - 0.1, value + 0.1, 0.01, 99, "", "r0001", "derived", "2018", "2023")


def facts(*found: Finding) -> Any:
    topics = {one.subject: SimpleNamespace(subject=one.subject, name=one.subject.upper(), growth=one) for one in found}
    themes = [topic for subject, topic in topics.items() if subject.startswith("theme:")]
    return SimpleNamespace(reading_list=False, topics=topics, all_themes=lambda: themes, run={}, papers=0)


def test_where_no_theme_falls_the_first_picture_names_the_clusters_that_it_shows() -> None:
    rising, falling = growth("theme:a", "rising", 1.5), growth("cluster:b", "falling", 0.7)
    first, index = drawings.overview(facts(rising, falling))
    assert "Rising: THEME:A. Falling: CLUSTER:B." in first.note
    assert "Falling: none." in index.note


@pytest.mark.parametrize(("value", "text"), [(0.12344, "0.1234"), (15.53, "15.53"), (39_523.4, "39,523"), (-2_000.0, "-2,000")])
def test_a_number_of_a_chart_has_four_digits_and_large_ones_are_whole(value: float, text: str) -> None:
    assert charts.number(value) == text
