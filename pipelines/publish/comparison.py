"""What the page of comparison needs beside the charts' own data: which subjects there are, and where their data lie."""

import json
from typing import Any

from kb.trends import Series
from pipelines.publish import charts, escape
from pipelines.publish.facts import Facts, Topic
from pipelines.publish.pages import Page

FIRST = 3
"""Subjects that an address without any shows: the themes with most papers."""


def build(facts: Facts) -> Page:
    """Return the list of subjects; empty for a reading list, whose counts are the editors' choice and no trend."""
    listed = [] if facts.reading_list else [*facts.all_groups(), *facts.all_themes(), *facts.clusters()]
    topics = [told for told in map(_told, listed) if told["year"] or told["month"]]
    themes = sorted((topic for topic in listed if topic.subject.startswith("theme:")), key=lambda it: (-it.papers, it.subject))
    known = {told["subject"] for told in topics}
    first = [topic.subject for topic in themes if topic.subject in known][:FIRST]
    return Page("data/compare.json", json.dumps({"first": first, "topics": topics}, ensure_ascii=False, indent=1) + "\n")


def _told(topic: Topic) -> dict[str, Any]:
    kind, name = topic.subject.split(":", 1)
    path = f"assets/charts/{kind}/{escape.slug(name)}"
    return {
        "subject": topic.subject, "kind": kind, "name": escape.plain(topic.name), "papers": topic.papers,
        "year": _file(topic.yearly, f"{path}-years.json"), "month": _file(topic.monthly, f"{path}-months.json"),
    }  # fmt: skip


def _file(series: Series, path: str) -> str:
    """Return the path of a chart's data, or nothing where the chart is not drawn."""
    return path if len(charts.share_rows(series)) >= 2 else ""
