"""Answers as they came: kept, asked for again only when they changed, and parsed again without asking."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb.errors import StoreError
from pipelines.sources import Network, Window, open_source, replay
from pipelines.sources.base import Source
from pipelines.sources.http import Polite
from pipelines.sources.raw import Room

BIBLIOGRAPHY = b"""@InProceedings{pmlr-v235-author241,
  title = {Invented Study 1}, author = {Author, Ada}, booktitle = {Proceedings of the 41st International Conference on Machine
  Learning}, year = {2024}, url = {https://proceedings.mlr.press/v235/author241.html}, abstract = {We invent study 1.}
}
"""


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "raw" / "pmlr")


def test_an_answer_is_kept_with_its_address_and_version(room: Room) -> None:
    room.keep("https://example.org/a", b"line one\nline two", {"ETag": '"7"', "Content-Type": "text/plain"})
    kept = room.find("https://example.org/a")
    assert kept is not None
    assert (kept.url, kept.validators, kept.body) == ("https://example.org/a", {"ETag": '"7"'}, b"line one\nline two")


def test_answers_come_oldest_first(room: Room) -> None:
    for number in range(5):
        room.keep(f"https://example.org/{number}", b"%d" % number, {})
    assert [kept.body for kept in room.answers()] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_newer_answer_takes_the_place_of_the_older(room: Room) -> None:
    room.keep("https://example.org/a", b"old", {})
    room.keep("https://example.org/a", b"new", {})
    assert [kept.body for kept in room.answers()] == [b"new"]


def test_a_damaged_file_is_passed_over(room: Room) -> None:
    room.keep("https://example.org/a", b"body", {})
    (path,) = room.folder.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    assert (room.find("https://example.org/a"), list(room.answers())) == (None, [])


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written_is_an_error_that_says_what_to_do(room: Room) -> None:
    room.folder.parent.mkdir()
    room.folder.parent.chmod(0o500)
    with pytest.raises(StoreError, match="keep_answers = false"):
        room.keep("https://example.org/a", b"body", {})


def test_a_file_in_the_way_is_an_error_that_says_what_to_do(room: Room) -> None:
    room.folder.parent.write_text("a file")
    with pytest.raises(StoreError, match="keep_answers = false"):
        room.keep("https://example.org/a", b"body", {})


def test_an_answer_that_names_a_paper_is_forgotten(room: Room) -> None:
    room.keep("https://example.org/a", b"about 2301.00007 and others", {})
    room.keep("https://example.org/b", b"about others", {})
    assert room.forget(frozenset({b"2301.00007"})) == 1
    assert [kept.body for kept in room.answers()] == [b"about others"]


# Asking only for what changed


def test_a_known_answer_is_asked_for_by_its_version_and_not_sent_again(wire: Any, room: Room) -> None:
    wire.then(b"answer", headers={"ETag": '"7"', "Last-Modified": "Mon, 02 Jan 2023 12:00:00 GMT"})
    assert Polite(delay=0, room=room).get(wire.url) == b"answer"
    wire.then(status=304)
    assert Polite(delay=0, room=room).get(wire.url) == b"answer"
    asked = wire.asked[1].headers
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"7"', "Mon, 02 Jan 2023 12:00:00 GMT")


def test_a_newer_version_is_taken_and_kept(wire: Any, room: Room) -> None:
    wire.then(b"old", headers={"ETag": '"7"'})
    Polite(delay=0, room=room).get(wire.url)
    wire.then(b"new", headers={"ETag": '"8"'})
    assert Polite(delay=0, room=room).get(wire.url) == b"new"
    assert [kept.body for kept in room.answers()] == [b"new"]


def test_an_answer_that_could_not_be_read_is_asked_for_whatever_its_version(wire: Any, room: Room) -> None:
    wire.then(b"garbled", headers={"ETag": '"7"'})
    client = Polite(delay=0, room=room)
    client.get(wire.url)
    wire.then(b"whole", headers={"ETag": '"7"'})
    assert client.get(wire.url) == b"whole"
    assert "If-None-Match" not in wire.asked[1].headers


def test_an_error_is_not_kept(wire: Any, room: Room) -> None:
    wire.then(b"busy", status=503)
    wire.then(b"answer")
    Polite(delay=0, room=room).get(wire.url)
    assert [kept.body for kept in room.answers()] == [b"answer"]


# Parsing again


@pytest.fixture
def pmlr(wire: Any, tmp_path: Path) -> Callable[[], tuple[Source, Network]]:
    """Open PMLR's volume 235 on the test's server, with a room for its answers."""

    def make() -> tuple[Source, Network]:
        network = Network(folder=tmp_path / "raw")
        return open_source("pmlr=v235", {"base_url": wire.url, "delay_seconds": 0.0}, network), network

    return make


def test_what_was_kept_is_parsed_again_without_asking(wire: Any, pmlr: Callable[[], tuple[Source, Network]]) -> None:
    wire.then(BIBLIOGRAPHY)
    source, network = pmlr()
    first = [paper for batch in source.batches(Window(), None) for paper in batch.papers]
    again = [paper for batch in replay(source, Window(), network) for paper in batch.papers]
    assert (again, len(wire.asked)) == (first, 1)
    assert len(first) == 1


def test_a_source_that_keeps_nothing_has_nothing_to_parse_again(wire: Any) -> None:
    source = open_source("pmlr=v235", {"base_url": wire.url})
    assert (list(replay(source, Window(), Network())), wire.asked) == ([], [])


def test_an_answer_that_cannot_be_read_is_counted(pmlr: Callable[[], tuple[Source, Network]], tmp_path: Path) -> None:
    network = Network(folder=tmp_path / "raw")
    source = open_source("arxiv_feed=cs.LG", {}, network)
    Room(tmp_path / "raw" / "arxiv_feed").keep("https://example.org/feed", b"<html>no feed", {})
    (batch,) = replay(source, Window(), network)
    assert (batch.papers, batch.rejected.total()) == ([], 1)


def test_a_source_of_files_is_read_again_from_its_files(snapshot: Callable[..., Path]) -> None:
    source = open_source(f"arxiv_snapshot={snapshot(range(3))}", {})
    assert sum(len(batch.papers) for batch in replay(source, Window(), Network())) == 3
