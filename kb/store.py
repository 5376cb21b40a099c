"""The only door to LanceDB; `kb.schemas` says which tables there are.

A reader sees the table versions named in the last row of `runs` (or of the run asked for with `as_of`), never a
state in between. A writer first rolls the derived tables back to that row, so whatever a killed run left behind is
undone; records, cursors and vectors only ever gain, and are kept.
"""

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kb.errors import InvalidInput, StoreError
from kb.ids import parse
from kb.merging import RecordKey, record_key
from kb.papers import Paper, from_dict, to_dict, to_json
from kb.schemas import DERIVED, SCHEMAS

_SEARCHED = ("title", "abstract", "summary")
STOP_WORDS = tuple(
    """
    a about after all also an and any are as at be because been before being between both but by can could did do does doing
    down during each few for from further had has have having he her here hers him his how i if in into is it its just less
    let like many may me might more most much must my no nor not of off on once only or other our out over own per same she
    should so some such than that the their theirs them then there these they this those through to too under until up upon
    us very via was we well were what when where whether which while who whom whose why will with within without would yet
    you your
    """.split()
)
"""Words that the full-text index leaves out. "Less" and "more" are among them: in a question such as "training with less
memory" they would rank titles like "Less is more" first."""
_KEEP_ALL = timedelta(days=365_000)  # LanceDB's clean-up would otherwise delete versions that `as_of` reads


@contextmanager
def _mended(what: str) -> Iterator[None]:
    """Turn the errors of the file system and of LanceDB into one line that says what to do."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, (StoreError, InvalidInput)):
            raise
        text = str(error)
        if getattr(error, "errno", None) == 28 or "No space left" in text:
            raise StoreError(
                f"{what}: the disk is full", cure="Free some space and run it again; nothing stored is lost"
            ) from None
        if isinstance(error, PermissionError) or "ermission denied" in text:
            raise StoreError(f"{what}: permission denied", cure="Check who owns the folder") from None
        short = text.splitlines()[0][:200] if text else type(error).__name__
        raise StoreError(f"{what}: {short}", cure="`kb doctor` checks the store") from error


class Store:
    """One knowledge base's tables. Open it with `Store.read` or `Store.write`."""

    def __init__(self, uri: str, run: dict[str, Any] | None, *, writing: bool) -> None:
        import lancedb  # heavy: 0.5 s that `kb --help` need not wait for

        self.uri = uri
        self.run = run
        self.writing = writing
        self._db = lancedb.connect(uri)
        self._tables: dict[str, Any] = {}
        self._names = set(self._db.list_tables(limit=10_000).tables)

    @classmethod
    def read(cls, uri: str, *, as_of: str | None = None) -> "Store":
        """Open the state of the last finished run, or of the run `as_of`.

        Raises:
            StoreError: there is no knowledge base there, or it has no finished run.
            InvalidInput: there is no run of that name.
        """
        if "://" not in uri and not Path(uri).is_dir():
            raise StoreError(f"no knowledge base at {uri}", cure="Make one with `kb refresh`, or name another with --home")
        with _mended(f"cannot open {uri}"):
            store = cls(uri, None, writing=False)
            runs = store.runs()
        if not runs:
            raise StoreError(f"the knowledge base at {uri} has no finished refresh", cure="Run `kb refresh`")
        store.run = runs[-1]
        if as_of is not None:
            named = [run for run in runs if run["id"] == as_of]
            if not named:
                raise InvalidInput("no such run", value=as_of, cure=f"Known: {runs[0]['id']} to {runs[-1]['id']}")
            store.run = named[0]
            store._check_kept(as_of)
        return store

    @classmethod
    def write(cls, uri: str) -> "Store":
        """Open for a refresh: make what is missing and roll derived tables back to the last finished run."""
        with _mended(f"cannot write to {uri}"):
            if "://" not in uri:
                Path(uri).mkdir(parents=True, exist_ok=True)
            store = cls(uri, None, writing=True)
            runs = store.runs()
            store.run = runs[-1] if runs else None
            committed = json.loads(store.run["tables"]) if store.run else {}
            for name in DERIVED:
                store._roll_back(name, committed.get(name))
            store._renew_record_keys()
            if not store._table("papers").schema.equals(SCHEMAS["papers"]):  # made by an older version: merging makes it anew
                store._overwrite("papers", SCHEMAS["papers"].empty_table())
        return store

    def _check_kept(self, run: str) -> None:
        version = json.loads((self.run or {})["tables"])["papers"]
        with _mended(f"cannot read the versions of {self.uri}"):
            kept = {row["version"] for row in self._db.open_table("papers").list_versions()}
        if version not in kept:
            raise StoreError(f"the state after {run} was erased when papers were removed", cure="Read a later run")

    def _roll_back(self, name: str, version: int | None) -> None:
        table = self._table(name)
        if version is None:
            if table.count_rows():
                self._overwrite(name, SCHEMAS[name].empty_table())
        elif table.version != version:
            table.checkout(version)
            table.restore()

    def _renew_record_keys(self) -> None:
        """Make the columns of `records` anew where an older version of this program made them differently."""
        table = self._table("records")
        if table.schema.equals(SCHEMAS["records"]):
            return
        texts = table.search().select(["json"]).limit(max(1, table.count_rows())).to_arrow()["json"].to_pylist()
        records = [from_dict(json.loads(text)) for text in texts]
        rows = [_record_row(record_key(record), record) for record in records]
        self._overwrite("records", pa.Table.from_pylist(rows, schema=SCHEMAS["records"]))

    def _table(self, name: str, schema: pa.Schema | None = None) -> Any:
        if name not in self._tables:
            if name in self._names:
                self._tables[name] = self._open(name)
            elif self.writing:
                self._tables[name] = self._db.create_table(name, schema=schema or SCHEMAS[name], exist_ok=True)
                self._names.add(name)
            else:
                return None
        return self._tables[name]

    def _open(self, name: str) -> Any:
        table = self._db.open_table(name)
        if not self.writing and self.run is not None and name != "runs":
            version = json.loads(self.run["tables"]).get(name)
            if version is None:
                return None
            table.checkout(version)
        return table

    def runs(self) -> list[dict[str, Any]]:
        """Return every finished run, oldest first."""
        table = self._table("runs") if self.writing or "runs" in self._names else None
        rows: list[dict[str, Any]] = table.to_arrow().to_pylist() if table is not None else []
        return sorted(rows, key=lambda run: str(run["id"]))

    # Reading -------------------------------------------------------------------------------------------------

    def table(self, name: str, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Return a whole table (or some columns, or the rows that match an SQL condition) as Arrow."""
        with _mended(f"cannot read table {name} of {self.uri}"):
            table = self._table(name)
            if table is None:
                empty = SCHEMAS[name].empty_table()
                return empty.select(columns) if columns else empty
            query = table.search().limit(max(1, table.count_rows()))
            if columns:
                query = query.select(list(columns))
            if where:
                query = query.where(where)
            return query.to_arrow()

    def count(self, name: str) -> int:
        """Return the number of rows of a table."""
        with _mended(f"cannot read table {name} of {self.uri}"):
            table = self._table(name)
            return 0 if table is None else int(table.count_rows())

    def papers(self, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Return papers as Arrow, ordered by id."""
        wanted = [*columns, *(() if "id" in columns else ("id",))] if columns else None
        table = self.table("papers", wanted, where).sort_by("id")
        return table.select(columns) if columns else table

    def get_papers(self, identifiers: Iterable[str]) -> dict[str, Paper]:
        """Return the papers with these canonical ids (those that exist), by id."""
        wanted = list(dict.fromkeys(identifiers))
        if not wanted:
            return {}
        rows = self.table("papers", where=f"id IN ({', '.join(map(quote, wanted))})").to_pylist()
        return {row["id"]: from_dict(row) for row in rows}

    def paper(self, identifier: str) -> Paper | None:
        """Return the paper that bears an identifier, written in any usual way, or None."""
        name = parse(identifier)
        condition = f"id = {quote(name)} OR array_has(identifiers, {quote(name)})"
        rows = self.table("papers", where=condition).sort_by("id").to_pylist()
        return from_dict(rows[0]) if rows else None

    def vectors(self, model_key: str) -> tuple[list[str], NDArray[np.float16]]:
        """Return (text hashes, vectors of shape (n, d)) of one model; empty if it has none."""
        rows = self._vector_rows(model_key, ["text_hash", "vector"])
        if rows is None:
            return [], np.zeros((0, 0), np.float16)
        column = rows["vector"].combine_chunks()
        width = column.type.list_size
        flat = column.flatten().to_numpy(zero_copy_only=False)
        return rows["text_hash"].to_pylist(), flat.reshape(-1, width)

    def embedded(self, model_key: str) -> set[str]:
        """Return the hashes of the texts that have a vector of a model."""
        rows = self._vector_rows(model_key, ["text_hash"])
        return set() if rows is None else set(rows["text_hash"].to_pylist())

    def vectors_made_by(self, model_key: str) -> dict[str, Any]:
        """Return what made a model's vectors: "model", "weights" and, as "counts", how many each engine and precision made.

        Empty where there are none; vectors of an older version of this program tell nothing.
        """
        rows = self._vector_rows(model_key, ["made_by"])
        if rows is None:
            return {}
        about = {
            key.decode(): value.decode() for key, value in (self._table(vector_table(model_key)).schema.metadata or {}).items()
        }
        return {**about, "counts": dict(Counter(rows["made_by"].to_pylist()))}

    def _vector_rows(self, model_key: str, columns: list[str]) -> pa.Table | None:
        """Return columns of the table that holds one model's vectors; None where there is none, or none with such columns."""
        name = vector_table(model_key)
        table = self._table(name) if name in self._names else None
        if table is None or not set(columns) <= set(table.schema.names):
            return None
        with _mended(f"cannot read the vectors of {self.uri}"):
            return table.search().select(columns).limit(max(1, table.count_rows())).to_arrow()

    def text_search(self, query: str, limit: int, where: str | None = None) -> list[tuple[str, float]]:
        """Return (paper id, BM25 score), best first, by LanceDB's full-text index over title, abstract, summary."""
        from lancedb.query import MultiMatchQuery  # heavy, as above

        with _mended("full-text search failed"):
            table = self._table("papers")
            if table is None or not table.count_rows():
                return []
            match = MultiMatchQuery(query, list(_SEARCHED), boosts=[2.0, 1.0, 1.0])
            search = table.search(match, query_type="fts").select(["id", "_score"]).limit(limit)
            if where:
                search = search.where(where, prefilter=True)
            rows = search.to_arrow().to_pylist()
        found = [(str(row["id"]), float(row["_score"])) for row in rows]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    # Writing: what a source brought -------------------------------------------------------------------------

    def add_records(self, records: Sequence[Paper]) -> int:
        """Insert or replace source records by key; return how many were new or changed."""
        keys = [record_key(record) for record in records]
        latest = {key.key: (key, record) for key, record in zip(keys, records, strict=True)}
        with _mended(f"cannot store records in {self.uri}"):
            known = self._digests(list(latest))
            fresh = [pair for name, pair in sorted(latest.items()) if known.get(name) != pair[0].digest]
            if fresh:
                rows = [_record_row(key, record) for key, record in fresh]
                self._upsert("records", "key", pa.Table.from_pylist(rows, schema=SCHEMAS["records"]))
        return len(fresh)

    def _digests(self, keys: Sequence[str]) -> dict[str, str]:
        table = self._table("records")
        if not keys or not table.count_rows():
            return {}
        condition = f"key IN ({', '.join(map(quote, keys))})"
        rows = table.search().where(condition).select(["key", "digest"]).limit(len(keys)).to_arrow()
        return dict(zip(rows["key"].to_pylist(), rows["digest"].to_pylist(), strict=True))

    def record_keys(self) -> list[RecordKey]:
        """Return the grouping key of every stored record."""
        columns = ["key", "digest", "identifiers", "title_key", "families", "sketch"]
        table = self.table("records", columns).to_pydict()
        rows = zip(*(table[column] for column in columns), strict=True)
        return [
            RecordKey(key, digest, tuple(known), title, tuple(names), marks) for key, digest, known, title, names, marks in rows
        ]

    def records(self, keys: Sequence[str]) -> dict[str, Paper]:
        """Return stored source records by key."""
        found: dict[str, Paper] = {}
        everything = len(keys) > 5_000  # one scan beats many look-ups
        wanted = set(keys)
        parts = [None] if everything else [keys[i : i + 500] for i in range(0, len(keys), 500)]
        for part in parts:
            where = f"key IN ({', '.join(map(quote, part))})" if part is not None else None
            for batch in self.table("records", ["key", "json"], where).to_batches():
                for key, text in zip(batch["key"].to_pylist(), batch["json"].to_pylist(), strict=True):
                    if key in wanted:
                        found[key] = from_dict(json.loads(text))
        return found

    def cursor(self, key: str) -> str | None:
        """Return where a source's reading stopped, or None."""
        rows = self.table("cursors", where=f"key = {quote(key)}").to_pylist()
        return str(rows[0]["cursor"]) if rows else None

    def set_cursor(self, key: str, cursor: str) -> None:
        """Keep where a source's reading stopped; call it after the batch before that point is stored."""
        with _mended(f"cannot store a cursor in {self.uri}"):
            rows = [{"key": key, "cursor": cursor}]
            self._upsert("cursors", "key", pa.Table.from_pylist(rows, schema=SCHEMAS["cursors"]))

    # Writing: what was made from it -------------------------------------------------------------------------

    def paper_digests(self) -> dict[str, str]:
        """Return paper id -> digest of the work's records."""
        table = self.table("papers", ["id", "digest"])
        return dict(zip(table["id"].to_pylist(), table["digest"].to_pylist(), strict=True))

    def put_papers(self, papers: Sequence[tuple[Paper, str]], gone: Sequence[str]) -> None:
        """Insert or replace papers (each with its work's digest) and remove those whose id is no more."""
        with _mended(f"cannot store papers in {self.uri}"):
            for start in range(0, len(gone), 500):
                self._table("papers").delete(f"id IN ({', '.join(map(quote, gone[start : start + 500]))})")
            for start in range(0, len(papers), 20_000):
                rows = [_paper_row(paper, digest) for paper, digest in papers[start : start + 20_000]]
                self._upsert("papers", "id", pa.Table.from_pylist(rows, schema=SCHEMAS["papers"]))

    def add_vectors(
        self, model_key: str, hashes: Sequence[str], vectors: NDArray[np.floating[Any]], told: Mapping[str, str] | None = None
    ) -> None:
        """Store vectors (n, d) of texts by hash; a hash that is there already keeps its vector.

        Args:
            told: what made them: "model", "weights" (of the whole table), "engine" and "precision" (of these vectors).
        """
        width, told = vectors.shape[1], told or {}
        kind = pa.list_(pa.float16(), width)
        about = {name: told[name] for name in ("model", "weights") if name in told}
        schema = pa.schema([("text_hash", pa.string()), ("vector", kind), ("made_by", pa.string())], metadata=about)
        flat = pa.array(np.ascontiguousarray(vectors, np.float16).reshape(-1), pa.float16())
        made_by = pa.array([f"{told.get('engine', '')} {told.get('precision', '')}".strip()] * len(hashes), pa.string())
        rows = pa.table([pa.array(hashes), pa.FixedSizeListArray.from_arrays(flat, width), made_by], schema=schema)
        with _mended(f"cannot store vectors in {self.uri}"):
            table = self._table(vector_table(model_key), schema)
            if "made_by" not in table.schema.names:  # made by an older version
                table.add_columns({"made_by": "''"})
            table.merge_insert("text_hash").when_not_matched_insert_all().execute(rows)

    def delete_records(self, keys: Sequence[str]) -> None:
        """Take source records out; older states of the table still hold them (see `rewrite` and `purge`)."""
        with _mended(f"cannot delete records from {self.uri}"):
            for start in range(0, len(keys), 500):
                self._table("records").delete(f"key IN ({', '.join(map(quote, keys[start : start + 500]))})")

    def rewrite(self) -> None:
        """Write records, papers and vectors anew, without vectors that no paper needs.

        A deleted row is only marked as such in its file; after this the newest state rests on no file that holds one.
        """
        with _mended(f"cannot rewrite {self.uri}"):
            needed = self.table("papers", ["text_hash"])["text_hash"].combine_chunks()
            for name in ("records", "papers", *sorted(name for name in self._names if name.startswith("vectors_"))):
                rows = self._table(name).to_arrow()
                if name.startswith("vectors_"):
                    rows = rows.filter(pc.is_in(rows["text_hash"], needed))
                self._tables[name] = self._db.create_table(name, rows, schema=rows.schema, mode="overwrite")

    def purge(self) -> None:
        """Delete every state of every table but the one that the last run committed."""
        with _mended(f"cannot delete older states in {self.uri}"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it warns of what is meant: earlier runs cannot be read any more
            committed = json.loads((self.run or {"tables": "{}"})["tables"])
            for name in sorted(self._names - {"runs"}):
                table = self._table(name)
                if name in committed:  # should compacting make a newer version, the committed one stays, being tagged
                    kept = table.tags.list()
                    (table.tags.update if "committed" in kept else table.tags.create)("committed", committed[name])
                table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)

    def replace(self, name: str, rows: pa.Table | Sequence[Mapping[str, Any]]) -> None:
        """Make a derived table hold exactly these rows; its former state stays readable by version."""
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=SCHEMAS[name])
        with _mended(f"cannot store {name} in {self.uri}"):
            if not self.table(name).equals(table):
                self._overwrite(name, table)

    def _overwrite(self, name: str, rows: pa.Table) -> None:
        self._tables[name] = self._db.create_table(name, rows, schema=SCHEMAS[name], mode="overwrite")

    def _upsert(self, name: str, key: str, rows: pa.Table) -> None:
        builder = self._table(name).merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
        builder.execute(rows)

    def index_text(self) -> None:
        """Build the full-text index over papers, or bring it up to date."""
        from lancedb.index import FTS  # heavy, as above

        with _mended("cannot build the full-text index"):
            table = self._table("papers")
            if not table.count_rows():
                return
            present = {column for index in table.list_indices() for column in index.columns}
            for column in _SEARCHED:
                if column not in present:
                    table.create_index(column, config=FTS(with_position=False, custom_stop_words=list(STOP_WORDS)))
            table.optimize(cleanup_older_than=_KEEP_ALL)

    def commit(self, run: Mapping[str, Any]) -> None:
        """Write a run's row, with the version of every table: from here on readers see the new state."""
        with _mended(f"cannot commit to {self.uri}"):
            versions = {name: self._table(name).version for name in sorted(self._names - {"runs", "cursors"})}
            row = {**run, "tables": json.dumps(versions, sort_keys=True)}
            self._table("runs").add(pa.Table.from_pylist([row], schema=SCHEMAS["runs"]))
            self.run = row


def vector_table(model_key: str) -> str:
    """Return the name of the table that holds one model's vectors."""
    return "vectors_" + re.sub(r"[^A-Za-z0-9]+", "_", model_key).strip("_").lower()


def quote(text: str) -> str:
    """Return text as an SQL string literal; identifiers in queries come from people and papers."""
    return "'" + text.replace("'", "''") + "'"


def _record_row(key: RecordKey, record: Paper) -> dict[str, Any]:
    return {
        "key": key.key,
        "digest": key.digest,
        "identifiers": key.identifiers,
        "title_key": key.title_key,
        "families": key.families,
        "sketch": key.sketch,
        "json": to_json(record).decode(),
    }


def text_hash(text: str) -> str:
    """Return the name under which a text's vector is kept."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _paper_row(paper: Paper, digest: str) -> dict[str, Any]:
    return {**to_dict(paper), "text_hash": text_hash(paper.text), "digest": digest}
