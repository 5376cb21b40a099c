"""Knowledge base -> site: pages, charts, lists, feeds, downloads. Rendering is pure; only `build_site` touches files."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kb.embedding import Encoder
from kb.embedding.portable import Portable
from kb.errors import InvalidInput
from kb.store import Store
from kb.taxonomy import Taxonomy
from pipelines.progress import Progress
from pipelines.publish import (
    cards,
    chart_style,
    comparison,
    controls,
    croissant,
    escape,
    export,
    facts,
    feeds,
    lists,
    paper_map,
    search_index,
    workspace,
)
from pipelines.publish.pages import Page, build_pages

__all__ = ["SiteSummary", "build_site", "croissant_of", "export", "render"]


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """What was built: the folder, the run it shows, how many files were generated, how many files of the site changed."""

    out: str
    run: str
    generated: int
    changed: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Everything that is generated from one state of a knowledge base, as an iterator of files each.

    Attributes:
        pages: what MkDocs builds and the charts and downloads beside it, by path under `site/docs`.
        beside: what is put into the built site as it is: feeds, pictures for previews, robots.txt.
        lists: the pages of the lists of papers.
    """

    told: facts.Facts
    pages: Iterator[Page]
    beside: Iterator[Page]
    lists: Iterator[lists.ListPage]


def render(
    store: Store,
    taxonomy: Taxonomy,
    benchmarks: Sequence[Mapping[str, Any]],
    templates: Path,
    url: str = "",
    abstracts: str = "licensed",
    mapped: paper_map.PaperMap | None = None,
) -> Rendered:
    """Render one state of a knowledge base. The same records give the same files, byte for byte.

    Args:
        benchmarks: the results of the mini-benchmarks to show.
        templates: the folder of Jinja templates.
        url: where the site will be published, ending in a slash; empty if unknown.
        abstracts: which of them may be published: "licensed", "all" or "none".
        mapped: the map of papers, if there is one.
    """
    rows = export.papers(store, abstracts=False)
    told = facts.read(store, taxonomy, rows, abstracts)
    files = _downloads(store, rows, abstracts)
    card = json.dumps(croissant.metadata(told, files, url), indent=1, ensure_ascii=False) + "\n"
    files.append(("croissant.json", card.encode(), "the data card for machines: Croissant metadata of these files"))
    listed = [{"name": name, "bytes": len(content), "what": what} for name, content, what in files]

    def all_pages() -> Iterator[Page]:
        about = {"papers": len(mapped.places), "broad": mapped.broad, "quality": mapped.quality} if mapped else None
        yield from build_pages(told, benchmarks, listed, controls.load(), templates, url, about)
        for name, content, _ in files:
            yield Page(f"data/{name}", content)
        for name, content in lists.build_files(told, rows):
            yield Page(f"data/topics/{name}", content)
        yield Page("assets/javascripts/vega.js", chart_style.library())

    def beside() -> Iterator[Page]:
        for name, content in (*feeds.build_feeds(told, url), *cards.build_cards(told)):
            yield Page(name, content)
        yield comparison.build(told)
        if mapped is not None:
            yield from paper_map.files(mapped)
        yield Page("robots.txt", "User-agent: *\nAllow: /\n" + (f"Sitemap: {url}sitemap.xml\n" if url else ""))

    return Rendered(told, all_pages(), beside(), lists.build_lists(told))


def build_site(
    store: Store,
    taxonomy: Taxonomy,
    benchmarks: Sequence[Mapping[str, Any]],
    out: Path,
    progress: Progress,
    url: str = "",
    abstracts: str = "licensed",
    encoder: Callable[[], Encoder] | None = None,
    home: Path | None = None,
    model: Callable[[], Portable | None] | None = None,
) -> SiteSummary:
    """Build the static site of one state of the knowledge base.

    Args:
        benchmarks: the results of the mini-benchmarks to show.
        out: the folder to fill; an older site there is replaced at the end, in one step.
        url: where the site will be published ("https://example.org/papers/"); without it the site has no canonical links.
        abstracts: which of them may be published: "licensed", "all" or "none".
        encoder: loads the embedding model, for search by meaning; it is called only where no table of word pieces is kept.
        home: where such tables are kept, and the map of papers. With neither, the site's search goes by words alone and there
            is no map.
        model: packs the embedding model, so that readers may let it answer in their browser; called where none is kept.

    Raises:
        InvalidInput: `out` holds something else than a site, or `url` is no address.
        StoreError: a page could not be built or the folder not be written.
    """
    workspace.check_target(out)
    url = _checked(url)
    sources = workspace.site_sources()
    mapped = paper_map.read(store, home, progress)
    made = render(store, taxonomy, benchmarks, sources / "site" / "templates", url, abstracts, mapped)
    run = made.told.run
    progress.note(f"facts: run {run['id']}, {len(made.told.topics):,} topics")
    advance = progress.task("draw pages and charts", None, "files")
    with tempfile.TemporaryDirectory(prefix="papertide-site-") as folder:
        place = Path(folder)
        count = workspace.assemble(place, sources, _counted(made.pages, advance))
        finished = datetime.fromisoformat(str(run["finished"]))
        progress.note(f"pages: {count:,} pages, charts and downloads; MkDocs builds them")
        with ThreadPoolExecutor(1) as worker:  # MkDocs is a process of its own, so what it does not build is made meanwhile
            building = worker.submit(workspace.run_mkdocs, place, int(finished.timestamp()), url)
            beside = [*made.beside, *search_index.build(store, taxonomy, encoder, home, progress, abstracts, model)]
            built = building.result()
        count += workspace.add(built, beside)
        count += workspace.fill_lists(built, made.lists)
        about = {"run": run["id"], "finished": run["finished"], "version": run["version"], "url": url}
        workspace.write(built / workspace.MARKER, json.dumps(about, indent=2) + "\n")
        changed = workspace.put_in_place(built, out)
    progress.note(f"site: {count:,} files generated, {changed:,} files new or changed")
    return SiteSummary(str(out), str(run["id"]), count, changed)


def croissant_of(store: Store, taxonomy: Taxonomy, url: str = "", abstracts: str = "licensed") -> dict[str, Any]:
    """Return the Croissant metadata of the downloads that a site built now would have."""
    rows = export.papers(store, abstracts=False)
    return croissant.metadata(facts.read(store, taxonomy, rows, abstracts), _downloads(store, rows, abstracts), _checked(url))


def _checked(url: str) -> str:
    if url and escape.link(url) == "#":
        raise InvalidInput("this is no web address", value=url, cure='Write it as "https://example.org/papers/"')
    return url if not url or url.endswith("/") else f"{url}/"


def _counted(pages: Iterable[Page], advance: Any) -> Iterator[Page]:
    for page in pages:
        advance(1)
        yield page


def _downloads(store: Store, papers: list[export.Row], abstracts: str) -> list[tuple[str, bytes, str]]:
    what = {"licensed": "its abstract where the licence allows it", "all": "its abstract", "none": "no abstract"}[abstracts]
    trends = export.trends(store)
    return [
        ("trends.csv", export.write(trends, "csv"), "every finding with its numbers, interval, method and run"),
        ("trends.jsonl", export.write(trends, "jsonl"), "the same, one JSON object a line"),
        (
            "papers.parquet",
            export.write(export.with_abstracts(store, papers, abstracts), "parquet"),
            f"every paper with its themes and cluster, and {what}",
        ),
    ]
