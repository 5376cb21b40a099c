"""What OpenReview's answers say, in either API: a note as a Paper, a decision, a venue's name.

API: https://docs.openreview.net/reference/api-v2. Contents are wrapped in v2 ({"title": {"value": "..."}}) and plain in v1.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal

import orjson

from kb.errors import InvalidInput
from kb.papers import Paper, SourceRecord, make_paper
from pipelines.sources.http import Refused

Status = Literal["accepted", "rejected", "withdrawn"]
NOT_ACCEPTED = re.compile(r"submitted|submission|reject|withdraw|workshop|under review|desk|retract", re.I)
_DECISION = re.compile(r"(?:^|[/_])(?:Acceptance_Decision|Decision|Meta_Review|acceptance)$")
_FORUM = re.compile(r"[\w-]{4,}")


def parse_answer(content: bytes, what: str, *, first: bool = False) -> dict[str, Any]:
    """Return an answer that has a list under `what` ("notes", "groups"); the `first` page is empty only if all are none.

    Raises:
        Refused: it is a page for people, which OpenReview sends to those it takes for robots.
        InvalidInput: it is no such answer.
    """
    if content.lstrip()[:1] == b"<":
        raise Refused("OpenReview sent a page for people instead of data", cure="It may want a sign-in")
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise InvalidInput("no whole JSON", cure="Ask again") from None
    if not isinstance(answer, dict) or not isinstance(answer.get(what), list):
        raise InvalidInput(f"no list of {what}", cure="Ask again")
    if first and not answer[what] and number(answer.get("count")) > 0:
        raise InvalidInput(f"an empty list, although there are {answer['count']} {what}", cure="Ask again")
    return answer


def status_of(note: Mapping[str, Any], group: str) -> Status | None:
    """Return what became of a submission in v1, or None where nothing says so.

    The decision is a reply ("Accept (Poster)"; in 2019 the meta-review's recommendation) or, in the first years, a field of the
    submission. Without one the venue as words decides: "NeurIPS 2022 Accept", "ICLR 2017 Invite to Workshop".
    """
    details = note.get("details")
    replies = details.get("directReplies") if isinstance(details, dict) else None
    decisions = [
        (named, reply)
        for reply in (replies if isinstance(replies, list) else [])
        if isinstance(reply, dict) and _DECISION.search(named := str(reply.get("invitation") or ""))
    ]
    for _, reply in sorted(decisions, key=lambda pair: pair[0].endswith("Meta_Review")):
        told = values(reply).get("decision") or values(reply).get("recommendation")
        if isinstance(told, str) and told:
            return "accepted" if told.strip().lower().startswith("accept") else "rejected"
    content = values(note)
    venue = content.get("venue")
    if isinstance(content.get("decision"), str):
        return "accepted" if content["decision"].lower().startswith("accept") else "rejected"
    if not isinstance(venue, str) or not venue.strip():
        return None
    if re.search("withdraw", venue, re.I):
        return "withdrawn"
    in_workshop = "/workshop/" in group.lower()
    return "rejected" if NOT_ACCEPTED.search(re.sub("workshop", "", venue, flags=re.I) if in_workshop else venue) else "accepted"


def parse_note(note: Mapping[str, Any], group: str, status: Status, today: date | None = None) -> Paper:
    """Make a Paper of a submission, of either API. Its date is the day on which it became public, as far as that is said.

    Raises:
        InvalidInput: it is a reply, was deleted, or lacks an id, a date, a title or an abstract.
    """
    forum = note.get("forum") or note.get("id")
    if not isinstance(forum, str) or not _FORUM.fullmatch(forum):
        raise InvalidInput("no id", value=forum, cure="A submission needs its forum's id")
    if note.get("id") not in (None, forum):
        raise InvalidInput("a reply, no submission", value=note.get("id"), cure="Nothing to do")
    if note.get("ddate"):
        raise InvalidInput("deleted", value=forum, cure="Nothing to do")
    published = next((day for name in ("odate", "pdate", "cdate", "tcdate") if (day := _day(note.get(name)))), None)
    if published is None:
        raise InvalidInput("no date", value=forum, cure="A submission needs a date")
    content = values(note)
    licence = next((text for text in (note.get("license"), content.get("license")) if isinstance(text, str)), "")
    address = f"https://openreview.net/forum?id={forum}"
    accepted = status == "accepted"
    venue, journal = venue_of(group, _day(note.get("pdate")) or published)
    return make_paper(
        title=_text(content.get("title")),
        abstract=_text(content.get("abstract")),
        authors=[name for name in _names(content.get("authors")) if name.lower() not in {"anonymous", "anonymous authors"}],
        published=published,
        date_precision="day",
        updated=_day(note.get("mdate")),
        venue=venue if accepted else "",
        kind="preprint" if not accepted else "journal" if journal else "conference",
        licence=licence,
        links=[address],
        identifiers=[f"openreview:{forum}"],
        keywords=_names(content.get("keywords")),
        withdrawn=status == "withdrawn",
        source=SourceRecord("openreview", forum, published.isoformat(), address, licence),
        today=today,
    )


def venue_of(group: str, published: date) -> tuple[str, bool]:
    """Return a group's venue as people write it, and whether it is a journal.

    >>> venue_of("colmweb.org/COLM/2024/Conference", date(2024, 7, 10)), venue_of("TMLR", date(2023, 5, 1))
    (('COLM 2024', False), ('TMLR 2023', True))
    """
    parts = group.split("/")
    place = next((spot for spot, part in enumerate(parts) if spot and re.fullmatch(r"(?:19|20)\d\d", part)), None)
    if place is None:
        return f"{parts[0].split('.')[0]} {published.year}", True
    name, rest = f"{parts[place - 1].split('.')[0]} {parts[place]}", parts[place + 1 :]
    if rest and rest[0].lower().startswith("workshop"):
        return " ".join([name, *rest]).replace("_", " "), False
    return name, False


def values(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's content without v2's wrapping: {"title": {"value": "..."}} -> {"title": "..."}."""
    content = entry.get("content")
    if not isinstance(content, dict):
        return {}
    return {name: value.get("value") if isinstance(value, dict) else value for name, value in content.items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _names(value: object) -> list[str]:
    """Return a list of names: strings, a string of them, or (authors since 2026) objects with a `fullname`."""
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[;,]", value)]
    listed = value if isinstance(value, list) else []
    return [_text(item.get("fullname") if isinstance(item, dict) else item).strip() for item in listed]


def number(value: object) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _day(value: object) -> date | None:
    """Return the day, in UTC, of a time in milliseconds."""
    try:
        return datetime.fromtimestamp(number(value) / 1_000, UTC).date() if number(value) > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
