"""Feeds keep the rules of RFC 4287, whatever papers are called."""

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from kb import settings, taxonomy
from kb.store import Store
from pipelines.publish import export, facts, feeds

ATOM = "{http://www.w3.org/2005/Atom}"
URL = "https://example.org/tide/"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_ONCE = ("id", "title", "updated")


@pytest.fixture(scope="module")
def told(starter_home: Path) -> facts.Facts:
    store = Store.read(settings.load(starter_home).store_uri)
    return facts.read(store, taxonomy.load(), export.papers(store, abstracts=False))


def problems(content: bytes) -> list[str]:
    """What in a feed breaks RFC 4287, sections 3.3, 4.1.1, 4.1.2, 4.2.6 and 4.2.7."""
    feed = ElementTree.fromstring(content)
    found = [] if feed.tag == f"{ATOM}feed" else ["the root is no feed"]
    entries = feed.findall(f"{ATOM}entry")
    for part in (feed, *entries):
        found += [f"{name}: {len(part.findall(ATOM + name))} times" for name in _ONCE if len(part.findall(ATOM + name)) != 1]
        found += [f"no moment: {it.text}" for it in part.findall(f"{ATOM}updated") if not _MOMENT.fullmatch(it.text or "")]
        found += ["an id is no absolute address" for it in part.findall(f"{ATOM}id") if not urlsplit(it.text or "").scheme]
        found += [
            "a person has no name" for it in part.findall(f"{ATOM}author") if not (it.findtext(f"{ATOM}name") or "").strip()
        ]
        links = [
            (it.get("rel"), it.get("type"), it.get("hreflang"))
            for it in part.findall(f"{ATOM}link")
            if it.get("rel") == "alternate"
        ]
        found += ["two alternate links of a kind"] if len(links) != len(set(links)) else []
        found += ["a link without href" for it in part.findall(f"{ATOM}link") if not it.get("href")]
    found += ["no author"] if feed.find(f"{ATOM}author") is None else []
    found += ["an entry without content or alternate link" for it in entries if it.find(f"{ATOM}summary") is None]
    names = [it.findtext(f"{ATOM}id") for it in entries]
    found += ["two entries with one id"] if len(names) != len(set(names)) else []
    if not any(it.get("rel") == "self" and urlsplit(it.get("href") or "").scheme for it in feed.findall(f"{ATOM}link")):
        found.append("no link to itself")
    return found


def test_every_feed_keeps_the_rules(told: facts.Facts) -> None:
    made = dict(feeds.build_feeds(told, URL))
    assert set(made) == {"feed.xml", *(f"themes/{theme.id}/feed.xml" for theme in taxonomy.load().themes)}
    assert {path: found for path, content in made.items() if (found := problems(content))} == {}


def test_hostile_text_stays_text(told: facts.Facts) -> None:
    attack = "]]><script>alert(1)</script> & \x00\x0b\ufffe\u202e </title>"
    lines = {name: replace(line, title=attack, authors=attack, link="javascript:alert(1)") for name, line in told.lines.items()}
    for content in dict(feeds.build_feeds(replace(told, lines=lines), URL)).values():
        assert problems(content) == []
        assert b"<script" not in content
        assert b"javascript:" not in content


def test_ids_stay_when_the_site_is_built_again_and_when_it_moves(told: facts.Facts) -> None:
    def names(url: str) -> list[str | None]:
        content = dict(feeds.build_feeds(told, url))["themes/generative-models/diffusion/feed.xml"]
        return [it.findtext(f"{ATOM}id") for it in ElementTree.fromstring(content).findall(f"{ATOM}entry")]

    assert names(URL) == names("https://elsewhere.example/") != []
