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
from kb.trends import Finding, percent
from pipelines.publish import chart_style, charts, drawings, escape, export, highlights, lists, measured
from pipelines.publish.controls import Framework
from pipelines.publish.drawings import Drawing
from pipelines.publish.facts import Facts, Topic
from pipelines.publish.lineage import Level

LEVELS = 8
"""Steps of colour in the heat map."""
EXPLAINED = {
    "share": "shares", "count": "reading-lists", "rising": "growth", "falling": "growth", "no-trend": "growth",
    "emerging": "bursts-shifts-emergence", "burst": "bursts-shifts-emergence", "change": "bursts-shifts-emergence",
    "nowcast": "now-and-next", "forecast": "now-and-next",
}  # fmt: skip
"""Kind of finding -> the heading on the page of methods that tells how it is computed."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the site's workspace, relative to its folder of documents."""

    path: str
    content: str | bytes


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
        claim=claim, finding_claim=finding_claim, measured=measured, measured_claim=measured_claim, raw=Markup,
        per_page=lists.PER_PAGE, list_address=lists.address,
        topic_cells=topic_cells,
        listed_in=[subject for subject in facts.topics if lists.has_list(facts, subject)],
    )  # fmt: skip

    def page(path: str, template: str, **values: Any) -> Page:
        up = "../" * (path.count("/") + (0 if path.endswith("index.md") else 1))
        return Page(path, environment.get_template(template).render(up=Markup(up), **values))

    def shown(path: str, template: str, drawn: Sequence[Drawing], **values: Any) -> Iterator[Page]:
        yield page(path, template, drawings=drawn, **values)
        for drawing in drawn:
            yield from _files(drawing)

    overview = drawings.overview(facts)
    yield from shown("index.md", "index.md.j2", overview[:1], **highlights.headlines(facts), **highlights.events(facts))
    yield from shown("themes/index.md", "themes.md.j2", overview[1:], heat=heat_map(facts))
    for group in facts.taxonomy.groups:
        topic = facts.topics[f"group:{group.id}"]
        yield from shown(
            f"themes/{group.id}/index.md", "group.md.j2", drawings.topic_drawings(facts, topic), group=group, topic=topic
        )
        for theme, leaf in facts.themes(group):
            drawn = drawings.topic_drawings(facts, leaf)
            yield from shown(f"themes/{theme.id}.md", "theme.md.j2", drawn, group=group, theme=theme, topic=leaf)
    yield from shown("trends.md", "trends.md.j2", drawings.trend_drawings(facts), **highlights.events(facts))
    yield page("clusters/index.md", "clusters.md.j2", broad=_by_broad(facts))
    for name, heir in facts.moved.items():
        yield page(f"clusters/{name}.md", "moved.md.j2", name=name, heir=facts.topics.get(f"cluster:{heir}"))
    for cluster in facts.clusters():
        yield from shown(f"clusters/{cluster.id}.md", "cluster.md.j2", drawings.topic_drawings(facts, cluster), topic=cluster)
    yield page("benchmarks/index.md", "benchmarks.md.j2")
    yield Page("benchmarks/result.schema.json", measured.schema())
    for result in benchmarks:
        key = measured.key(result, benchmarks)
        yield from shown(f"benchmarks/{key}.md", "benchmark.md.j2", drawings.benchmark_drawings(result, key), result=result)
        yield Page(f"benchmarks/{key}.json", measured.raw(result))
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
def measured_claim(context: jinja2.runtime.Context, result: Mapping[str, Any], headline: Mapping[str, Any]) -> Markup:
    """Return a benchmark's headline with its mark: verified where a re-run has confirmed it."""
    mark, basis = measured.mark(result, headline)
    told: Markup = claim(context, headline["text"], mark, basis, "benchmarks")
    return told


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


def _years(facts: Facts, theme: str) -> list[chart_style.Row]:
    return [] if facts.reading_list else charts.share_rows(facts.topics[f"theme:{theme}"].yearly)


def _files(drawing: Drawing) -> Iterator[Page]:
    rows = [{name: row[name] for name in drawing.columns} for row in drawing.rows]
    yield Page(f"{drawing.path}.vl.json", json.dumps(drawing.spec, separators=(",", ":"), sort_keys=True))
    yield Page(f"{drawing.path}.svg", drawing.svg)
    yield Page(f"{drawing.path}.csv", export.write(rows, "csv"))
    yield Page(f"{drawing.path}.json", json.dumps({"title": drawing.title, "rows": rows}, indent=1, ensure_ascii=False))


def _by_broad(facts: Facts) -> list[tuple[Level, list[Topic]]]:
    """Return the broad clusters with those of the middle level in them, both largest first."""
    found: dict[str, tuple[Level, list[Topic]]] = {}
    for topic in facts.clusters():
        if topic.broad is not None:
            found.setdefault(topic.broad.id, (topic.broad, []))[1].append(topic)
    return sorted(found.values(), key=lambda pair: (-pair[0].papers, pair[0].id))


def _cell(value: Any) -> str:
    """Return a value of a chart's data for its table."""
    if isinstance(value, float):
        return charts.number(value)
    return f"{value:,}" if isinstance(value, int) and value > 9999 else "" if value is None else str(value)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
