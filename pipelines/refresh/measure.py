"""Papers and topics -> findings of trend."""

from kb.store import Store
from kb.taxonomy import Taxonomy
from kb.trends import findings_of
from pipelines.progress import Progress


def measure(store: Store, taxonomy: Taxonomy, run: str, progress: Progress) -> None:
    """Compute every finding of the corpus and store it."""
    findings = findings_of(store, taxonomy, run)
    store.replace("findings", [finding.to_dict() for finding in findings])
    if any(finding.kind == "count" for finding in findings):
        progress.note(f"findings: {len(findings):,} counts of a reading list, from which no trend follows")
        return
    told = sum(finding.kind in {"rising", "falling"} for finding in findings)
    progress.note(f"findings: {len(findings):,}, of which {told} rise or fall")
