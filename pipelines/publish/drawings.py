"""Facts -> every chart of the site, with its title, its note and what is to be seen in it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kb.trends import Finding, Series
from pipelines.publish import chart_style, charts, history_charts
from pipelines.publish.facts import Facts, Topic
from pipelines.publish.highlights import headlines

BURSTS = 30
"""Bursts that the picture of them holds."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with what stands around it.

    Attributes:
        path: under `assets/charts/`, without an ending.
        label: the name of its tab where several share a place.
        title: what it shows; told: what is to be seen in it, for those who do not see it; note: what stands below it.
        source: where its numbers come from.
        spec: the Vega-Lite specification; svg: the same, drawn.
        rows: its data.
    """

    path: str
    label: str
    title: str
    told: str
    note: str
    source: str
    spec: chart_style.Spec
    svg: str
    rows: Sequence[Mapping[str, Any]]

    @property
    def columns(self) -> list[str]:
        """The names of its data's columns, without what only the drawing needs."""
        return [name for name in self.rows[0] if name != "stretch"]


def topic_drawings(facts: Facts, topic: Topic) -> list[Drawing]:
    """Return a topic's charts: by year, by month, by source, what comes next; of a reading list, how many works by year."""
    name, where = topic.name, topic.subject.replace(":", "/")
    finding = "" if topic.growth is None else topic.growth.statement
    if facts.reading_list:
        told = f"{name}: {topic.papers} of the works on this reading list, by year of first publication."
        return _drawn(
            f"{where}-works",
            "",
            f"{name}: works by year",
            told,
            charts.count_chart(topic.yearly),
            charts.count_rows(topic.yearly),
        )
    return [
        *_share_drawing(topic, topic.yearly, finding, "years", "By year", "years that the corpus does not cover are gaps"),
        *_share_drawing(
            topic, topic.monthly, finding, "months", "By month",
            "only papers dated to the month count, and months without enough papers are gaps",
        ),
        *_drawn(
            f"{where}-sources", "By source", f"{name}: share of papers within each source, by year",
            f"{name} within each of the largest sources: where the lines move together, a trend is no accident of one source.",
            charts.source_chart(topic.yearly), charts.source_rows(topic.yearly),
        ),
        *_course_drawing(topic),
    ]  # fmt: skip


def _share_drawing(topic: Topic, series: Series, finding: str, file: str, label: str, gaps: str) -> list[Drawing]:
    step = series.corpus.step
    rows = charts.share_rows(series)
    note = f"{_course(topic.name, rows)} The band is the 95% interval; {gaps}."
    note = f"{note} {history_charts.event_note(topic.course, step)}".strip()
    return _drawn(
        f"{topic.subject.replace(':', '/')}-{file}", label, f"{topic.name}: share of papers by {step}",
        f"{finding} {note}".strip(),
        charts.share_chart(series, history_charts.event_layers(topic.course, step)), rows, note=note,
    )  # fmt: skip


def _course_drawing(topic: Topic) -> list[Drawing]:
    """Return the chart of a topic's adjusted share and its forecast; none without a forecast."""
    course = topic.course
    if course is None or not course.forecast:
        return []
    series = topic.monthly if course.step == "month" else topic.yearly
    ahead = "".join(finding.statement for finding in topic.told if finding.kind == "forecast")
    note = (
        f"{ahead} Line: share if every {course.step} held the sources in the same proportions, with its 95% interval; rings: as "
        "counted; grey: forecast with its 50% and 90% intervals."
    )
    return _drawn(
        f"{topic.subject.replace(':', '/')}-next", "What comes next", f"{topic.name}: adjusted share and forecast", note,
        history_charts.course_chart(course, series), history_charts.course_rows(course, series),
    )  # fmt: skip


def overview(facts: Facts) -> list[Drawing]:
    """Return the picture of the first page and that of the index of themes."""
    if facts.reading_list:
        counts = [(group.name, facts.topics[f"group:{group.id}"].papers) for group in facts.taxonomy.groups]
        rows = [{"name": name, "works": count} for name, count in counts]
        told = "How many works of the reading list each group of themes has. " + "; ".join(f"{n}: {c}" for n, c in counts) + "."
        return _drawn("overview", "", "Works on the reading list by group of themes", told, charts.works_chart(counts), rows)
    moving = headlines(facts)
    falling = moving["falling"] or moving["falling_clusters"]
    growth = [(facts.topics[finding.subject].name, finding) for finding in (*moving["rising"], *falling)]
    everything = [(topic.name, topic.growth) for topic in facts.all_themes() if topic.growth]
    return [
        *_drawn(
            "overview", "", "What rises and falls, by change a year", _said(facts, moving["rising"], falling),
            charts.growth_chart(growth or everything), charts.growth_rows(growth or everything),
        ),
        *_drawn(
            "themes", "", "Change a year of every theme",
            _said(facts, moving["rising"], moving["falling"]) + " An interval that crosses the line leaves the direction open.",
            charts.growth_chart(everything), charts.growth_rows(everything),
        ),
    ]  # fmt: skip


def _said(facts: Facts, rising: Sequence[Finding], falling: Sequence[Finding]) -> str:
    up, down = (", ".join(facts.topics[it.subject].name for it in found[:3]) or "none" for found in (rising, falling))
    return f"Rising: {up}. Falling: {down}. Lines are 95% intervals; the dashed line: no change."


def trend_drawings(facts: Facts) -> list[Drawing]:
    """Return the pictures of the page of trends: bursts in time, and what the corpus holds."""
    shown = {subject: topic for subject, topic in facts.topics.items() if not subject.startswith("group:")}
    bursts = history_charts.burst_rows(
        {subject: topic.course for subject, topic in shown.items() if topic.course},
        {subject: topic.name for subject, topic in shown.items()},
    )[:BURSTS]
    years = [
        {"source": one.source, "first": one.first, "last": one.last, "papers": one.papers, "missing": " ".join(one.gaps)}
        for one in facts.coverage
    ]
    return [
        *_drawn(
            "bursts", "", "Bursts in time", "When subjects were far more in fashion than usual, the newest first; the fuller the "
            "colour, the stronger the burst.", history_charts.burst_chart(bursts), bursts,
        ),
        *_drawn(
            "coverage", "", "What this corpus holds", "From when to when each source is in the corpus, by year of publication. "
            "Trends allow for sources that come, go or skip a year.", history_charts.coverage_chart(facts.coverage), years,
        ),
    ]  # fmt: skip


def benchmark_drawings(result: Mapping[str, Any], key: str) -> list[Drawing]:
    """Return a benchmark's charts; `key` tells its result among those of other machines."""
    drawn: list[Drawing] = []
    known = result["environment"]
    where = "processor" if known.get("device", "cpu") == "cpu" else "device"
    machine = ", ".join(str(known[name]) for name in ("date", where) if name in known)
    for number, chart in enumerate(result["charts"]):
        told = f"{result.get('statistics', 'median over seeds with bootstrap interval').capitalize()} (95%): {chart['title']}."
        best = "; ".join(f"{row['arm']}: {charts.number(row['value'])}" for row in chart["rows"])
        drawn += _drawn(
            f"benchmarks/{key}-{number}", "", chart["title"], f"{told} {best}.",
            charts.bar_chart(chart["rows"], "arm", "value", chart["title"]), charts.bar_rows(chart["rows"], "arm", "value"),
            source=f"Mini-benchmark {result['name']}, {machine}",
        )  # fmt: skip
    return drawn


def _course(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if len(rows) < 2:
        return ""
    first, last = rows[0], rows[-1]
    return f"{name}: {first['share']:.1%} of papers in {first['period'][:4]}, {last['share']:.1%} in {last['period'][:4]}."


def _drawn(
    path: str, label: str, title: str, told: str, spec: chart_style.Spec | None, rows: Sequence[Mapping[str, Any]], *,
    note: str | None = None, source: str = "",
) -> list[Drawing]:  # fmt: skip
    if spec is None:
        return []
    described = told if note is None else note
    return [Drawing(f"assets/charts/{path}", label, title, told, described, source, spec, chart_style.to_svg(spec), rows)]
