"""OpenReview (ICLR, NeurIPS, ICML, COLM, CoRL, TMLR, ...), through its API v2 and, for the years before, API v1.

API: https://docs.openreview.net/reference/api-v2. A venue's group says which API holds it: in v2 its `domain` is its own id.

v2: a submission bears a venue id; that of accepted ones is the venue itself, and the group names those of rejected and
withdrawn ones. v1: every submission bears the venue's id, whatever became of it, so the decision is read from the replies
(Decision, Acceptance_Decision, Meta_Review) and, without one, from the venue as words ("Submitted to ICLR 2023").

openreview-py is not used: for what are two kinds of GET requests it would bring requests with a retry policy of its own, which
waits out whatever pause a server asks for, and nine more packages (pycryptodome, pyjwt, pylatexenc, ...); and only our client
keeps a single connection, one pace and one contact. Its way of asking is kept: sorted by id, and on `after` the last note.

Since 2026 OpenReview often asks anonymous callers to prove that they are people. With OPENREVIEW_USERNAME and OPENREVIEW_PASSWORD
in the environment we sign in; without, that is said.
"""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from kb.errors import InvalidInput, SettingsError, SourceUnreachable
from pipelines.sources.base import Batch, Source, Window, check_options, listed, read_cursor
from pipelines.sources.http import ATTEMPTS, NOWHERE, Missing, Network, Polite, Refused
from pipelines.sources.openreview_notes import Status, number, parse_answer, parse_note, status_of, values

API = "https://api2.openreview.net"
API_V1 = "https://api.openreview.net"
PAGE = 1_000
"""Notes in an answer of v2, the most that it gives."""
PAGE_V1 = 250
"""Notes in an answer of v1, which hold their replies, reviews included."""
PAGE_NEWS = 100
SUBMISSIONS = ("Blind_Submission", "Submission", "submission")
"""What v1 calls submissions, in the order of years."""
GROUPS = {
    "iclr": ("ICLR.cc/{year}/Conference",),
    "icml": ("ICML.cc/{year}/Conference",),
    "neurips": ("NeurIPS.cc/{year}/Conference", "NeurIPS.cc/{year}/Datasets_and_Benchmarks_Track"),
    "colm": ("colmweb.org/COLM/{year}/Conference",),
    "corl": ("robot-learning.org/CoRL/{year}/Conference",),
    "tmlr": ("TMLR",),
}
OTHERWISE = {
    ("iclr", 2017): ("ICLR.cc/2017/conference",),
    ("neurips", 2021): (
        "NeurIPS.cc/2021/Conference",
        "NeurIPS.cc/2021/Track/Datasets_and_Benchmarks/Round1",
        "NeurIPS.cc/2021/Track/Datasets_and_Benchmarks/Round2",
    ),
    ("neurips", 2022): ("NeurIPS.cc/2022/Conference", "NeurIPS.cc/2022/Track/Datasets_and_Benchmarks"),
    ("neurips", 2023): ("NeurIPS.cc/2023/Conference", "NeurIPS.cc/2023/Track/Datasets_and_Benchmarks"),
}
"""Where a year's groups have other names."""
FIRST_YEAR = {"iclr": 2017, "icml": 2023, "neurips": 2021, "colm": 2024, "corl": 2021}
"""The first that OpenReview has, with decisions."""
_DAY = 86_400_000


def open_openreview(location: str, options: Mapping[str, object], network: Network = NOWHERE) -> Source:
    """Open venues: `openreview=ICLR.cc/2024/Conference,TMLR` by their ids, or options `venues` and `years` ("iclr", 2024).

    Options: `venues` and `years`, `rejected = true` (take rejected and withdrawn submissions too, where they are public),
    `base_url` and `base_url_v1` (mirrors), `contact`, `delay_seconds` (1.0). TMLR, a journal, is taken whole without years.

    Raises:
        SettingsError: no venue is named, or one that OpenReview does not have.
    """
    known = {
        "venues": list, "years": list, "rejected": bool, "base_url": str, "base_url_v1": str, "contact": str,
        "delay_seconds": float,
    }  # fmt: skip
    check_options("openreview", options, known)
    years = [str(year) for year in listed(options, "years")]
    wanted: dict[str, tuple[str, ...]] = {}
    if location:
        wanted = {group: () for part in location.split(",") if (group := part.strip().strip("/"))}
    else:
        wanted = dict(pair for venue in listed(options, "venues") for pair in groups_of(str(venue), years))
    if not wanted:
        raise SettingsError(
            "openreview needs venues", cure="Say openreview=ICLR.cc/2024/Conference, or set venues under [sources.openreview]"
        )
    if wrong := next((group for group in wanted if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", group)), None):
        raise SettingsError("no venue id of OpenReview", value=wrong, cure="Write it as ICLR.cc/2024/Conference")
    client = network.client("openreview", options, delay=1.0)
    return OpenReview(
        wanted,
        client,
        str(options.get("base_url", API)).rstrip("/"),
        str(options.get("base_url_v1", API_V1)).rstrip("/"),
        bool(options.get("rejected", False)),
    )


def groups_of(venue: str, years: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the ids of a venue's groups in these years, each with the years that it must be filtered by.

    Raises:
        SettingsError: the venue is unknown, or OpenReview does not have it in one of the years.
    """
    name = "neurips" if venue.lower() == "nips" else venue.lower()
    if name not in GROUPS:
        cure = f"Known: {', '.join(GROUPS)}; others by id, as openreview=MIDL.io/2024/Conference"
        raise SettingsError("unknown venue of openreview", value=venue, cure=cure)
    if name == "tmlr":
        return [("TMLR", tuple(years))]
    if not years:
        raise SettingsError(f"openreview needs years for {venue}", cure="Set years under [sources.openreview]")
    found: list[tuple[str, tuple[str, ...]]] = []
    for year in years:
        if not re.fullmatch(r"\d{4}", year) or int(year) < FIRST_YEAR[name]:
            cure = f"Its first year there is {FIRST_YEAR[name]}; paperlists, pmlr and neurips have earlier ones"
            raise SettingsError(f"OpenReview does not have {venue} of that year", value=year, cure=cure)
        found += [(group.format(year=year), ()) for group in OTHERWISE.get((name, int(year)), GROUPS[name])]
    return found


class OpenReview:
    """The venues as a `base.Source`; a batch is a page.

    The cursor keeps for every venue its API and its lists, and for every list the last note that was read. A list of v2 that
    was read to its end is asked for what changed since, newest first; one of v1 is history and not asked for again.
    """

    name = "openreview"
    online = True

    def __init__(
        self, groups: Mapping[str, tuple[str, ...]], client: Polite, base_url: str, base_url_v1: str, rejected: bool
    ) -> None:
        self.key = f"openreview:{'rejected' if rejected else ''}"
        self._groups = groups
        self._client = client
        self._base_urls = {1: base_url_v1, 2: base_url}
        self._rejected = rejected
        self._signed_in = False

    def size_hint(self) -> int | None:
        """Unknown before asking."""
        return None

    def batches(self, window: Window, cursor: str | None) -> Iterator[Batch]:
        """Yield a batch per page, list after list, venue after venue."""
        mark = read_cursor(cursor)
        if mark.get("window") != window.key():
            mark = {"window": window.key(), "taken": 0, "venues": {}}
        for group in self._groups:
            if window.limit is not None and mark["taken"] >= window.limit:
                return
            key = " ".join([group, *self._groups[group]])  # other years are another reading
            if key not in mark["venues"]:
                batch = Batch()
                if found := self._find(group, batch):
                    mark["venues"][key] = found
                batch.cursor = json.dumps(mark)
                yield batch
            venue = mark["venues"].get(key, {"lists": {}})
            for name, state in venue["lists"].items():
                yield from self._read(group, venue["api"], name, state, mark, window)

    def read_again(self, url: str, content: bytes, batch: Batch, window: Window) -> None:
        """Put the papers of a kept page of notes into the batch; a group's answer has none."""
        parts = urlsplit(url)
        asked = dict(parse_qsl(parts.query))
        name = asked.get("content.venueid") or asked.get("invitation") or ""
        group = next((group for group in self._groups if name == group or name.startswith(f"{group}/")), None)
        if group is None or not parts.path.endswith("/notes"):
            return
        api = 2 if "content.venueid" in asked else 1
        told = "accepted" if api == 2 else "submitted"
        if name != group and "Withdrawn" in name:
            told = "withdrawn"
        elif name != group and "Rejected" in name:
            told = "rejected"
        for note in parse_answer(content, "notes", first=False)["notes"]:
            self._take(group, api, name, note if isinstance(note, dict) else {}, told, batch, window)

    def _find(self, group: str, batch: Batch) -> dict[str, Any] | None:
        """Return a venue's API and its lists: venue ids in v2, invitations in v1, each with what became of its papers."""
        try:
            found = self._ask(2, "groups", {"id": group})
        except Missing:
            found = {"groups": []}
        known = next((entry for entry in found["groups"] if isinstance(entry, dict) and entry.get("id") == group), None)
        if known is None:
            batch.reject(group, "OpenReview has no such venue")
            return None
        if known.get("domain") == group:
            content = values(known)
            lists: dict[str, Status] = {group: "accepted"}
            if self._rejected:
                for part, status in (("rejected", "rejected"), ("desk_rejected", "rejected"), ("withdrawn", "withdrawn")):
                    named = content.get(f"{part}_venue_id")
                    lists |= {named: status} if isinstance(named, str) and named else {}  # type: ignore[dict-item]
            return {"api": 2, "lists": {name: {"status": status} for name, status in lists.items()}}
        submissions = next((name for name in SUBMISSIONS if self._holds(f"{group}/-/{name}")), None)
        if submissions is None:
            batch.reject(group, "OpenReview shows no submissions of that venue")
            return None
        invitations = {f"{group}/-/{submissions}": "submitted"}
        if self._rejected:
            invitations |= {f"{group}/-/Withdrawn_Submission": "withdrawn", f"{group}/-/Desk_Rejected_Submission": "rejected"}
        return {"api": 1, "lists": {name: {"status": status} for name, status in invitations.items()}}

    def _holds(self, invitation: str) -> bool:
        try:
            return bool(self._ask(1, "notes", {"invitation": invitation, "limit": 1})["notes"])
        except Missing:
            return False

    def _read(
        self, group: str, api: int, name: str, state: dict[str, Any], mark: dict[str, Any], window: Window
    ) -> Iterator[Batch]:
        """Yield a list's pages. Its state: `after` a note or, once it was read to its end, `read` (ms) and `offset`."""
        if api == 1 and "read" in state:
            return
        began = state.setdefault("began", int(time.time() * 1_000) - _DAY)  # clocks differ, and days are enough
        former: list[dict[str, Any]] = []
        while window.limit is None or mark["taken"] < window.limit:
            notes, size = self._page(api, name, state)
            if notes and notes == former:
                raise SourceUnreachable(f"OpenReview repeats itself ({self._base_urls[api]}, {name})", cure="Run it again later")
            batch, passed, old, former = Batch(), 0, False, notes
            for note in notes:
                if window.limit is not None and mark["taken"] + len(batch.papers) >= window.limit:
                    break
                old = "read" in state and number(note.get("tmdate")) < state["read"]
                if old:
                    break
                self._take(group, api, name, note, state["status"], batch, window)
                passed += 1
            mark["taken"] += len(batch.papers)
            ended = old or (passed == len(notes) < size)
            if ended:
                state |= {"read": began}
                for key in ("began", "after", "offset"):
                    state.pop(key, None)
            elif "read" in state:
                state["offset"] = state.get("offset", 0) + passed
            elif passed:
                state["after"] = next((str(note["id"]) for note in reversed(notes[:passed]) if note.get("id")), "")
            batch.cursor = json.dumps(mark)
            yield batch
            if ended or passed < len(notes):
                return

    def _page(self, api: int, name: str, state: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """Return the next notes of a list, and how many there can be in one answer."""
        size = PAGE_NEWS if "read" in state else PAGE if api == 2 else PAGE_V1
        asked: dict[str, Any] = {"content.venueid": name} if api == 2 else {"invitation": name, "details": "directReplies"}
        first = "read" not in state and "after" not in state
        if "read" in state:
            asked |= {"sort": "tmdate:desc", "offset": state.get("offset", 0)}
        else:
            asked |= {"sort": "id"} | ({"after": state["after"]} if "after" in state else {"count": "true"} if api == 2 else {})
        try:
            answer = self._ask(api, "notes", {**asked, "limit": size}, first=first)
        except Missing:  # v1 does not have every invitation of every year
            answer = {"notes": []}
        return [note if isinstance(note, dict) else {} for note in answer["notes"]], size

    def _ask(self, api: int, what: str, asked: Mapping[str, Any], *, first: bool = False) -> dict[str, Any]:
        base_url = self._base_urls[api]
        problem = ""
        try:
            self._sign_in()
            for _ in range(ATTEMPTS):
                try:
                    return parse_answer(self._client.get(f"{base_url}/{what}?{urlencode(asked)}"), what, first=first)
                except InvalidInput as error:  # cut off or garbled on the way: ask again
                    problem = error.message
        except Refused:
            raise SourceUnreachable(
                f"OpenReview does not answer without a sign-in ({base_url})",
                cure="Set OPENREVIEW_USERNAME and OPENREVIEW_PASSWORD, or take the same papers from paperlists",
            ) from None
        raise SourceUnreachable(
            f"OpenReview did not answer usefully: {problem}, {ATTEMPTS} times ({base_url})",
            cure="Run it again later; it goes on where it stopped",
        )

    def _sign_in(self) -> None:
        name, password = os.environ.get("OPENREVIEW_USERNAME", ""), os.environ.get("OPENREVIEW_PASSWORD", "")
        if self._signed_in or not (name and password):
            return
        try:
            self._client.sign_in(f"{self._base_urls[2]}/login", {"id": name, "password": password})
        except Refused:
            raise SourceUnreachable(
                f"OpenReview did not sign {name} in", cure="Check OPENREVIEW_USERNAME and OPENREVIEW_PASSWORD"
            ) from None
        self._signed_in = True

    def _take(self, group: str, api: int, name: str, note: Mapping[str, Any], told: str, batch: Batch, window: Window) -> None:
        status = status_of(note, group) if told == "submitted" else told
        if api == 2 and values(note).get("venueid") != name:
            status = ""
        if status not in ("accepted", "rejected", "withdrawn") or (status != "accepted" and not self._rejected):
            batch.rejected["not accepted (rejected, withdrawn or under review)"] += 1
            return
        try:
            paper = parse_note(note, group, status)  # type: ignore[arg-type]
        except InvalidInput as error:
            batch.reject(f"{group}:{note.get('id', 'a note')}", error.message)
            return
        years = self._groups[group]
        if window.contains(paper) and (not years or (paper.venue[-4:] or str(paper.published.year)) in years):
            batch.papers.append(paper)
