"""Source -> records: read each source from where it stopped, store every batch, then its cursor.

The order makes a stop harmless: a batch is stored before the cursor that passes it, and storing it twice changes
nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kb.errors import SourceUnreachable
from kb.papers import Paper
from kb.store import Store
from pipelines.progress import Progress
from pipelines.sources import Network, Source, Window, replay


@dataclass(slots=True)
class SourceSummary:
    """What one source gave: usable records seen, how many were new or changed, how many were rejected and why."""

    name: str
    seen: int = 0
    changed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "rejected": dict(sorted(self.rejected.items()))}


def ingest(
    store: Store,
    sources: Sequence[Source],
    window: Window,
    progress: Progress,
    kept: Network | None = None,
    unwanted: Callable[[Paper], bool] = lambda record: False,
) -> Mapping[str, SourceSummary]:
    """Read the sources one after the other; one that cannot be reached is reported and the others go on.

    Args:
        unwanted: tells records that must stay out.
        kept: parse the answers kept there instead of asking; the sources' cursors stay where they are.

    Returns:
        A summary for each source by its key; `error` says why a source was left.
    """
    summaries = {}
    for source in sources:
        summary = summaries[source.key] = SourceSummary(source.name)
        advance = progress.task(f"read {source.name}", source.size_hint(), "records")
        try:
            batches = replay(source, window, kept) if kept else source.batches(window, store.cursor(source.key))
            for batch in batches:
                wanted = [record for record in batch.papers if not unwanted(record)]
                if len(wanted) < len(batch.papers):
                    batch.rejected["removed on request"] += len(batch.papers) - len(wanted)
                    batch.papers = wanted
                summary.changed += store.add_records(batch.papers)
                if not kept:
                    store.set_cursor(source.key, batch.cursor)
                summary.seen += len(batch.papers)
                summary.rejected.update(batch.rejected)
                summary.examples.extend(batch.examples[: max(0, 5 - len(summary.examples))])
                advance(len(batch.papers) + batch.rejected.total())
        except SourceUnreachable as error:
            summary.error = str(error)
        _say(summary, progress)
    return summaries


def _say(summary: SourceSummary, progress: Progress) -> None:
    line = f"{summary.name}: {summary.seen:,} records read, {summary.changed:,} new or changed"
    if summary.rejected:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.rejected.most_common())
        line += f"; {summary.rejected.total():,} rejected ({reasons})"
    progress.note(line)
    for example in summary.examples:
        progress.note(f"  for example {example}")
    if summary.error:
        progress.note(f"  stopped: {summary.error}")
