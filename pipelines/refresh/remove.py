"""Removal on request: works that `kb.toml` names are taken out, forgotten, and kept out.

What makes a work known again (its identifiers, its records' names, a hash of its title and first author, none of its text)
is remembered as long as `kb.toml` lists it, so that another record of the same work stays out too.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from kb import ids
from kb.merging import group
from kb.papers import Paper
from kb.settings import Removal
from kb.store import Store
from pipelines.progress import Progress
from pipelines.sources.raw import Room

MEMORY = "removed works"
UNFINISHED = "removal to finish"
"""Keys of the cursors table: what is known of removed works; whether older versions of tables still hold some."""


class Barred:
    """Tells which source records are of works that must stay out, and keeps those that a source sent all the same.

    Attributes:
        memory: names of removed works by the entry of `kb.toml` that asks for their removal.
        refused: the records that were turned away.
    """

    def __init__(self, removal: Removal, store: Store) -> None:
        self.removal = removal
        stored = json.loads(store.cursor(MEMORY) or "{}")
        self.memory: dict[str, list[str]] = {
            entry: names for entry, names in stored.items() if entry in removal.papers | removal.authors
        }
        self.refused: list[Paper] = []

    def __call__(self, record: Paper) -> bool:
        """Whether a record must stay out."""
        if not self.reasons(record):
            return False
        self.refused.append(record)
        return True

    def reasons(self, record: Paper) -> set[str]:
        """Return the entries of `kb.toml` that ask for a record's removal."""
        names = _names(record)
        found = {entry for entry in self.removal.papers if ids.parse(entry) in names}
        found |= {entry for entry, known in self.memory.items() if names.intersection(known)}
        authors = {ids.fold(author) for author in record.authors}
        return found | {author for author in self.removal.authors if ids.fold(author) in authors}


def remove(store: Store, barred: Barred, keep_apart: Iterable[tuple[str, str]], raw: Path, progress: Progress) -> int:
    """Take the records of every work that the settings name out of the store; return how many records that were.

    They are gone from the kept answers too. Until `finish`, older states of the store still hold them.
    """
    removal = barred.removal
    if not removal.papers and not removal.authors:
        if store.cursor(MEMORY):
            store.set_cursor(MEMORY, "{}")
        return 0
    gone = _works(store, barred, keep_apart)
    if gone:
        store.set_cursor(UNFINISHED, "yes")
        store.set_cursor(MEMORY, json.dumps(barred.memory, sort_keys=True))
    words = frozenset(word for record in (*gone.values(), *barred.refused) for word in _words(record))
    for folder in sorted(raw.glob("*/")) if words else ():
        Room(folder).forget(words)
    if gone:
        store.delete_records(sorted(gone))
        progress.note(f"removed on request: {len(gone):,} records")
    return len(gone)


def _works(store: Store, barred: Barred, keep_apart: Iterable[tuple[str, str]]) -> dict[str, Paper]:
    """Return every record of the works that must go, by key, and remember what makes these works known again."""
    keys = store.record_keys()
    wanted = {name for names in barred.memory.values() for name in names} | {ids.parse(one) for one in barred.removal.papers}
    families = {ids.family_name(author) for author in barred.removal.authors}
    maybe = [key.key for key in keys if wanted.intersection((key.key, *key.identifiers)) or families.intersection(key.families)]
    reasons = {name: why for name, record in store.records(maybe).items() if (why := barred.reasons(record))}
    gone: dict[str, Paper] = {}
    for work in group(keys, keep_apart) if reasons else ():
        why = {entry for key in work for entry in reasons.get(key.key, ())}
        if why:
            records = store.records([key.key for key in work])
            gone |= records
            names = {name for record in records.values() for name in _names(record)}
            for entry in why:
                barred.memory[entry] = sorted({*barred.memory.get(entry, ()), *names})
    return gone


def unfinished(store: Store) -> bool:
    """Whether older states of the store still hold removed works."""
    return store.cursor(UNFINISHED) == "yes"


def finish(store: Store) -> None:
    """Delete every older state, after a commit: earlier runs can no longer be read."""
    store.purge()
    store.set_cursor(UNFINISHED, "")


def _names(record: Paper) -> set[str]:
    first = record.authors[0] if record.authors else ""
    return {record.id, record.sources[0].key, *record.identifiers, ids.title_id(record.title, first)}


def _words(record: Paper) -> set[bytes]:
    """What a kept answer about a record has in it: its identifiers and its title."""
    bare = {identifier.split(":", 1)[1] for identifier in record.identifiers}
    return {word.encode() for word in (*bare, record.title) if len(word) >= 8}
