"""Pictures that stand beside a shared link (Open Graph), one of the site and one of each theme. Pure."""

from collections.abc import Iterator

from kb.trends import Finding
from pipelines.publish import chart_style, charts
from pipelines.publish.facts import Facts

SITE = "assets/cards/site.png"


def build_cards(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Yield every picture by its path in the site."""
    foot = f"Papertide · run {facts.run['id']} · {str(facts.run['finished'])[:10]}"
    told = f"{facts.counts['papers']:,} papers, {facts.counts['themes']} themes, {facts.counts['clusters']} clusters"
    yield SITE, chart_style.to_png(charts.card("What moves in deep learning", told, foot, None))
    for theme in facts.taxonomy.themes:
        topic = facts.topics[f"theme:{theme.id}"]
        said = f"{topic.papers:,} works on a reading list" if facts.reading_list else _said(topic.growth, theme.description)
        series = None if facts.reading_list else topic.yearly
        yield f"assets/cards/{theme.id}.png", chart_style.to_png(charts.card(topic.name, said, foot, series))


def _said(finding: Finding | None, otherwise: str) -> str:
    return finding.statement if finding is not None and finding.kind != "too-few" else otherwise
