"""Knowledge base -> site: pages, charts, downloads. Rendering is pure; only `build_site` touches files."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kb.store import Store
from kb.taxonomy import Taxonomy
from pipelines.progress import Progress
from pipelines.publish import export, facts, workspace
from pipelines.publish.pages import Page, build_pages

__all__ = ["SiteSummary", "build_site", "export"]


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """What was built: the folder, the run it shows, how many pages and charts were generated."""

    out: str
    run: str
    generated: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def build_site(
    store: Store, taxonomy: Taxonomy, benchmarks: Sequence[Mapping[str, Any]], out: Path, progress: Progress
) -> SiteSummary:
    """Build the static site of one state of the knowledge base.

    Args:
        benchmarks: the results of the mini-benchmarks to show.
        out: the folder to fill; an older site there is replaced at the end, in one step.

    Raises:
        InvalidInput: `out` holds something else than a site.
        StoreError: a page could not be built or the folder not be written.
    """
    workspace.check_target(out)
    sources = workspace.site_sources()
    told = facts.read(store, taxonomy)
    progress.note(f"facts: run {told.run['id']}, {len(told.topics):,} topics")
    files = _downloads(store)
    listed = [{"name": name, "bytes": len(content), "what": what} for name, content, what in files]
    advance = progress.task("draw pages and charts", None, "files")
    with tempfile.TemporaryDirectory(prefix="papertide-site-") as folder:
        place = Path(folder)
        pages = build_pages(told, benchmarks, listed, sources / "site" / "templates")
        count = workspace.assemble(place, sources, _counted(pages, advance))
        data = place / "site" / "docs" / "data"
        data.mkdir()
        for name, content, _ in files:
            (data / name).write_bytes(content)
        finished = datetime.fromisoformat(str(told.run["finished"]))
        progress.note(f"pages: {count:,} pages and charts; MkDocs builds them")
        built = workspace.run_mkdocs(place, int(finished.timestamp()))
        about = {"run": told.run["id"], "finished": told.run["finished"], "version": told.run["version"]}
        (built / workspace.MARKER).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        workspace.put_in_place(built, out)
    return SiteSummary(str(out), str(told.run["id"]), count)


def _counted(pages: Iterator[Page], advance: Any) -> Iterator[Page]:
    for page in pages:
        advance(1)
        yield page


def _downloads(store: Store) -> list[tuple[str, bytes, str]]:
    papers, trends = export.papers(store, abstracts=False), export.trends(store)
    return [
        ("trends.csv", export.write(trends, "csv"), "every finding with its numbers, interval, method and run"),
        ("trends.jsonl", export.write(trends, "jsonl"), "the same, one JSON object a line"),
        ("papers.parquet", export.write(papers, "parquet"), "every paper without its abstract, with themes and cluster"),
    ]
