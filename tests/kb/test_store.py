"""The store: a real LanceDB folder. Readers see finished refreshes only; writers roll back what a stopped one left."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, StoreError
from kb.merging import group, unite, work_digest
from kb.papers import Paper
from kb.store import Store, quote, text_hash, vector_table

Invent = Callable[..., Paper]
MODEL = "made-up/model@0123456789ab"


def put(store: Store, *papers: Paper) -> None:
    store.add_records(papers)
    works = group(store.record_keys())
    records = store.records([key.key for work in works for key in work])
    store.put_papers([(unite([records[key.key] for key in work]), work_digest(work)) for work in works], [])
    store.index_text()


def commit(store: Store, run: str) -> None:
    told = dict.fromkeys(("finished", "fingerprint", "model", "weights", "version", "settings", "counts", "sources"), "")
    store.commit({**told, "id": run})


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def test_reading_where_nothing_is_says_so(uri: str) -> None:
    with pytest.raises(StoreError, match="no knowledge base"):
        Store.read(uri)


def test_before_the_first_commit_there_is_nothing_to_read(uri: str, invent: Invent) -> None:
    put(Store.write(uri), invent(1))
    with pytest.raises(StoreError, match="no finished refresh"):
        Store.read(uri)


def test_a_reader_sees_nothing_of_a_refresh_that_is_not_finished(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    put(store, invent(1))
    commit(store, "r0001")
    put(Store.write(uri), invent(2))
    assert Store.read(uri).papers(["id"])["id"].to_pylist() == ["arxiv:2301.00001"]


def test_the_next_writer_rolls_back_what_a_stopped_one_left(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    put(store, invent(1))
    commit(store, "r0001")
    stopped = Store.write(uri)
    put(stopped, invent(2))
    stopped.replace("themes", [{"paper": "x", "theme": "y", "score": 1.0, "why": ""}])
    after = Store.write(uri)
    assert (after.count("papers"), after.count("themes")) == (1, 0)


def test_a_store_of_an_older_version_gets_the_columns_that_it_lacks(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    put(store, invent(1), invent(2))
    commit(store, "r0001")
    before = sorted(store.record_keys(), key=lambda key: key.key)
    store._table("records").drop_columns(["sketch"])
    store._table("papers").drop_columns(["versions"])
    after = Store.write(uri)
    assert sorted(after.record_keys(), key=lambda key: key.key) == before
    put(after)
    assert after.count("papers") == 2


def test_records_and_vectors_of_a_stopped_refresh_are_kept(uri: str, invent: Invent) -> None:
    stopped = Store.write(uri)
    stopped.add_records([invent(1)])
    stopped.add_vectors(MODEL, [text_hash("a")], np.ones((1, 4), np.float32))
    after = Store.write(uri)
    assert len(after.record_keys()) == 1
    assert after.vectors(MODEL)[0] == [text_hash("a")]


def test_vectors_are_stored_with_what_made_them(uri: str) -> None:
    store = Store.write(uri)
    for name, precision in (("a", "fp32"), ("b", "bf16"), ("c", "bf16")):
        told = {"model": "made-up/model", "weights": "0123456789abcdef", "engine": "torch", "precision": precision}
        store.add_vectors(MODEL, [text_hash(name)], np.ones((1, 4), np.float32), told)
    assert Store.write(uri).vectors_made_by(MODEL) == {
        "model": "made-up/model", "weights": "0123456789abcdef", "counts": {"torch fp32": 1, "torch bf16": 2},
    }  # fmt: skip


def test_vectors_that_an_older_version_stored_stay_and_new_ones_join_them(uri: str) -> None:
    store = Store.write(uri)
    store.add_vectors(MODEL, [text_hash("a")], np.ones((1, 4), np.float32))
    store._table(vector_table(MODEL)).drop_columns(["made_by"])
    again = Store.write(uri)
    assert again.vectors_made_by(MODEL) == {}
    again.add_vectors(MODEL, [text_hash("b")], np.ones((1, 4), np.float32), {"engine": "torch", "precision": "fp32"})
    assert again.vectors_made_by(MODEL)["counts"] == {"": 1, "torch fp32": 1}
    assert len(again.vectors(MODEL)[0]) == 2


def test_an_earlier_run_can_still_be_read(uri: str, invent: Invent) -> None:
    for number in (1, 2, 3):
        store = Store.write(uri)
        put(store, invent(number))
        commit(store, f"r000{number}")
    assert [Store.read(uri, as_of=f"r000{number}").count("papers") for number in (1, 2, 3)] == [1, 2, 3]


def test_a_run_that_never_was_is_refused_with_those_that_were(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    put(store, invent(1))
    commit(store, "r0001")
    with pytest.raises(InvalidInput, match=r"r0001 to r0001"):
        Store.read(uri, as_of="r0009")


def test_adding_the_same_records_twice_changes_nothing(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    assert store.add_records([invent(1), invent(2)]) == 2
    assert store.add_records([invent(2), invent(1)]) == 0


def test_a_changed_record_replaces_its_former_self(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    store.add_records([invent(1)])
    assert store.add_records([invent(1, abstract="A second version.")]) == 1
    (record,) = store.records([key.key for key in store.record_keys()]).values()
    assert record.abstract == "A second version."


def test_a_text_that_has_a_vector_keeps_it(uri: str) -> None:
    store = Store.write(uri)
    store.add_vectors(MODEL, ["one"], np.full((1, 4), 1, np.float32))
    store.add_vectors(MODEL, ["one", "two"], np.full((2, 4), 2, np.float32))
    names, vectors = store.vectors(MODEL)
    assert dict(zip(names, vectors[:, 0].tolist(), strict=True)) == {"one": 1.0, "two": 2.0}


def test_vectors_of_another_model_are_another_table(uri: str) -> None:
    store = Store.write(uri)
    store.add_vectors(MODEL, ["one"], np.ones((1, 4), np.float32))
    assert store.vectors("another/model@ffff")[0] == []


def test_a_cursor_is_what_was_last_said(uri: str) -> None:
    store = Store.write(uri)
    assert store.cursor("arxiv") is None
    store.set_cursor("arxiv", "page 1")
    store.set_cursor("arxiv", "page 2")
    assert Store.write(uri).cursor("arxiv") == "page 2"


def test_a_paper_is_found_by_any_of_its_identifiers_however_written(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    put(store, invent(1, identifiers=["arxiv:2301.00001", "doi:10.1000/x"]))
    for written in ("2301.00001v3", "https://arxiv.org/abs/2301.00001", "https://doi.org/10.1000/X"):
        paper = store.paper(written)
        assert paper is not None
        assert paper.id == "arxiv:2301.00001"


def test_full_text_search_finds_a_word_of_the_title_before_one_of_the_abstract(uri: str, invent: Invent) -> None:
    store = Store.write(uri)
    put(store, invent(1, abstract="This is about badgers."), invent(2, title="Badgers everywhere"), invent(3))
    assert [paper for paper, _ in store.text_search("badger", 5)] == ["arxiv:2301.00002", "arxiv:2301.00001"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.write(str(tmp_path_factory.mktemp("searched")))
    from kb.papers import SourceRecord, make_paper
    from kb.papers import parse_date as day

    paper = make_paper(
        title="Badgers",
        abstract="Setts.",
        published=day("2023")[0],
        date_precision="year",
        source=SourceRecord("s", "1", "", "", ""),
    )
    put(store, paper)
    return store


@pytest.mark.parametrize(
    "query", ['"', "'; DROP TABLE papers", "a AND (b", "title:*", "\\", "🧠", "badgers^", "+-!(){}[]", "the of and"]
)
def test_no_query_breaks_full_text_search(searched: Store, query: str) -> None:
    assert isinstance(searched.text_search(query, 5), list)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_is_only_ever_compared(searched: Store, text: str) -> None:
    assert searched.papers(["id"], f"title = {quote(text)}").num_rows == (1 if text == "Badgers" else 0)
