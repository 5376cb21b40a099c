"""One polite HTTP client: identifies itself, waits between requests, retries with back-off, honours Retry-After, keeps
what it was sent and asks a second time only for what changed.

Retry-After: RFC 9110, section 10.2.3 (seconds or an HTTP date).
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from kb.errors import SourceUnreachable
from pipelines.sources.raw import VALIDATORS, Room

ATTEMPTS = 5
LONGEST_WAIT = 300.0
"""Seconds. A server that asks for a longer pause is left alone until the next run."""
_LAST: dict[str, float] = {}
"""When each host was last asked, over all clients of this process. arXiv's terms count all of its hosts as one."""
MAX_BODY = 200_000_000
"""Bytes. Nothing that we read is larger, so a larger answer is an error or an attack."""
RETRIED = frozenset({429, 500, 502, 503, 504})


def _say(details: RetryDetails) -> None:
    """Tell that a request is tried again, in words (stamina itself would log the name of an event)."""
    reason = str(details.caused_by) or type(details.caused_by).__name__
    logging.getLogger("papertide").warning("no answer (%s); trying again in %.0f s", reason, details.wait_for)


set_on_retry_hooks([_say])


class Busy(Exception):
    """The server asked to come back later."""

    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.wait = wait


class Missing(SourceUnreachable):
    """There is nothing at that address (404 or 410), and asking again would not help."""


class Refused(SourceUnreachable):
    """The server knows what is asked for but does not give it to us (401 or 403)."""


def user_agent(contact: str = "") -> str:
    """Return how we introduce ourselves; `contact` is the user's address, as several sources ask.

    What no header can carry (accents, line breaks) becomes a question mark.
    """
    sent = "".join(c if c.isascii() and c.isprintable() else "?" for c in contact)
    return f"papertide/{version('papertide')}" + (f" ({sent})" if sent else "")


def _host(url: str) -> str:
    try:
        host = urlsplit(url).netloc.lower()
    except ValueError:  # no address at all, which the request itself will say
        return url
    return "arxiv.org" if host.endswith("arxiv.org") else host


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


class Polite:
    """A client for one source: a single connection and at least `delay` seconds between requests to one host.

    With a `room` every answer is kept there, and the first request for an address that is known asks for a newer version
    only. A second request for the same address, as after an answer that could not be read, asks for it whatever its version.
    """

    def __init__(
        self, *, delay: float, contact: str = "", room: Room | None = None, timeout: float = 60.0, first_wait: float = 1.0
    ) -> None:
        self.delay = delay
        self.first_wait = first_wait
        self._room = room
        self._asked: set[str] = set()
        self._client = httpx.Client(
            timeout=timeout,
            follow_redirects=True,
            headers={"User-Agent": user_agent(contact)},
            limits=httpx.Limits(max_connections=1),
        )

    def get(self, url: str) -> bytes:
        """Return the body at `url`.

        Raises:
            Missing: there is nothing at that address.
            Refused: it is not for us.
            SourceUnreachable: it could not be had, after retries.
            StoreError: it cannot be kept.
        """
        kept = self._room.find(url) if self._room and url not in self._asked else None
        self._asked.add(url)
        newer = {VALIDATORS[name]: mark for name, mark in kept.validators.items()} if kept else {}

        def wait(error: Exception) -> bool | float:
            if isinstance(error, Busy) and error.wait is not None:
                return error.wait if error.wait <= LONGEST_WAIT else False
            return isinstance(error, (Busy, httpx.TransportError))

        try:
            for attempt in stamina.retry_context(
                on=wait, attempts=ATTEMPTS, timeout=None, wait_initial=self.first_wait, wait_max=60, wait_jitter=self.first_wait
            ):
                with attempt:
                    response, body = self._once(url, newer)
                    if response.status_code == 304 and kept is not None:
                        return kept.body
                    if self._room:
                        self._room.keep(url, body, response.headers)
                    return body
        except (Busy, httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise SourceUnreachable(
                f"{url.split('?')[0]} did not answer ({reason})",
                cure="Check the network and run it again; it goes on where it stopped",
            ) from None
        raise AssertionError("unreachable: the loop returns or raises")

    def sign_in(self, url: str, told: Mapping[str, str]) -> None:
        """Exchange a name and a password (sent as JSON) for a token, and send that along with every later request.

        Raises:
            Refused: the server gives no token for them.
            SourceUnreachable: it did not answer.
        """
        try:
            response = self._client.post(url, json=dict(told))
            answer = response.json() if response.is_success else {}
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise SourceUnreachable(f"{url} did not answer ({reason})", cure="Check the network and run it again") from None
        finally:
            _LAST[_host(url)] = time.monotonic()
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Refused(f"{url} did not sign us in (HTTP {response.status_code})", cure="Check the name and the password")
        self._client.headers["Authorization"] = f"Bearer {token}"

    def _once(self, url: str, headers: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        host = _host(url)
        pause = _LAST.get(host, -self.delay) + self.delay - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code in RETRIED:
                    raise Busy(response.status_code, retry_after(response.headers.get("Retry-After")))
                if response.status_code in {404, 410}:
                    raise Missing(
                        f"{url.split('?')[0]} did not answer (HTTP {response.status_code}: nothing there)",
                        cure="Check the address",
                    )
                if response.status_code == 304 and headers:
                    return response, b""
                if response.status_code in {401, 403}:
                    raise Refused(
                        f"{url.split('?')[0]} did not answer (HTTP {response.status_code}: not for us)",
                        cure="It may want a sign-in",
                    )
                response.raise_for_status()
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > MAX_BODY:
                        raise SourceUnreachable(f"{url} sent more than {MAX_BODY:,} bytes", cure="Check the address")
                return response, bytes(body)
        finally:
            _LAST[host] = time.monotonic()


@dataclass(frozen=True, slots=True)
class Network:
    """How every source reaches the network.

    Attributes:
        contact: the user's address, sent in the User-Agent.
        folder: where answers are kept, a folder a source; None keeps none.
    """

    contact: str = ""
    folder: Path | None = None

    def client(self, source: str, options: Mapping[str, object], delay: float) -> Polite:
        """Return a source's client; its table of kb.toml may set `contact` and `delay_seconds` (default: `delay`)."""
        told = options.get("delay_seconds", delay)
        return Polite(
            delay=float(told) if isinstance(told, int | float) else delay,
            contact=str(options.get("contact", self.contact)),
            room=self.room(source),
        )

    def room(self, source: str) -> Room | None:
        """Return where a source's answers are kept."""
        return Room(self.folder / source) if self.folder else None


NOWHERE = Network()
"""Keeps no answers and names nobody: what a source has when it is opened by itself."""
