"""Facts -> pages: Markdown text by path, and the charts they show. Pure."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kb.evidence import Claim, Mark
from kb.trends import Finding, percent, rank
from pipelines.publish import charts, escape
from pipelines.publish.facts import Facts, Topic

TOLD = 6
"""Rising and falling subjects on the first page."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the site's workspace, relative to its folder of documents."""

    path: str
    text: str


def build_pages(
    facts: Facts, benchmarks: Sequence[Mapping[str, Any]], downloads: Sequence[Mapping[str, Any]], templates: Path
) -> Iterator[Page]:
    """Yield every generated page and chart.

    Args:
        benchmarks: results to show, as `pipelines.benchmarks` writes them, each with its "spec".
        downloads: rows of "name", "bytes", "what".
        templates: the folder of Jinja templates.
    """
    environment = _environment(templates)
    environment.globals.update(
        facts=facts, benchmarks=benchmarks, downloads=downloads, address=address, claim=claim,
        finding_claim=_finding_claim(facts),
    )  # fmt: skip

    def page(path: str, template: str, **values: Any) -> Page:
        up = "../" * (path.count("/") + (0 if path.endswith("index.md") else 1))
        return Page(path, environment.get_template(template).render(up=Markup(up), **values))

    growth = [(topic.name, topic.growth) for topic in _themes(facts) if topic.growth]
    yield from _drawn("assets/charts/themes", lambda palette: charts.growth_chart(growth, palette))
    yield page("index.md", "index.md.j2", **_headlines(facts), chart=bool(growth) and not facts.reading_list)
    yield page("themes/index.md", "themes.md.j2")
    for group in facts.taxonomy.groups:
        topic = facts.topics[f"group:{group.id}"]
        yield page(f"themes/{group.id}/index.md", "group.md.j2", group=group, topic=topic, chart=_has_chart(facts, topic))
        yield from _topic_charts(facts, topic)
        for theme, leaf in facts.themes(group):
            path = f"themes/{theme.id}.md"
            yield page(path, "theme.md.j2", group=group, theme=theme, topic=leaf, chart=_has_chart(facts, leaf))
            yield from _topic_charts(facts, leaf)
    yield page("clusters/index.md", "clusters.md.j2")
    for cluster in facts.clusters():
        yield page(f"clusters/{cluster.id}.md", "cluster.md.j2", topic=cluster, chart=_has_chart(facts, cluster))
        yield from _topic_charts(facts, cluster)
    yield page("benchmarks/index.md", "benchmarks.md.j2")
    for result in benchmarks:
        yield page(f"benchmarks/{result['name']}.md", "benchmark.md.j2", result=result)
        yield from _benchmark_charts(result)
    yield page("governance.md", "governance.md.j2")
    yield page("changes.md", "changes.md.j2")
    yield page("downloads.md", "downloads.md.j2")


def claim(content: str, mark: str, basis: str) -> Markup:
    """Return a statement with its mark as HTML; the basis shows on hover and is read aloud."""
    kind = Mark(mark)
    told = escape.text(f"{kind.meaning} {basis}".strip())
    return Markup(
        f'<span class="claim">{escape.text(content)} <span class="mark mark-{kind.value}" tabindex="0" role="note" '
        f'title="{told}" aria-label="{told}">{kind.sign}</span></span>'
    )


def address(subject: str) -> Markup:
    """Return a topic's address relative to the site's root."""
    kind, name = subject.split(":", 1)
    return Markup(f"{'clusters' if kind == 'cluster' else 'themes'}/{escape.slug(name)}/")


def _finding_claim(facts: Facts) -> Callable[[Finding], Markup]:
    def told(finding: Finding) -> Markup:
        basis = Claim(finding.statement, Mark(finding.mark), finding.n, finding.method, str(facts.run["id"]))
        tested = "" if finding.q is None else f" q = {finding.q:.2g};"
        return claim(
            finding.statement, finding.mark,
            f"n = {basis.n:,};{tested} {finding.method}; run {basis.run}; recompute with: {basis.recompute}.",
        )  # fmt: skip

    return told


def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, finalize=escape.text,
    )  # fmt: skip
    environment.filters.update(
        link=escape.link,
        slug=escape.slug,
        number=lambda value: f"{value:,}",
        share=lambda value: f"{value:.1%}",
        change=lambda value: percent(value).replace("-", "−"),
        size=_size,
        parsed=json.loads,
    )
    return environment


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


def _themes(facts: Facts) -> list[Topic]:
    return [facts.topics[f"theme:{theme.id}"] for theme in facts.taxonomy.themes]


def _headlines(facts: Facts) -> dict[str, list[Finding]]:
    """What the first page tells: themes and clusters that rise or fall, surest first, and those that do neither."""
    ranked = rank([finding for finding in facts.findings if not finding.subject.startswith("group:")])
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


def _has_chart(facts: Facts, topic: Topic) -> dict[str, bool]:
    """Which of a topic's charts exist, by the name of its file."""
    return {name: draw(charts.PALETTES["light"]) is not None for name, draw in _charts(facts, topic).items()}


def _charts(facts: Facts, topic: Topic) -> dict[str, Callable[[charts.Palette], charts.Spec | None]]:
    if facts.reading_list:
        return {"works": lambda palette: charts.count_chart(topic.yearly, palette)}
    return {
        "years": lambda palette: charts.share_chart(topic.yearly, palette),
        "months": lambda palette: charts.share_chart(topic.monthly, palette),
    }


def _topic_charts(facts: Facts, topic: Topic) -> Iterator[Page]:
    for name, draw in _charts(facts, topic).items():
        yield from _drawn(f"assets/charts/{topic.subject.replace(':', '/')}-{name}", draw)


def _benchmark_charts(result: Mapping[str, Any]) -> Iterator[Page]:
    for number, headline in enumerate(result["charts"]):
        rows, title = headline["rows"], headline["title"]
        yield from _drawn(
            f"assets/charts/benchmarks/{result['name']}-{number}",
            lambda palette, rows=rows, title=title: charts.bar_chart(rows, "arm", "value", title, palette),  # type: ignore[misc]
        )


def _drawn(path: str, draw: Callable[[charts.Palette], charts.Spec | None]) -> Iterator[Page]:
    for scheme, palette in charts.PALETTES.items():
        spec = draw(palette)
        if spec is not None:
            yield Page(f"{path}-{scheme}.svg", charts.to_svg(spec))
