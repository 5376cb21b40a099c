"""A knowledge base of hostile papers, the site built from it, and a real browser that looks at it."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from kb import embedding, settings, taxonomy
from kb.embedding import portable, table
from kb.page_search import learning
from kb.store import Store
from pipelines.benchmarks import published
from pipelines.progress import Silent
from pipelines.publish import build_site
from pipelines.publish.serving import open_server
from pipelines.refresh import refresh
from pipelines.sources import Window
from tests.site.waiting import PATIENCE, settle

INJECTIONS = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=2>",
    "<svg/onload=window.pwned=3>",
    '"><iframe srcdoc="<script>parent.pwned=4</script>">',
    "[click](javascript:window.pwned=5)",
    "![x](x){ onerror=window.pwned=6 }",
    "<javascript:window.pwned=7> <http://evil.invalid/>",
    "{{ 7*7 }}{% raw %}{{ cycler.__init__.__globals__ }}",
    "</script><script>window.pwned=8</script>",
    r"$\href{javascript:window.pwned=9}{x}$ and $\text{<script>window.pwned=10</script>}$",
    r"\(\unicode{<img src=x onerror=window.pwned=11>}\)",
    '"}]}</script>{"a": "',
    "x\n\n# heading\n\n- item `code` **bold** | cell |\n: - definition",
    "\u202egnp.exe\u202c \u2066hidden\u2069 \x1b[31mred\x07",
    '=HYPERLINK("http://evil.invalid","x")',
    "@misc{x, title={}} } \\input{/etc/passwd}",
    "--- !!python/object:os.system ---",
    "]]><!-- --><![CDATA[ &lt;script&gt;window.pwned=12&lt;/script&gt; &#60;script&#62;",
    'style="background:url(javascript:window.pwned=13)" <style>*{display:none}</style>',
    "data:text/html,<script>window.pwned=14</script>",
)
expect.set_options(timeout=PATIENCE)
YEARS = range(2018, 2026)
A_YEAR = 44


def hostile_lines() -> Iterator[str]:
    """Papers of eight years, more of them on quantization each year, each with an attack in every field."""
    number = 0
    for year in YEARS:
        for place in range(A_YEAR):
            attack = INJECTIONS[number % len(INJECTIONS)]
            known = place < 4 + 2 * (year - YEARS[0])
            topic = "Quantization of weights to int8" if known else f"A study of subject {place % 7} in graph theory"
            yield json.dumps(
                {
                    "id": f"{year % 100:02d}{12 if place % 2 else 1:02d}.{number:05d}", "submitter": attack,
                    "authors": f"{attack}, Ada Author{number}",
                    "title": f"{topic} {attack} with $n^2$ steps {number}", "comments": attack,
                    "journal-ref": None if place % 5 else f"Proc. {attack} {year}", "doi": None,
                    "report-no": None, "categories": "cs.LG",
                    "license": f"http://evil.invalid/{attack}" if place % 9 == 0 else None,
                    "abstract": f"{topic}, post-training quantization, int8 and $O(n\\log n)$. {attack} Number {number}.",
                    "versions": [{"version": "v1", "created": f"Mon, {1 + place % 28} {_month(place)} {year} 00:00:00 GMT"}],
                    "update_date": f"{year}-12-30",
                }
            )  # fmt: skip
            number += 1


def _month(place: int) -> str:
    return "Dec" if place % 2 else "Jan"  # two months a year, each with enough papers to be shown


@pytest.fixture(scope="session")
def hostile_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge base of the starter library and of hostile papers. Tests must not change it."""
    folder = tmp_path_factory.mktemp("hostile")
    snapshot = folder / "snapshot.jsonl"
    snapshot.write_text("".join(f"{line}\n" for line in hostile_lines()), encoding="utf-8")
    home = folder / "home"
    refresh(settings.load(home), ["starter", f"arxiv_snapshot={snapshot}"], Window(), Silent())
    return home


@pytest.fixture(scope="session")
def hostile_site(hostile_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the hostile papers, searchable by meaning."""
    out = tmp_path_factory.mktemp("site") / "public"
    chosen = settings.load(hostile_home)

    def encoder() -> embedding.Encoder:
        return embedding.load(chosen.model)

    with pytest.MonkeyPatch.context() as patch:  # the page reads a rough table of word pieces as well as a good one
        for module, name, value in ((learning, "TAUGHT", 300), (learning, "ASKED", 300), (table, "EPOCHS", 1)):
            patch.setattr(module, name, value)
        means = {"encoder": encoder, "model": lambda: portable.pack(chosen), "home": out.parent}
        build_site(Store.read(chosen.store_uri), taxonomy.load(), published(hostile_home), out, Silent(), **means)
    return out


@pytest.fixture(scope="session")
def address(hostile_site: Path) -> Iterator[str]:
    """Where the site is served, as `kb site serve` serves it."""
    server = open_server(hostile_site, 0)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; the tests that need it are skipped where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@dataclass
class Seen:
    """What happened on a page that should not have, and what it asked for."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def look(context: BrowserContext, address: str) -> Seen:
    """Open a page and note its dialogs, errors (violations of its policy among them) and requests."""
    page = context.new_page()
    seen = Seen(page)
    page.on("dialog", lambda dialog: (seen.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda said: seen.wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.wrong.append(str(error)))
    page.on("request", lambda request: seen.asked.append(request.url))
    settle(page, address)
    return seen


@pytest.fixture(name="look")
def look_fixture() -> object:
    """The function `look`."""
    return look


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A window of its own, with nothing kept from before."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    yield made
    made.close()


@pytest.fixture(scope="session")
def run_in_node() -> Callable[..., None]:
    """Run a file of tests of the page's scripts: `run_in_node("map/view.test.mjs", MAP_SCRIPTS=folder)`; variables go with it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine: apt-get install nodejs")

    def run(file: str, **told: Path) -> None:
        environment = {**os.environ, **{name: str(value) for name, value in told.items()}}
        command = [node, "--test", str(Path(__file__).parent / file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-1_000:]

    return run
