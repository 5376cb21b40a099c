"""Every place papers come from; one file each, all with the same protocol (`base.Source`)."""

from collections.abc import Mapping

from kb.errors import InvalidInput
from pipelines.sources.acl_anthology import open_acl_anthology
from pipelines.sources.arxiv import open_arxiv
from pipelines.sources.arxiv_feed import open_arxiv_feed
from pipelines.sources.arxiv_oai import open_arxiv_oai
from pipelines.sources.arxiv_snapshot import open_arxiv_snapshot
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.cvf import open_cvf
from pipelines.sources.files import open_files
from pipelines.sources.neurips import open_neurips
from pipelines.sources.openreview import open_openreview
from pipelines.sources.paperlists import open_paperlists
from pipelines.sources.pmlr import open_pmlr
from pipelines.sources.starter import open_starter

__all__ = ["SOURCES", "Batch", "Source", "Window", "open_source"]

SOURCES = {
    "acl_anthology": open_acl_anthology,
    "arxiv": open_arxiv,
    "arxiv_feed": open_arxiv_feed,
    "arxiv_oai": open_arxiv_oai,
    "arxiv_snapshot": open_arxiv_snapshot,
    "cvf": open_cvf,
    "files": open_files,
    "neurips": open_neurips,
    "openreview": open_openreview,
    "paperlists": open_paperlists,
    "pmlr": open_pmlr,
    "starter": open_starter,
}


def open_source(spec: str, options: Mapping[str, object]) -> Source:
    """Return the source that "name" or "name=location" means.

    Args:
        options: that source's table of kb.toml, without `location`.

    Raises:
        InvalidInput: there is no source of that name, or its location cannot be used.
        SettingsError: an option is unknown or has the wrong type.
    """
    name, _, location = spec.partition("=")
    if name not in SOURCES:
        raise InvalidInput("unknown source", value=name, cure=f"One of {', '.join(sorted(SOURCES))}")
    return SOURCES[name](location, options)
