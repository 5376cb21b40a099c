"""Refresh: source -> record -> paper -> vector -> theme and cluster -> finding, incremental and safe to kill.

Each step loads from the store, works, saves to the store and returns a summary. The last write is the run's row; what
a stopped run leaves behind is either wanted anyway (records, cursors, vectors) or rolled back by the next one.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kb import embedding, taxonomy
from kb.embedding import Encoder
from kb.errors import InvalidInput, StoreBusy, StoreError
from kb.settings import Settings
from kb.store import Store
from kb.taxonomy import Taxonomy
from kb.topics.identity import Drift
from pipelines.progress import Progress
from pipelines.refresh.embed import embed
from pipelines.refresh.ingest import SourceSummary, ingest
from pipelines.refresh.measure import measure
from pipelines.refresh.merge import MergeSummary, merge
from pipelines.refresh.remove import Barred, finish, remove, unfinished
from pipelines.refresh.sort import sort_papers
from pipelines.sources import Network, Source, Window, open_source

LOGIC = 10
"""Raise it when the way from papers to findings changes, so that the next refresh makes them anew."""


@dataclass(slots=True)
class RefreshSummary:
    """What a refresh did.

    Attributes:
        run: the run's id; the former run's when nothing changed, empty when there is none.
        changed: whether a run was written.
        counts: papers, vectors, themes, clusters, findings in the knowledge base.
        sources: a summary of each source that was read.
        unreachable: one line for each source that could not be reached.
    """

    run: str
    changed: bool
    counts: dict[str, int] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Return what happened in one line."""
        if not self.counts.get("papers"):
            return "The knowledge base is empty: no source gave a usable paper."
        if not self.changed:
            return f"Nothing new since {self.run}: {self.counts['papers']:,} papers."
        facts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return f"Run {self.run}: {facts}."

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "run": self.run, "changed": self.changed, "counts": self.counts, "sources": self.sources,
            "unreachable": self.unreachable,
        }  # fmt: skip


def refresh(
    settings: Settings, specs: Sequence[str], window: Window, progress: Progress, *, again: bool = False
) -> RefreshSummary:
    """Run the whole pipeline.

    Args:
        specs: sources as "name" or "name=location"; none means those in the settings.
        window: which papers to take from each source.
        again: parse what the sources sent before, and ask none of them.

    Raises:
        InvalidInput: an unknown source, option or location.
        StoreBusy: another refresh of this knowledge base is running.
        ModelError: the embedding model cannot be loaded.
    """
    sources = open_sources(settings, specs)
    themes = taxonomy.load(settings.taxonomy, settings.extra_themes)
    with _lock(settings):
        store = Store.write(settings.store_uri)
        barred = Barred(settings.removal, store)
        read = ingest(store, sources, window, progress, network(settings) if again else None, barred)
        remove(store, barred, settings.keep_apart, settings.home / "raw", progress)
        merged = merge(store, settings.keep_apart, progress)
        summary = RefreshSummary(
            run=store.run["id"] if store.run else "",
            changed=False,
            counts={"papers": merged.papers},
            sources=[source.to_dict() for source in read.values()],
            unreachable=[f"{source.name}: {source.error}" for source in read.values() if source.error],
        )
        if merged.papers == 0:
            return summary
        fingerprint = _fingerprint(store, settings, themes, _engine(settings, store))
        if store.run and store.run["fingerprint"] == fingerprint and not unfinished(store):
            summary.counts = json.loads(store.run["counts"])
            return summary
        encoder = embed(store, settings, progress)
        run = f"r{len(store.runs()) + 1:04d}"
        drift = sort_papers(store, encoder, themes, run, progress, settings.cluster_names)
        measure(store, themes, run, progress)
        if unfinished(store):
            store.rewrite()
        store.index_text()
        summary.run, summary.changed, summary.counts = run, True, _counts(store, encoder)
        fingerprint = _fingerprint(store, settings, themes, encoder.engine)
        store.commit(_run_row(store, settings, encoder, summary, read, merged, fingerprint, drift))
        if unfinished(store):
            finish(store)
    return summary


def network(settings: Settings) -> Network:
    """Return how the sources of a knowledge base reach the network, and where their answers are kept."""
    return Network(settings.contact, settings.home / "raw" if settings.keep_answers else None)


def open_sources(settings: Settings, specs: Sequence[str]) -> list[Source]:
    """Open the sources that were asked for, each with its options from the settings.

    Raises:
        InvalidInput: a source is unknown or asked for twice.
    """
    if specs:
        wanted = [(spec, settings.sources.get(spec.split("=", 1)[0], {})) for spec in specs]
    else:
        wanted = [
            (f"{name}={options['location']}" if "location" in options else name, options)
            for name, options in settings.sources.items()
        ]
    sources = []
    for spec, options in wanted:
        told = {key: value for key, value in options.items() if key != "location"}
        location = options.get("location")
        name, _, given = spec.partition("=")
        if not given and isinstance(location, str):
            given = location
        if given and not specs and "://" not in given:
            given = str(settings.home / Path(given).expanduser())
        sources.append(open_source(f"{name}={given}" if given else name, told, network(settings)))
    keys = [source.key for source in sources]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise InvalidInput("the same source is asked for twice", value=twice, cure="Name it once")
    return sources


def _lock(settings: Settings) -> FileLock:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(settings.home / "refresh.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise StoreBusy(
            f"another refresh of {settings.home} is running", cure="Wait for it, or stop it; nothing stored is lost"
        ) from None
    except OSError as error:
        raise StoreError(f"cannot write to {settings.home}: {error.strerror}", cure="Choose another --home") from None
    return lock


def _engine(settings: Settings, store: Store) -> str:
    """The engine that will embed, as long as not much is new."""
    return settings.engine if settings.engine != "auto" else embedding.engine_of(str(store.run["model"]) if store.run else "")


def _fingerprint(store: Store, settings: Settings, themes: Taxonomy, engine: str) -> str:
    """A digest of everything the derived tables follow from."""
    digest = hashlib.sha256()
    for paper, work in sorted(store.paper_digests().items()):
        digest.update(f"{paper} {work}\n".encode())
    digest.update(f"{settings.model} {settings.max_tokens} {themes!r} {dict(settings.cluster_names)!r} {LOGIC}".encode())
    told = {"engine": engine, "dimensions": settings.dimensions, "prompts": dict(settings.prompts)}
    digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()


def _counts(store: Store, encoder: Encoder) -> dict[str, int]:
    return {
        "papers": store.count("papers"),
        "vectors": len(store.embedded(encoder.key)),
        "themes": len(set(store.table("themes", ["theme"])["theme"].to_pylist())),
        "clusters": store.count("clusters"),
        "findings": store.count("findings"),
    }


def _run_row(
    store: Store,
    settings: Settings,
    encoder: Encoder,
    summary: RefreshSummary,
    read: dict[str, SourceSummary] | Any,
    merged: MergeSummary,
    fingerprint: str,
    drift: Drift,
) -> dict[str, Any]:
    former = json.loads(store.run["sources"]) if store.run else {}
    active = {key: source.to_dict() for key, source in read.items() if source.seen or source.rejected or key not in former}
    told = {
        "max_tokens": settings.max_tokens, "engine": encoder.engine, "precision": encoder.precision,
        "keep_apart": settings.keep_apart,
        "sources": sorted(read), "records": merged.records, "united": merged.united,
        "drift": {**asdict(drift), "sentence": drift.sentence()},
    }  # fmt: skip
    return {
        "id": summary.run,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": fingerprint,
        "model": encoder.key,
        "weights": encoder.weights,
        "version": version("papertide"),
        "settings": json.dumps(told, sort_keys=True),
        "counts": json.dumps(summary.counts),
        "sources": json.dumps({**former, **active}, sort_keys=True),
    }
