"""OpenReview's two APIs: a venue's group, its notes in pages, decisions, and what an anonymous caller is told."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from kb.papers import Paper
from pipelines.sources import openreview
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.http import ATTEMPTS, Refused
from pipelines.sources.openreview import groups_of, open_openreview
from pipelines.sources.openreview_notes import parse_answer, parse_note, status_of, venue_of

ICLR = "ICLR.cc/2024/Conference"
CHALLENGE = b"<!DOCTYPE html><html><head><title>Verifying your browser</title></head><body>One moment</body></html>"


def ms(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 12, tzinfo=UTC).timestamp() * 1000)


def note(number: int, venue_id: str = ICLR, venue: str = "ICLR 2024 poster", **told: object) -> dict[str, Any]:
    """A submission as API v2 gives it, made up for a test; `told` replaces its fields, in its content too."""
    content: dict[str, Any] = {
        "title": {"value": f"Invented study {number}"}, "authors": {"value": ["Ada Author", "Ben Builder"]},
        "authorids": {"value": ["~Ada_Author1", "~Ben_Builder1"]}, "keywords": {"value": ["kites", "dragons"]},
        "abstract": {"value": f"We invent study {number}."}, "pdf": {"value": f"/pdf/{number:040x}.pdf"},
        "venue": {"value": venue}, "venueid": {"value": venue_id}, "primary_area": {"value": "kites"},
        "_bibtex": {"value": "@inproceedings{author2024, title={Invented}}"}, "TLDR": {"value": "We invent."},
    }  # fmt: skip
    fields: dict[str, Any] = {
        "id": f"forum{number:05d}", "forum": f"forum{number:05d}", "number": number, "domain": venue_id,
        "cdate": ms(2023, 9, 22), "odate": ms(2023, 10, 13), "pdate": ms(2024, 1, 16), "mdate": ms(2024, 3, 6),
        "tcdate": ms(2023, 9, 22), "tmdate": ms(2024, 3, 6), "readers": ["everyone"], "license": "CC BY 4.0",
        "invitations": [f"{ICLR}/-/Submission", f"{ICLR}/-/Post_Submission"], "version": 2,
    }  # fmt: skip
    for name, value in told.items():
        if name in content:
            content[name] = {"value": value}
        else:
            fields[name] = value
    return {**fields, "content": content}


def old_note(
    number: int, decision: str = "", *, reply: str = "Paper{}/-/Decision", field: str = "decision", **told: object
) -> Any:
    """A submission as API v1 gives it with its replies: a review, and a decision if there is one."""
    replies: list[dict[str, Any]] = [{"invitation": f"ICLR.cc/2020/Conference/Paper{number}/-/Official_Review",
                                      "content": {"decision": "n/a", "rating": "8: Accept"}}]  # fmt: skip
    if decision:
        replies.append({"invitation": f"ICLR.cc/2020/Conference/{reply.format(number)}", "content": {field: decision}})
    content = {
        "title": f"Invented study {number}", "authors": ["Ada Author", "Ben Builder"], "keywords": ["kites"],
        "abstract": f"We invent study {number}.", "pdf": "/pdf/1.pdf", "TL;DR": "We invent.",
    }  # fmt: skip
    return {
        "id": f"forum{number:05d}", "forum": f"forum{number:05d}", "number": number, "original": "x", "replyto": None,
        "invitation": "ICLR.cc/2020/Conference/-/Blind_Submission", "cdate": ms(2019, 9, 25), "tmdate": ms(2020, 2, 11),
        "ddate": None, "pdate": None, "readers": ["everyone"], "details": {"directReplies": replies},
        "content": {**content, **told},
    }  # fmt: skip


class Api:
    """Both APIs on one wire: v2 under /, v1 under /v1. Notes are filtered, sorted and paged as the real ones do."""

    def __init__(self, wire: Any) -> None:
        self.wire = wire
        self.groups: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[dict[str, Any]]] = {}
        wire.reply = self.answer

    def v2(self, group: str, *notes: dict[str, Any], **content: str) -> None:
        """Put a venue of API v2 and its notes in place; `content` is the group's (rejected_venue_id=...)."""
        self.groups[group] = {"id": group, "domain": group, "content": {k: {"value": v} for k, v in content.items()}}
        for one in notes:
            self.notes.setdefault(str(one["content"]["venueid"]["value"]), []).append(one)

    def v1(self, group: str, invitation: str, *notes: dict[str, Any]) -> None:
        """Put a venue of API v1 in place, and the notes of one invitation."""
        self.groups[group] = {"id": group, "domain": None, "web": "// a script"}
        self.notes[f"{group}/-/{invitation}"] = list(notes)

    def answer(self, asked: Any) -> bytes:
        query, version = asked.query, 1 if asked.path.startswith("/v1/") else 2
        if asked.path.endswith("/groups"):
            found = [self.groups[query["id"]]] if query["id"] in self.groups else []
            return json.dumps({"groups": found, "count": len(found)}).encode()
        assert set(query) <= {"content.venueid", "invitation", "details", "limit", "offset", "after", "sort", "count"}
        assert int(query["limit"]) <= 1_000
        notes = self.notes.get(query.get("content.venueid") or query.get("invitation") or "", [])
        total = len(notes)
        if query.get("sort") == "tmdate:desc":
            notes = sorted(notes, key=lambda one: -one["tmdate"])
        else:
            notes = [one for one in sorted(notes, key=lambda one: str(one["id"])) if one["id"] > query.get("after", "")]
        start = int(query.get("offset", 0))
        counted = {"count": total} if version == 1 or "count" in query or "offset" in query else {}
        return json.dumps({"notes": notes[start : start + int(query["limit"])], **counted}).encode()


@pytest.fixture
def api(wire: Any, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Both APIs; nobody is signed in, and pages are small."""
    monkeypatch.delenv("OPENREVIEW_USERNAME", raising=False)
    monkeypatch.delenv("OPENREVIEW_PASSWORD", raising=False)
    for name in ("PAGE", "PAGE_V1", "PAGE_NEWS"):
        monkeypatch.setattr(openreview, name, 3)
    return Api(wire)


def online(wire: Any, location: str = ICLR, **options: object) -> Source:
    told = {"base_url": wire.url, "base_url_v1": f"{wire.url}/v1", "delay_seconds": 0.0, **options}
    return open_openreview(location, told)


def read(source: Source, window: Window | None = None, cursor: str | None = None) -> list[Batch]:
    return list(source.batches(window or Window(), cursor))


def numbers(batches: list[Batch]) -> list[int]:
    return [int(paper.title.rsplit(" ", 1)[1]) for batch in batches for paper in batch.papers]


def papers(batches: list[Batch]) -> list[Paper]:
    return [paper for batch in batches for paper in batch.papers]


def rejected(batches: list[Batch]) -> dict[str, int]:
    return {reason: count for batch in batches for reason, count in batch.rejected.items()}


# A note


def test_a_note_of_v2_becomes_a_paper() -> None:
    paper = parse_note(note(7), ICLR, "accepted")
    assert (paper.id, paper.title, paper.abstract) == ("openreview:forum00007", "Invented study 7", "We invent study 7.")
    assert paper.authors == ("Ada Author", "Ben Builder")
    assert (paper.venue, paper.kind, paper.licence) == ("ICLR 2024", "conference", "CC BY 4.0")
    assert paper.keywords == ("kites", "dragons")
    assert paper.links == ("https://openreview.net/forum?id=forum00007",)
    assert paper.sources[0].licence == "CC BY 4.0"


def test_a_note_of_v1_becomes_a_paper() -> None:
    paper = parse_note(old_note(7), "ICLR.cc/2020/Conference", "accepted")
    assert (paper.id, paper.title, paper.venue) == ("openreview:forum00007", "Invented study 7", "ICLR 2020")
    assert (paper.published, paper.licence) == (date(2019, 9, 25), "")


@pytest.mark.parametrize(
    ("told", "published"),
    [
        ({}, date(2023, 10, 13)),
        ({"odate": None}, date(2024, 1, 16)),
        ({"odate": None, "pdate": None}, date(2023, 9, 22)),
        ({"odate": "soon", "pdate": -1, "cdate": 10**30}, date(2023, 9, 22)),
    ],
)
def test_a_paper_is_dated_to_the_day_it_became_public(told: dict[str, object], published: date) -> None:
    assert parse_note(note(7, **told), ICLR, "accepted").published == published


def test_authors_may_be_objects_and_anonymous_ones_are_none() -> None:
    authors = [{"fullname": "Ada Author", "username": "~Ada_Author1"}, "Anonymous", 7]
    assert parse_note(note(7, authors=authors), ICLR, "accepted").authors == ("Ada Author",)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"ddate": ms(2024, 5, 1)}, "deleted"),
        ({"id": "reply1"}, "a reply, no submission"),
        ({"forum": "?", "id": "?"}, "no id"),
        ({"title": ""}, "no title"),
        ({"abstract": None}, "no abstract"),
        ({"cdate": None, "odate": None, "pdate": None, "tcdate": None}, "no date"),
    ],
)
def test_a_note_that_is_no_paper_says_why(told: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_note(note(7, **told), ICLR, "accepted")


@pytest.mark.parametrize(
    ("group", "venue", "journal"),
    [
        ("NeurIPS.cc/2024/Datasets_and_Benchmarks_Track", "NeurIPS 2024", False),
        ("NeurIPS.cc/2021/Track/Datasets_and_Benchmarks/Round1", "NeurIPS 2021", False),
        ("ICLR.cc/2017/conference", "ICLR 2017", False),
        ("colmweb.org/COLM/2024/Conference", "COLM 2024", False),
        ("robot-learning.org/CoRL/2023/Conference", "CoRL 2023", False),
        ("ICLR.cc/2024/Workshop/Kite_Flying", "ICLR 2024 Workshop Kite Flying", False),
        ("TMLR", "TMLR 2023", True),
    ],
)
def test_a_venue_has_the_name_that_people_use(group: str, venue: str, journal: bool) -> None:
    assert venue_of(group, date(2023, 5, 1)) == (venue, journal)


# What became of a submission in v1


@pytest.mark.parametrize(
    ("submission", "status"),
    [
        (old_note(1, "Accept (Poster)"), "accepted"),
        (old_note(1, "Reject"), "rejected"),
        (old_note(1, "Accept (Oral)", reply="-/Acceptance_Decision"), "accepted"),
        (old_note(1, "Invite to Workshop Track", reply="-/Acceptance_Decision"), "rejected"),
        (old_note(1, "Accept (Poster)", reply="-/Paper{}/Meta_Review", field="recommendation"), "accepted"),
        (old_note(1, "Accept (Poster)", reply="-/paper{}/acceptance"), "accepted"),
        (old_note(1, venue="NeurIPS 2022 Accept"), "accepted"),
        (old_note(1, venue="ICLR 2023 notable top 5%"), "accepted"),
        (old_note(1, venue="Submitted to ICLR 2023"), "rejected"),
        (old_note(1, venue="ICLR 2022 Submitted"), "rejected"),
        (old_note(1, venue="ICLR 2017 Invite to Workshop"), "rejected"),
        (old_note(1, venue="ICLR 2023 Conference Withdrawn Submission"), "withdrawn"),
        (old_note(1), None),
    ],
)
def test_the_decision_is_read_where_that_year_has_it(submission: dict[str, Any], status: str | None) -> None:
    assert status_of(submission, "ICLR.cc/2020/Conference") == status


def test_a_decision_counts_more_than_a_meta_review() -> None:
    submission = old_note(1, "Reject")
    meta = {"invitation": "X.cc/2020/Conference/Paper1/-/Meta_Review", "content": {"recommendation": "Accept"}}
    submission["details"]["directReplies"].insert(0, meta)
    assert status_of(submission, "X.cc/2020/Conference") == "rejected"


def test_a_workshop_s_own_papers_are_accepted() -> None:
    assert status_of(old_note(1, venue="ICLR 2020 Workshop Kites Poster"), "ICLR.cc/2020/Workshop/Kites") == "accepted"


# Reading v2


def test_a_venue_is_read_page_by_page(wire: Any, api: Api) -> None:
    api.v2(ICLR, *(note(number) for number in range(7)))
    assert numbers(read(online(wire))) == list(range(7))
    assert [asked.path for asked in wire.asked] == ["/groups", "/notes", "/notes", "/notes"]
    assert wire.asked[1].query["content.venueid"] == ICLR
    assert [asked.query.get("after") for asked in wire.asked[1:]] == [None, "forum00002", "forum00005"]


def test_a_last_page_that_is_full_is_followed_by_an_empty_one(wire: Any, api: Api) -> None:
    api.v2(ICLR, *(note(number) for number in range(3)))
    assert numbers(read(online(wire))) == [0, 1, 2]


def test_so_is_one_of_v1(wire: Any, api: Api) -> None:
    api.v1("ICLR.cc/2020/Conference", "Blind_Submission", *(old_note(number, "Accept (Talk)") for number in range(6)))
    assert numbers(read(online(wire, "ICLR.cc/2020/Conference"))) == list(range(6))


def test_rejected_and_withdrawn_submissions_are_left_out_unless_asked_for(wire: Any, api: Api) -> None:
    lost, gone = f"{ICLR}/Rejected_Submission", f"{ICLR}/Withdrawn_Submission"
    told = {"rejected_venue_id": lost, "withdrawn_venue_id": gone, "desk_rejected_venue_id": f"{ICLR}/Desk_Rejected_Submission"}
    api.v2(
        ICLR, note(1), note(2, lost, "Submitted to ICLR 2024"), note(3, gone, "ICLR 2024 Conference Withdrawn Submission"), **told
    )
    assert numbers(read(online(wire))) == [1]
    first, second, third = papers(read(online(wire, rejected=True)))
    assert [(p.venue, p.kind, p.withdrawn) for p in (first, second, third)] == [
        ("ICLR 2024", "conference", False), ("", "preprint", False), ("", "preprint", True),
    ]  # fmt: skip


def test_a_note_that_another_venue_took_is_not_counted_as_this_one_s(wire: Any, api: Api) -> None:
    api.v2(ICLR, note(1))
    api.notes[ICLR].append(note(2, f"{ICLR}/Rejected_Submission"))
    assert numbers(read(online(wire))) == [1]


def test_a_journal_is_filtered_by_the_year_of_its_acceptance(wire: Any, api: Api) -> None:
    api.v2("TMLR", note(1, "TMLR", "Accepted by TMLR"), note(2, "TMLR", pdate=ms(2025, 2, 1)))
    (paper,) = papers(read(online(wire, "", venues=["tmlr"], years=[2025])))
    assert (paper.title, paper.venue, paper.kind) == ("Invented study 2", "TMLR 2025", "journal")


def test_a_year_that_is_added_to_a_journal_s_brings_its_papers(wire: Any, api: Api) -> None:
    api.v2("TMLR", note(1, "TMLR"), note(2, "TMLR", pdate=ms(2025, 2, 1)))
    *_, last = read(online(wire, "", venues=["tmlr"], years=[2025]))
    assert numbers(read(online(wire, "", venues=["tmlr"], years=[2024, 2025]), cursor=last.cursor)) == [1, 2]


def test_a_venue_that_is_not_there_is_counted_and_the_others_are_read(wire: Any, api: Api) -> None:
    api.v2(ICLR, note(1))
    wire.then(b'{"name":"NotFoundError","message":"Group Not Found"}', status=404)
    batches = read(online(wire, f"ICLR.cc/2099/Conference,ICLR.cc/2098/Conference,{ICLR}"))
    assert numbers(batches) == [1]
    assert [batch.rejected.total() for batch in batches][:2] == [1, 1]


# Reading v1


def test_an_old_venue_is_read_from_v1_with_its_decisions(wire: Any, api: Api) -> None:
    group = "ICLR.cc/2020/Conference"
    decided = [old_note(n, "Accept (Poster)" if n % 2 else "Reject") for n in range(6)]
    api.v1(group, "Blind_Submission", *decided, old_note(6))
    batches = read(online(wire, group))
    assert numbers(batches) == [1, 3, 5]
    assert sum(batch.rejected.total() for batch in batches) == 4
    assert {asked.path for asked in wire.asked[1:]} == {"/v1/notes"}
    assert wire.asked[2].query["details"] == "directReplies"


def test_submissions_are_found_under_the_name_of_their_year(wire: Any, api: Api) -> None:
    api.v1("ICLR.cc/2017/conference", "submission", old_note(1, venue="ICLR 2017 Oral"))
    (paper,) = papers(read(online(wire, "", venues=["iclr"], years=[2017])))
    assert paper.venue == "ICLR 2017"


def test_withdrawn_submissions_of_v1_have_a_list_of_their_own(wire: Any, api: Api) -> None:
    group = "ICLR.cc/2020/Conference"
    api.v1(group, "Blind_Submission", old_note(1, "Accept (Poster)"), old_note(2, "Reject"))
    api.v1(group, "Withdrawn_Submission", old_note(3))
    assert [(p.venue, p.withdrawn) for p in papers(read(online(wire, group, rejected=True)))] == [
        ("ICLR 2020", False), ("", False), ("", True),
    ]  # fmt: skip


def test_a_venue_without_public_submissions_is_counted(wire: Any, api: Api) -> None:
    api.v1("ICML.cc/2020/Conference", "Blind_Submission")
    assert rejected(read(online(wire, "ICML.cc/2020/Conference"))) == {"OpenReview shows no submissions of that venue": 1}


# Stopping and going on


def test_a_stop_goes_on_after_the_last_note(wire: Any, api: Api) -> None:
    api.v2(ICLR, *(note(number) for number in range(7)))
    _, first, *_ = read(online(wire))
    wire.asked.clear()
    assert numbers(read(online(wire), cursor=first.cursor)) == [3, 4, 5, 6]
    assert [asked.query.get("after") for asked in wire.asked] == ["forum00002", "forum00005"]


def test_a_server_that_stops_answering_loses_no_page_that_was_read(wire: Any, api: Api) -> None:
    api.v2(ICLR, *(note(number) for number in range(7)))
    stream = online(wire).batches(Window(), None)
    next(stream)
    first = next(stream)
    for _ in range(ATTEMPTS):
        wire.then(status=503)
    with pytest.raises(SourceUnreachable):
        next(stream)
    assert numbers(read(online(wire), cursor=first.cursor)) == [3, 4, 5, 6]


def test_a_venue_that_was_read_is_asked_once_for_what_changed(wire: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openreview.time, "time", lambda: ms(2024, 6, 1) / 1000)
    api.v2(ICLR, *(note(number) for number in range(7)))
    *_, last = read(online(wire))
    wire.asked.clear()
    again = read(online(wire), cursor=last.cursor)
    assert (numbers(again), len(wire.asked), wire.asked[0].query["sort"]) == ([], 1, "tmdate:desc")
    api.notes[ICLR] += [note(number, tmdate=ms(2024, 6, 2)) for number in range(10, 14)]
    wire.asked.clear()
    later = read(online(wire), cursor=again[-1].cursor)
    assert (sorted(numbers(later)), len(wire.asked)) == ([10, 11, 12, 13], 2)


def test_an_old_venue_that_was_read_is_not_asked_again(wire: Any, api: Api) -> None:
    group = "ICLR.cc/2020/Conference"
    api.v1(group, "Blind_Submission", old_note(1, "Accept (Poster)"))
    *_, last = read(online(wire, group))
    wire.asked.clear()
    assert read(online(wire, group), cursor=last.cursor) == []
    assert wire.asked == []


def test_a_limit_is_kept_and_a_higher_one_goes_on_within_the_page(wire: Any, api: Api) -> None:
    api.v2(ICLR, *(note(number) for number in range(7)))
    batches = read(online(wire), Window(limit=2))
    assert numbers(batches) == [0, 1]
    assert numbers(read(online(wire), Window(limit=2), batches[-1].cursor)) == []
    assert numbers(read(online(wire), Window(limit=5), batches[-1].cursor)) == [2, 3, 4]


def test_the_window_is_kept(wire: Any, api: Api) -> None:
    api.v2(ICLR, note(1), note(2, odate=ms(2024, 2, 1)))
    assert numbers(read(online(wire), Window(since=date(2024, 1, 1)))) == [2]


# What can go wrong


def test_the_server_s_own_pause_is_kept(wire: Any, api: Api, clock: Any) -> None:
    api.v2(ICLR, note(1))
    wire.then(status=429, headers={"Retry-After": "42"})
    assert numbers(read(online(wire))) == [1]
    assert 42.0 in clock.slept


def test_a_pause_of_half_an_hour_is_left_to_the_next_run(wire: Any, api: Api, clock: Any) -> None:
    wire.then(b'{"name":"RateLimitError"}', status=429, headers={"Retry-After": "1808"})
    with pytest.raises(SourceUnreachable, match="HTTP 429"):
        read(online(wire))
    assert len(wire.asked) == 1


@pytest.mark.parametrize("garbled", [b'{"notes": [{"id": "fo', b"", b"[]", b'{"error": 1}', b'{"notes": [], "count": 7}'])
def test_a_garbled_page_is_asked_for_again(wire: Any, api: Api, garbled: bytes) -> None:
    api.v2(ICLR, note(1))
    stream = online(wire).batches(Window(), None)
    next(stream)
    wire.then(garbled)
    assert numbers(list(stream)) == [1]


def test_a_page_that_stays_garbled_ends_the_reading(wire: Any, api: Api) -> None:
    wire.reply = lambda _: b'{"groups"'
    with pytest.raises(SourceUnreachable, match=f"no whole JSON, {ATTEMPTS} times"):
        read(online(wire))


def test_a_server_that_repeats_itself_is_left(wire: Any, api: Api) -> None:
    api.v2(ICLR, *(note(number) for number in range(7)))
    usual = wire.reply
    first = json.dumps({"notes": [note(number) for number in range(3)]}).encode()
    wire.reply = lambda asked: first if asked.path == "/notes" else usual(asked)
    with pytest.raises(SourceUnreachable, match="repeats itself"):
        read(online(wire))
    assert len(wire.asked) == 3


def challenged(wire: Any) -> None:
    wire.reply = lambda _: CHALLENGE


def forbidden(wire: Any) -> None:
    for _ in range(ATTEMPTS):
        wire.then(b'{"name":"ChallengeRequiredError"}', status=403)


@pytest.mark.parametrize("answer", [challenged, forbidden])
def test_an_anonymous_caller_who_is_turned_away_is_told_what_to_do(wire: Any, api: Api, answer: Callable[[Any], None]) -> None:
    answer(wire)
    with pytest.raises(SourceUnreachable, match=r"without a sign-in.*OPENREVIEW_USERNAME") as caught:
        read(online(wire))
    assert len(wire.asked) == 1
    assert "paperlists" in str(caught.value)


def test_a_sign_in_comes_first_and_its_token_goes_along(wire: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENREVIEW_USERNAME", "ada@example.org")
    monkeypatch.setenv("OPENREVIEW_PASSWORD", "a secret")
    api.v2(ICLR, note(1))
    wire.then(b'{"token": "abc.def", "user": {"profile": {"id": "~Ada_Author1"}}}')
    assert numbers(read(online(wire))) == [1]
    assert (wire.asked[0].path, wire.asked[0].method) == ("/login", "POST")
    assert json.loads(wire.asked[0].body) == {"id": "ada@example.org", "password": "a secret"}
    assert [asked.headers["Authorization"] for asked in wire.asked[1:]] == ["Bearer abc.def", "Bearer abc.def"]


@pytest.mark.parametrize(
    ("answer", "status"), [(b'{"message": "Invalid username or password"}', 400), (b'{"mfaPending": true}', 200), (b"<", 200)]
)
def test_a_sign_in_that_fails_does_not_show_the_password(
    wire: Any, api: Api, monkeypatch: pytest.MonkeyPatch, answer: bytes, status: int
) -> None:
    monkeypatch.setenv("OPENREVIEW_USERNAME", "ada@example.org")
    monkeypatch.setenv("OPENREVIEW_PASSWORD", "a secret")
    wire.then(answer, status=status)
    with pytest.raises(SourceUnreachable) as caught:
        read(online(wire))
    assert "a secret" not in str(caught.value)
    assert len(wire.asked) == 1


# Opening


def test_venues_and_years_become_groups() -> None:
    assert [group for group, _ in groups_of("NeurIPS", ["2021", "2024"])] == [
        "NeurIPS.cc/2021/Conference", "NeurIPS.cc/2021/Track/Datasets_and_Benchmarks/Round1",
        "NeurIPS.cc/2021/Track/Datasets_and_Benchmarks/Round2", "NeurIPS.cc/2024/Conference",
        "NeurIPS.cc/2024/Datasets_and_Benchmarks_Track",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("location", "options", "part"),
    [
        ("", {}, "needs venues"),
        ("", {"venues": ["iclr"]}, "needs years"),
        ("", {"venues": ["iclr"], "years": [2015]}, "does not have iclr of that year: 2015"),
        ("", {"venues": ["siggraph"], "years": [2024]}, "unknown venue"),
        ("ICLR 2024", {}, "no venue id"),
    ],
)
def test_a_venue_that_cannot_be_is_refused(location: str, options: dict[str, object], part: str) -> None:
    with pytest.raises(SettingsError, match=part):
        open_openreview(location, options)


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@hypothesis_settings(deadline=None, max_examples=150)
@given(st.one_of(st.binary(max_size=200), values.map(lambda value: json.dumps({"notes": value}).encode())))
def test_any_bytes_are_an_answer_or_an_error(content: bytes) -> None:
    with contextlib.suppress(InvalidInput, Refused):
        assert isinstance(parse_answer(content, "notes")["notes"], list)


@hypothesis_settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(st.sampled_from([*note(1), "details"]), values),
    st.dictionaries(st.sampled_from(sorted(note(1)["content"])), values),
)
def test_any_note_is_a_paper_or_a_reason(fields: dict[str, Any], content: dict[str, Any]) -> None:
    mixed = {**note(1), "content": {**note(1)["content"], **content}, **fields}
    status_of(mixed, ICLR)
    with contextlib.suppress(InvalidInput):
        assert parse_note(mixed, ICLR, "accepted").identifiers[0].startswith("openreview:")


@pytest.mark.parametrize("rejected", [False, True])
def test_what_was_kept_is_parsed_to_the_same_papers(api: Api, read_twice: Any, rejected: bool) -> None:
    api.v2(ICLR, *(note(number) for number in range(4)), rejected_venue_id=f"{ICLR}/Rejected_Submission")
    told = {"base_url": api.wire.url, "base_url_v1": f"{api.wire.url}/v1", "delay_seconds": 0.0, "rejected": rejected}
    assert len(read_twice(lambda network: open_openreview(ICLR, told, network))) == 4
