"""What every command starts from: which home folder, which run. Settings and store are read when first asked for."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kb import settings
from kb.errors import InvalidInput, StoreError
from kb.papers import parse_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from kb.embedding import Encoder
    from kb.embedding.portable import Portable
    from kb.store import Store
    from kb.taxonomy import Taxonomy


@dataclass
class Context:
    """The root options, as the commands' `ctx.obj`."""

    given_home: Path | None
    as_of: str | None

    @cached_property
    def home(self) -> Path:
        """The home folder."""
        return settings.find_home(self.given_home)

    @cached_property
    def settings(self) -> settings.Settings:
        """The settings of the home folder."""
        return settings.load(self.home)

    @cached_property
    def store(self) -> "Store":
        """The store, open for reading."""
        from kb.store import Store  # heavy: LanceDB and pyarrow take half a second that --help need not wait for

        return Store.read(self.settings.store_uri, as_of=self.as_of)

    @cached_property
    def taxonomy(self) -> "Taxonomy":
        """The themes."""
        from kb import taxonomy

        return taxonomy.load(self.settings.taxonomy, self.settings.extra_themes)

    def encoder(self) -> "Encoder":
        """Load the embedding model, in the engine that made this knowledge base's vectors."""
        from kb import embedding  # heavy: torch

        try:
            used = str((self.store.run or {}).get("model", ""))
        except StoreError:  # nothing there yet
            used = ""
        return embedding.load_for_reading(self.settings, used)

    @property
    def portable(self) -> "Callable[[], Portable | None] | None":
        """What packs the embedding model for the page of search; None where the site must not hand it out."""
        if self.settings.model != settings.DEFAULT_MODEL and not self.settings.publish_model:
            return None

        def packed() -> "Portable | None":
            from kb.embedding import portable  # heavy: torch

            return portable.pack(self.settings)

        return packed


def day(text: str | None, option: str) -> date | None:
    """Read a date given as an option.

    Raises:
        InvalidInput: it is none; the message names the option.
    """
    if text is None:
        return None
    try:
        return parse_date(text)[0]
    except InvalidInput:
        raise InvalidInput(f"{option} is no date", value=text, cure="Write it as 2025-01-31 or 2025-01") from None
