"""Papers and topics -> findings of trend."""

from kb import trends
from kb.store import Store
from kb.taxonomy import Taxonomy
from pipelines.progress import Progress


def measure(store: Store, taxonomy: Taxonomy, run: str, progress: Progress) -> None:
    """Compute every finding of the corpus, and the numbers behind its charts, and store them."""
    measured = trends.measure(store, taxonomy, run)
    findings = measured.findings
    for name, rows in measured.tables.items():
        store.replace(name, rows)
    store.replace("findings", [finding.to_dict() for finding in findings])
    if any(finding.kind == "count" for finding in findings):
        progress.note(f"findings: {len(findings):,} counts of a reading list, from which no trend follows")
        return
    told = sum(finding.kind in {"rising", "falling"} for finding in findings)
    progress.note(f"findings: {len(findings):,}, of which {told} rise or fall")
