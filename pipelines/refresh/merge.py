"""Records -> papers: unite the records of one work, write only the works that changed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kb.merging import unite, works
from kb.store import Store
from pipelines.progress import Progress


@dataclass(frozen=True, slots=True)
class MergeSummary:
    """How many records make how many papers, and how many papers this run wrote or removed."""

    records: int
    papers: int
    written: int
    removed: int

    @property
    def united(self) -> int:
        """Records that were found to be a work already known by another record."""
        return self.records - self.papers


def merge(store: Store, keep_apart: Iterable[tuple[str, str]], progress: Progress) -> MergeSummary:
    """Bring the papers up to date with the records."""
    records = store.record_keys()
    found = works(records, keep_apart)
    known = store.paper_digests()
    by_digest = {digest: paper for paper, digest in known.items()}
    changed = [work for work in found if work.digest not in by_digest]
    kept = {by_digest[work.digest] for work in found if work.digest in by_digest}
    advance = progress.task("merge records", len(changed), "papers")
    full = store.records([record.key for work in changed for record in work.records])
    fresh = {}
    for work in changed:
        paper = unite([full[record.key] for record in work.records], work.without)
        if paper.id in fresh or paper.id in kept:  # two works kept apart, or with one name for lack of identifiers
            paper = replace(paper, id=f"{paper.id}-{work.digest[:8]}")
        fresh[paper.id] = (paper, work.digest)
        advance(1)
    gone = sorted(set(known) - kept - set(fresh))
    if fresh or gone:
        store.put_papers([fresh[name] for name in sorted(fresh)], gone)
    summary = MergeSummary(len(records), len(found), len(fresh), len(gone))
    progress.note(f"papers: {summary.papers:,} works from {summary.records:,} records; {summary.written:,} written")
    return summary
