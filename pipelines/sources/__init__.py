"""Every place papers come from; one file each, all with the same protocol (`base.Source`)."""

from collections.abc import Iterator, Mapping

from kb.errors import InvalidInput, SourceUnreachable
from pipelines.sources.acl_anthology import open_acl_anthology
from pipelines.sources.arxiv import open_arxiv
from pipelines.sources.arxiv_feed import open_arxiv_feed
from pipelines.sources.arxiv_oai import open_arxiv_oai
from pipelines.sources.arxiv_snapshot import open_arxiv_snapshot
from pipelines.sources.base import Batch, Replayable, Source, Window
from pipelines.sources.cvf import open_cvf
from pipelines.sources.files import open_files
from pipelines.sources.http import NOWHERE, Network
from pipelines.sources.neurips import open_neurips
from pipelines.sources.openreview import open_openreview
from pipelines.sources.paperlists import open_paperlists
from pipelines.sources.pmlr import open_pmlr
from pipelines.sources.starter import open_starter

__all__ = ["SOURCES", "Batch", "Network", "Source", "Window", "open_source", "replay"]

LOCAL = {"arxiv_snapshot": open_arxiv_snapshot, "files": open_files, "starter": open_starter}
ONLINE = {
    "acl_anthology": open_acl_anthology,
    "arxiv": open_arxiv,
    "arxiv_feed": open_arxiv_feed,
    "arxiv_oai": open_arxiv_oai,
    "cvf": open_cvf,
    "neurips": open_neurips,
    "openreview": open_openreview,
    "paperlists": open_paperlists,
    "pmlr": open_pmlr,
}
SOURCES = sorted([*LOCAL, *ONLINE])


def open_source(spec: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Return the source that "name" or "name=location" means.

    Args:
        options: that source's table of kb.toml, without `location`.
        network: how it reaches the network, if it does.

    Raises:
        InvalidInput: there is no source of that name, or its location cannot be used.
        SettingsError: an option is unknown or has the wrong type.
    """
    name, _, location = spec.partition("=")
    if name in LOCAL:
        return LOCAL[name](location, options)
    if name in ONLINE:
        return ONLINE[name](location, options, network)
    raise InvalidInput("unknown source", value=name, cure=f"One of {', '.join(SOURCES)}")


def replay(source: Source, window: Window, network: Network) -> Iterator[Batch]:
    """Yield what a source gave so far, parsed again, without asking it: its kept answers, oldest first, a batch each.

    A source of files is read again from its files.
    """
    room = network.room(source.name)
    if not source.online:
        yield from source.batches(window, None)
    if not isinstance(source, Replayable) or room is None or not source.online:
        return
    for kept in room.answers():
        batch = Batch()
        try:
            source.read_again(kept.url, kept.body, batch, window)
        except (InvalidInput, SourceUnreachable) as error:
            batch.reject(kept.url, error.message)
        yield batch
