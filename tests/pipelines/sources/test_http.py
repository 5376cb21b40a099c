"""The polite client: it says who it is, waits between requests, asks again when that can help, and knows when to stop."""

import gzip
from datetime import datetime, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.errors import SourceUnreachable
from pipelines.sources import http
from pipelines.sources.http import ATTEMPTS, Polite, Refused, _host, retry_after, user_agent


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it noon of January the 2nd, 2023, in Greenwich."""

    class Noon(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Noon":
            return cls(2023, 1, 2, 12, tzinfo=tz)

    monkeypatch.setattr(http, "datetime", Noon)


# Who asks


def test_the_user_agent_names_program_and_version() -> None:
    name, _, version = user_agent().partition("/")
    assert name == "papertide"
    assert version[0].isdigit()


def test_the_contact_stands_in_brackets() -> None:
    assert user_agent("ada@example.org").endswith(" (ada@example.org)")


def test_every_request_bears_the_user_agent(wire: Any) -> None:
    wire.then(b"one")
    wire.then(b"two")
    client = Polite(delay=0, contact="ada@example.org")
    client.get(wire.url)
    client.get(wire.url)
    assert [asked.headers["User-Agent"] for asked in wire.asked] == [user_agent("ada@example.org")] * 2


@pytest.mark.parametrize("contact", ["Zoë <zoe@example.org>", "ada@example.org\r\nX-Forged: yes", "\x00"])
def test_a_contact_that_no_header_can_carry_does_no_harm(wire: Any, contact: str) -> None:
    wire.then(b"answer")
    assert Polite(delay=0, contact=contact).get(wire.url) == b"answer"
    assert "X-Forged" not in wire.asked[0].headers


# Waiting between requests


def test_the_first_request_does_not_wait(wire: Any, clock: Any) -> None:
    wire.then(b"answer")
    Polite(delay=3).get(wire.url)
    assert clock.slept == []


def test_the_next_request_waits_for_what_is_left_of_the_pause(wire: Any, clock: Any) -> None:
    wire.then(b"one")
    wire.then(b"two")
    client = Polite(delay=3)
    client.get(wire.url)
    clock.now += 1.25  # spent on the answer
    client.get(wire.url)
    assert clock.slept == [1.75]


def test_after_a_longer_time_than_the_pause_nobody_waits(wire: Any, clock: Any) -> None:
    wire.then(b"one")
    wire.then(b"two")
    client = Polite(delay=3)
    client.get(wire.url)
    clock.now += 60
    client.get(wire.url)
    assert clock.slept == []


def test_the_pause_counts_after_a_failure_too(wire: Any, clock: Any) -> None:
    wire.then(status=503, headers={"Retry-After": "1"})
    wire.then(b"answer")
    Polite(delay=3).get(wire.url)
    assert clock.slept == [1, 2]  # one that the server asked for, two more for our own pause


# Asking again


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(wire: Any, status: int) -> None:
    wire.then(status=status)
    wire.then(b"answer")
    assert Polite(delay=0).get(wire.url) == b"answer"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_a_plain_no_is_taken_for_an_answer(wire: Any, status: int) -> None:
    wire.then(status=status)
    with pytest.raises(SourceUnreachable, match=str(status)):
        Polite(delay=0).get(wire.url)
    assert len(wire.asked) == 1


def test_an_answer_that_breaks_off_is_asked_for_again(wire: Any) -> None:
    wire.then(b"half an ans", promised=100)
    wire.then(b"whole answer")
    assert Polite(delay=0).get(wire.url) == b"whole answer"


def test_the_pauses_double_from_one_try_to_the_next(wire: Any, clock: Any) -> None:
    for _ in range(ATTEMPTS):
        wire.then(status=503)
    with pytest.raises(SourceUnreachable):
        Polite(delay=0, first_wait=1).get(wire.url)
    # each pause has up to a second of chance in it, so that many clients do not come back at once
    assert [int(waited) // due for waited, due in zip(clock.slept, [1, 2, 4, 8], strict=True)] == [1, 1, 1, 1]


def test_after_five_tries_the_source_is_called_unreachable_in_one_line(wire: Any) -> None:
    for _ in range(ATTEMPTS + 1):
        wire.then(status=503)
    with pytest.raises(SourceUnreachable, match=r"did not answer \(HTTP 503\)") as caught:
        Polite(delay=0).get(wire.url)
    assert len(wire.asked) == 5
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_tried_five_times(nobody: str, clock: Any) -> None:
    with pytest.raises(SourceUnreachable):
        Polite(delay=0).get(nobody)
    assert len(clock.slept) == 4


@pytest.mark.parametrize("url", ["http://[", "no address at all", "file:///etc/hostname", "http://127.0.0.1:99999/"])
def test_what_is_no_web_address_is_unreachable(url: str) -> None:
    with pytest.raises(SourceUnreachable):
        Polite(delay=0).get(url)


# Retry-After


def test_the_pause_that_the_server_names_is_kept(wire: Any, clock: Any) -> None:
    wire.then(status=503, headers={"Retry-After": "120"})
    wire.then(b"answer")
    Polite(delay=0).get(wire.url)
    assert clock.slept == [120]


@pytest.mark.usefixtures("noon")
def test_the_pause_may_be_given_as_a_date(wire: Any, clock: Any) -> None:
    wire.then(status=503, headers={"Retry-After": "Mon, 02 Jan 2023 12:00:30 GMT"})
    wire.then(b"answer")
    Polite(delay=0).get(wire.url)
    assert clock.slept == [30]


@pytest.mark.usefixtures("noon")
def test_a_date_that_has_passed_means_at_once(wire: Any, clock: Any) -> None:
    wire.then(status=503, headers={"Retry-After": "Mon, 02 Jan 2023 11:00:00 GMT"})
    wire.then(b"answer")
    assert Polite(delay=0).get(wire.url) == b"answer"
    assert clock.slept == [0]


def test_a_server_that_wants_more_than_five_minutes_is_left_alone_until_the_next_run(wire: Any, clock: Any) -> None:
    wire.then(status=503, headers={"Retry-After": "301"})
    wire.then(b"answer")
    with pytest.raises(SourceUnreachable):
        Polite(delay=0).get(wire.url)
    assert (len(wire.asked), clock.slept) == (1, [])


@pytest.mark.parametrize("header", [None, "", "soon", "-1", "1.5", "²", "Mon, 02 Jan 99999999999999999999 12:00:00 GMT"])
def test_a_pause_that_nobody_can_read_is_none(header: str | None) -> None:
    assert retry_after(header) is None


@hypothesis_settings(deadline=None)
@given(st.text() | st.from_regex(r"(Mon, )?\d+ Jan \d+ \d+:\d+:\d+ [+-]?\d+"))
def test_no_header_makes_reading_the_pause_fail(header: str) -> None:
    pause = retry_after(header)
    assert pause is None or pause >= 0


# Answers


def test_a_packed_answer_is_unpacked(wire: Any) -> None:
    wire.then(gzip.compress(b"answer"), headers={"Content-Encoding": "gzip"})
    assert Polite(delay=0).get(wire.url) == b"answer"


def test_an_answer_that_is_not_packed_as_it_claims_makes_the_source_unreachable(wire: Any) -> None:
    wire.then(b"not packed", headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceUnreachable):
        Polite(delay=0).get(wire.url)


def test_a_new_address_is_followed(wire: Any) -> None:
    wire.then(status=301, headers={"Location": f"{wire.url}/moved"})
    wire.then(b"answer")
    assert Polite(delay=0).get(wire.url) == b"answer"
    assert wire.asked[-1].path == "/moved"


def test_addresses_that_lead_in_a_circle_make_the_source_unreachable(wire: Any) -> None:
    for _ in range(30):
        wire.then(status=302, headers={"Location": wire.url})
    with pytest.raises(SourceUnreachable):
        Polite(delay=0).get(wire.url)


def test_an_endless_answer_is_cut_off(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY", 1_000)
    wire.then(b"x" * 1_001)
    with pytest.raises(SourceUnreachable, match="more than 1,000 bytes"):
        Polite(delay=0).get(wire.url)


def test_two_clients_of_one_host_wait_for_each_other(wire: Any, clock: Any) -> None:
    wire.reply = lambda _: b"answer"
    Polite(delay=3).get(wire.url)
    Polite(delay=3).get(wire.url)
    assert clock.slept == [3.0]


def test_all_hosts_of_arxiv_count_as_one() -> None:
    assert {_host(f"https://{name}arxiv.org/x") for name in ("", "export.", "oaipmh.", "rss.")} == {"arxiv.org"}
    assert _host("https://aclanthology.org/x") == "aclanthology.org"


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_not_for_us_is_told_apart_and_asked_for_once(wire: Any, status: int) -> None:
    wire.then(status=status)
    with pytest.raises(Refused, match=f"HTTP {status}: not for us"):
        Polite(delay=0).get(wire.url)
    assert len(wire.asked) == 1
