"""Facts -> pages: Markdown text by path, and the charts they show. Pure.

`build_pages` yields what MkDocs builds and what lies beside it (charts and their data); lists of papers are in `lists`,
feeds in `feeds`. What a template shows it takes from `facts`; what it says again and again is in `macros.md.j2`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kb.evidence import Claim, Mark
from kb.trends import Finding, percent, rank
from pipelines.publish import charts, escape, export, lists
from pipelines.publish.controls import Framework
from pipelines.publish.facts import Facts, Topic

TOLD = 6
"""Rising and falling subjects that the first page names."""
LEVELS = 8
"""Steps of colour in the heat map."""
EXPLAINED = {"share": "shares", "count": "reading-lists", "rising": "growth", "falling": "growth", "no-trend": "growth"}
"""Kind of finding -> the heading on the page of methods that tells how it is computed."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the site's workspace, relative to its folder of documents."""

    path: str
    content: str | bytes


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
    spec: charts.Spec
    svg: str
    rows: Sequence[Mapping[str, Any]]

    @property
    def columns(self) -> list[str]:
        """The names of its data's columns, without what only the drawing needs."""
        return [name for name in self.rows[0] if name != "stretch"]


def build_pages(
    facts: Facts,
    benchmarks: Sequence[Mapping[str, Any]],
    downloads: Sequence[Mapping[str, Any]],
    frameworks: Sequence[Framework],
    templates: Path,
    url: str = "",
    mapped: Mapping[str, Any] | None = None,
) -> Iterator[Page]:
    """Yield every generated page and chart.

    Args:
        benchmarks: results to show, as `pipelines.benchmarks` writes them.
        downloads: rows of "name", "bytes", "what".
        frameworks: what this knowledge base is held against.
        templates: the folder of Jinja templates.
        url: where the site will be published, ending in a slash; empty if unknown.
        mapped: what the page of the map says: "papers", "broad" (clusters with "name" and "papers") and "quality".
    """
    environment = make_environment(templates)
    environment.globals.update(
        facts=facts, benchmarks=benchmarks, downloads=downloads, frameworks=frameworks, url=url, address=address,
        claim=claim, finding_claim=finding_claim, raw=Markup, per_page=lists.PER_PAGE, list_address=lists.address,
        topic_cells=topic_cells,
        listed_in=[subject for subject in facts.topics if lists.has_list(facts, subject)],
    )  # fmt: skip

    def page(path: str, template: str, **values: Any) -> Page:
        up = "../" * (path.count("/") + (0 if path.endswith("index.md") else 1))
        return Page(path, environment.get_template(template).render(up=Markup(up), **values))

    def shown(path: str, template: str, drawings: Sequence[Drawing], **values: Any) -> Iterator[Page]:
        yield page(path, template, drawings=drawings, **values)
        for drawing in drawings:
            yield from _files(drawing)

    overview = _overview(facts)
    yield from shown("index.md", "index.md.j2", overview[:1], **_headlines(facts))
    yield from shown("themes/index.md", "themes.md.j2", overview[1:], heat=heat_map(facts))
    for group in facts.taxonomy.groups:
        topic = facts.topics[f"group:{group.id}"]
        yield from shown(f"themes/{group.id}/index.md", "group.md.j2", topic_drawings(facts, topic), group=group, topic=topic)
        for theme, leaf in facts.themes(group):
            path = f"themes/{theme.id}.md"
            yield from shown(path, "theme.md.j2", topic_drawings(facts, leaf), group=group, theme=theme, topic=leaf)
    yield page("clusters/index.md", "clusters.md.j2")
    for cluster in facts.clusters():
        yield from shown(f"clusters/{cluster.id}.md", "cluster.md.j2", topic_drawings(facts, cluster), topic=cluster)
    yield page("benchmarks/index.md", "benchmarks.md.j2")
    for result in benchmarks:
        yield from shown(f"benchmarks/{result['name']}.md", "benchmark.md.j2", _benchmark_drawings(result), result=result)
    for name in ("governance", "controls", "model-card", "changes", "downloads"):
        yield page(f"{name}.md", f"{name}.md.j2")
    for run in facts.runs:
        yield page(f"runs/{run.id}.md", "run.md.j2", run=run)
    yield page("papers/index.md", "papers.md.j2")
    yield page("map.md", "map.md.j2", mapped=mapped)
    yield page(f"{lists.SHELL}.md", "list.md.j2")


def make_environment(templates: Path, finalize: Callable[[Any], Any] = escape.text) -> Environment:
    """Return the templates' environment; `finalize` makes every value that is shown harmless."""
    environment = Environment(
        loader=FileSystemLoader(templates), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, finalize=finalize,
    )  # fmt: skip
    environment.filters.update(
        link=escape.link,
        slug=escape.slug,
        math=escape.formulas,
        lines=lambda value: Markup("\n").join(escape.text(line) for line in value.splitlines()),
        number=lambda value: f"{value:,}",
        share=lambda value: f"{value:.1%}",
        change=lambda value: percent(value).replace("-", "−"),
        size=_size,
        cell=_cell,
        day=lambda moment: str(moment)[:10],
        quoted=lambda value: Markup(json.dumps(str(escape.text(value)))),  # MkDocs does not escape titles
    )
    return environment


@jinja2.pass_context
def claim(context: jinja2.runtime.Context, content: str, mark: str, basis: str, explained: str = "marks") -> Markup:
    """Return a statement with its mark as HTML.

    The basis shows on hover and focus and is read aloud; the mark leads to the heading `explained` of the page of methods.
    """
    kind = Mark(mark)
    told = escape.text(f"{kind.meaning} {basis}".strip())
    said = f"{escape.text(content)} " if content else ""
    return Markup(
        f'<span class="claim">{said}<a class="mark mark-{kind.value}" href="{context["up"]}method/#{explained}" '
        f'aria-label="{told}">{kind.sign}</a></span>'
    )


@jinja2.pass_context
def finding_claim(context: jinja2.runtime.Context, finding: Finding, content: str | None = None) -> Markup:
    """Return a finding's statement (or `content` in its place) with its mark, which tells sample, test, method and run."""
    basis = Claim(finding.statement, Mark(finding.mark), finding.n, finding.method, finding.run)
    tested = "" if finding.q is None else f" q = {finding.q:.2g};"
    told: Markup = claim(
        context, finding.statement if content is None else content, finding.mark,
        f"n = {basis.n:,};{tested} {finding.method}; run {basis.run}; recompute with: {basis.recompute}.",
        EXPLAINED.get(finding.kind, "growth"),
    )  # fmt: skip
    return told


def address(subject: str) -> Markup:
    """Return a topic's address relative to the site's root."""
    kind, name = subject.split(":", 1)
    return Markup(f"{'clusters' if kind == 'cluster' else 'themes'}/{escape.slug(name)}/")


def topic_cells(topic: Topic) -> Markup:
    """Return a topic's share over the years as a tiny drawing."""
    return Markup(charts.sparkline(topic.yearly))


def topic_drawings(facts: Facts, topic: Topic) -> list[Drawing]:
    """Return a topic's charts: by year, by month, by source; of a reading list, how many works by year."""
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
    years, months = charts.share_rows(topic.yearly), charts.share_rows(topic.monthly)
    by_year = f"{_course(name, years)} The band is the 95% interval; years that the corpus does not cover are gaps."
    by_month = f"{_course(name, months)} Papers dated to the month; months without enough papers are gaps."
    return [
        *_drawn(
            f"{where}-years", "By year", f"{name}: share of papers by year", f"{finding} {by_year}".strip(),
            charts.share_chart(topic.yearly), years, note=by_year,
        ),
        *_drawn(
            f"{where}-months", "By month", f"{name}: share of papers by month", f"{finding} {by_month}".strip(),
            charts.share_chart(topic.monthly), months, note=by_month,
        ),
        *_drawn(
            f"{where}-sources", "By source", f"{name}: share of papers within each source, by year",
            f"{name} within each of the largest sources: where the lines move together, a trend is no accident of one source.",
            charts.source_chart(topic.yearly), charts.source_rows(topic.yearly),
        ),
    ]  # fmt: skip


def heat_map(facts: Facts) -> dict[str, Any]:
    """Return the share of every theme in every covered year, each as a step of colour between the theme's own extremes."""
    years = sorted({row["period"][:4] for theme in facts.taxonomy.themes for row in _years(facts, theme.id)})
    rows = []
    for theme in facts.taxonomy.themes:
        shares = {row["period"][:4]: row for row in _years(facts, theme.id)}
        most = max((row["share"] for row in shares.values()), default=0) or 1
        cells = [
            (shares[year], min(LEVELS - 1, int(LEVELS * shares[year]["share"] / most))) if year in shares else None
            for year in years
        ]
        rows.append((facts.topics[f"theme:{theme.id}"], cells))
    return {"years": years, "rows": rows}


def _years(facts: Facts, theme: str) -> list[charts.Row]:
    return [] if facts.reading_list else charts.share_rows(facts.topics[f"theme:{theme}"].yearly)


def _course(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if len(rows) < 2:
        return ""
    first, last = rows[0], rows[-1]
    return f"{name}: {first['share']:.1%} of papers in {first['period'][:4]}, {last['share']:.1%} in {last['period'][:4]}."


def _drawn(
    path: str, label: str, title: str, told: str, spec: charts.Spec | None, rows: Sequence[Mapping[str, Any]], *,
    note: str | None = None, source: str = "",
) -> list[Drawing]:  # fmt: skip
    if spec is None:
        return []
    return [
        Drawing(
            f"assets/charts/{path}", label, title, told, told if note is None else note, source, spec, charts.to_svg(spec), rows
        )
    ]


def _files(drawing: Drawing) -> Iterator[Page]:
    rows = [{name: row[name] for name in drawing.columns} for row in drawing.rows]
    yield Page(f"{drawing.path}.vl.json", json.dumps(drawing.spec, separators=(",", ":"), sort_keys=True))
    yield Page(f"{drawing.path}.svg", drawing.svg)
    yield Page(f"{drawing.path}.csv", export.write(rows, "csv"))
    yield Page(f"{drawing.path}.json", json.dumps({"title": drawing.title, "rows": rows}, indent=1, ensure_ascii=False))


def _overview(facts: Facts) -> list[Drawing]:
    """Return the picture of the first page and that of the index of themes."""
    if facts.reading_list:
        counts = [(group.name, facts.topics[f"group:{group.id}"].papers) for group in facts.taxonomy.groups]
        rows = [{"name": name, "works": count} for name, count in counts]
        told = "How many works of the reading list each group of themes has. " + "; ".join(f"{n}: {c}" for n, c in counts) + "."
        return _drawn("overview", "", "Works on the reading list by group of themes", told, charts.works_chart(counts), rows)
    moving = _headlines(facts)
    chosen = [*moving["rising"], *(moving["falling"] or moving["falling_clusters"])]
    growth = [(facts.topics[finding.subject].name, finding) for finding in chosen]
    everything = [(topic.name, topic.growth) for topic in facts.all_themes() if topic.growth]
    names = {
        kind: ", ".join(facts.topics[it.subject].name for it in moving[kind][:3]) or "none" for kind in ("rising", "falling")
    }
    said = f"Rising: {names['rising']}. Falling: {names['falling']}. Lines are 95% intervals; the dashed line: no change."
    return [
        *_drawn(
            "overview", "", "Themes that rise and fall, by change a year", said,
            charts.growth_chart(growth or everything), charts.growth_rows(growth or everything),
        ),
        *_drawn(
            "themes", "", "Change a year of every theme",
            f"{said} An interval that crosses the dashed line leaves the direction open.",
            charts.growth_chart(everything), charts.growth_rows(everything),
        ),
    ]  # fmt: skip


def _headlines(facts: Facts) -> dict[str, list[Finding]]:
    """What the first page tells: themes and clusters that rise or fall, surest first, and those that do neither."""
    ranked = rank([topic.growth for topic in facts.topics.values() if topic.growth and not topic.subject.startswith("group:")])
    themes = [finding for finding in ranked if finding.subject.startswith("theme:")]
    clusters = [finding for finding in ranked if finding.subject.startswith("cluster:")]
    return {
        "rising": [finding for finding in themes if finding.kind == "rising"][:TOLD],
        "falling": [finding for finding in themes if finding.kind == "falling"][:TOLD],
        "unclear": [finding for finding in themes if finding.kind == "no-trend"],
        "few": [finding for finding in themes if finding.kind == "too-few"],
        "rising_clusters": [finding for finding in clusters if finding.kind == "rising"][:TOLD],
        "falling_clusters": [finding for finding in clusters if finding.kind == "falling"][:TOLD],
    }


def _benchmark_drawings(result: Mapping[str, Any]) -> list[Drawing]:
    drawn: list[Drawing] = []
    machine = ", ".join(str(result["environment"][name]) for name in ("date", "processor") if name in result["environment"])
    for number, chart in enumerate(result["charts"]):
        told = f"{result.get('statistics', 'median over seeds with bootstrap interval').capitalize()} (95%): {chart['title']}."
        best = "; ".join(f"{row['arm']}: {row['value']:.4g}" for row in chart["rows"])
        drawn += _drawn(
            f"benchmarks/{result['name']}-{number}", "", chart["title"], f"{told} {best}.",
            charts.bar_chart(chart["rows"], "arm", "value", chart["title"]), charts.bar_rows(chart["rows"], "arm", "value"),
            source=f"Mini-benchmark {result['name']}, {machine}",
        )  # fmt: skip
    return drawn


def _cell(value: Any) -> str:
    """Return a value of a chart's data for its table."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and value > 9999 else "" if value is None else str(value)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
