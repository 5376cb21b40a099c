"""The built site: every page is there, every link leads somewhere, marks say what they rest on, text stays text."""

import csv
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from kb import settings, taxonomy
from kb.errors import InvalidInput
from kb.store import Store
from pipelines.progress import Silent
from pipelines.publish import build_site, render, workspace
from pipelines.refresh import refresh
from pipelines.sources import Window
from pipelines.sources.starter import library


class Links(HTMLParser):
    """Collects the addresses that a page asks for, and its elements' ids."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: set[str] = set()
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids.add(told.get("id") or "")
        for name in ("href", "src"):
            if told.get(name):
                self.addresses.append(told[name] or "")
                if tag in {"script", "img", "link"}:
                    self.scripts.append(told[name] or "")


def build(home: Path, out: Path) -> Path:
    store = Store.read(settings.load(home).store_uri)
    build_site(store, taxonomy.load(), [], out, Silent())
    return out


@pytest.fixture(scope="module")
def site(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(starter_home, tmp_path_factory.mktemp("built") / "public")


def pages(site: Path) -> dict[str, Links]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        links = Links()
        links.feed(path.read_text(encoding="utf-8"))
        found[path.relative_to(site).as_posix()] = links
    return found


def test_every_theme_and_cluster_has_a_page(site: Path, starter_home: Path) -> None:
    store = Store.read(settings.load(starter_home).store_uri)
    for theme in taxonomy.load().themes:
        assert (site / "themes" / theme.id / "index.html").is_file()
    for cluster in store.table("clusters", ["id"])["id"].to_pylist():
        assert (site / "clusters" / cluster / "index.html").is_file()


def test_every_internal_link_leads_to_a_page_and_an_anchor_that_exist(site: Path) -> None:
    found = pages(site)
    broken = []
    for page, links in found.items():
        if page == "404.html":  # its links start at the server's root
            continue
        for address in links.addresses:
            target = urlsplit(urljoin(f"http://here/{page}", address))
            if target.netloc != "here":
                continue
            path = unquote(target.path).lstrip("/")
            path = f"{path}index.html" if path == "" or path.endswith("/") else path
            if not (site / path).exists():
                broken.append(f"{page}: {address}")
            anchor = "" if target.fragment.startswith("only-") else unquote(target.fragment)
            if anchor and path in found and anchor not in found[path].ids:
                broken.append(f"{page}: {address} (no such anchor)")
    assert broken == []


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    asked = [address for links in pages(site).values() for address in links.scripts]
    assert [address for address in asked if urlsplit(address).netloc] == []


def test_every_mark_says_what_it_rests_on(site: Path) -> None:
    home = (site / "themes" / "generative-models" / "diffusion" / "index.html").read_text(encoding="utf-8")
    marks = re.findall(r'<a class="mark mark-(\w+)"[^>]*aria-label="([^"]*)"', home)
    assert {kind for kind, _ in marks} == {"verified", "derived", "assumption"}
    assert all("run" in told.lower() for kind, told in marks if kind == "derived")


def test_a_starter_work_tells_which_facts_were_compared_with_what_and_which_were_not(site: Path) -> None:
    page = html.unescape((site / "themes" / "training-efficiency" / "mixed-precision" / "index.html").read_text(encoding="utf-8"))
    works = {found[1]: item for item in page.split("<li>") if (found := re.search(r"<code>([^<]+)", item))}
    foremost = {work.id: work for work in library() if work.labels[0] == "training-efficiency/mixed-precision"}
    assert foremost.keys() == works.keys()
    for name, work in foremost.items():
        assert ("mark-verified" in works[name]) == ("checked: " in work.sources[0].licence)
    assert "Compared with: arXiv metadata (id, title, authors, date, categories)" in works["arxiv:1412.7024"]
    assert "not compared with a source: authors, date, venue" in works["arxiv:2304.13013"]


def test_start_here_lists_the_landmarks_of_a_theme_oldest_first(site: Path) -> None:
    page = html.unescape((site / "themes" / "generative-models" / "diffusion" / "index.html").read_text(encoding="utf-8"))
    shown = re.findall(r"<code>([^<]+)</code>", page.split('id="start-here"')[1].split("<h2")[0])
    landmarks = [work for work in library() if work.labels[0] == "generative-models/diffusion"]
    assert shown == [work.id for work in sorted(landmarks, key=lambda work: (work.published, work.id))]
    assert shown[0] == "arxiv:1503.03585"


def test_works_of_other_themes_that_touch_a_theme_are_named_below(site: Path) -> None:
    page = (site / "themes" / "generative-models" / "text-generation" / "index.html").read_text(encoding="utf-8")
    assert "Attention Is All You Need" in page.split('<details class="further">', 1)[1]


def test_the_shares_of_compared_facts_are_published(site: Path) -> None:
    page = (site / "governance" / "index.html").read_text(encoding="utf-8")
    compared = sum("checked: " in work.sources[0].licence for work in library())
    assert f"{len(library())} works are known from the starter library alone" in page
    assert f"{compared} of them were compared" in page


def test_a_reading_list_shows_counts_and_no_shares_of_the_field(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "A reading list, not a census" in text
    theme = (site / "themes" / "governance" / "standards-regulation" / "index.html").read_text(encoding="utf-8")
    assert "works on this reading list" in theme
    assert "made up" not in theme


def test_the_same_knowledge_base_gives_the_same_site_to_the_byte(site: Path, starter_home: Path, tmp_path: Path) -> None:
    def digests(folder: Path) -> dict[str, str]:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert digests(build(starter_home, tmp_path / "again")) == digests(site)


def test_a_site_is_rebuilt_in_place(starter_home: Path, tmp_path: Path) -> None:
    out = build(starter_home, tmp_path / "public")
    (out / "left-over.html").write_text("old", encoding="utf-8")
    build(starter_home, out)
    assert not (out / "left-over.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["public"]


def test_a_file_that_did_not_change_is_the_old_file_with_its_old_date(starter_home: Path, tmp_path: Path) -> None:
    out = build(starter_home, tmp_path / "public")
    page = out / "themes" / "generative-models" / "diffusion" / "index.html"
    (out / "index.html").write_text("someone wrote here", encoding="utf-8")
    before = page.stat()
    store = Store.read(settings.load(starter_home).store_uri)
    assert build_site(store, taxonomy.load(), [], out, Silent()).changed == 1
    assert (page.stat().st_ino, page.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_every_paper_is_reachable_from_its_themes_and_its_cluster(site: Path) -> None:
    listed = "".join(path.read_text(encoding="utf-8") for path in sorted((site / "papers").rglob("index.html")))
    text = html.unescape(re.sub(r"</?m\w+[^>]*>", "", listed))
    assert [work.id for work in library() if "$" not in work.title and work.title not in text] == []


def test_a_topics_files_hold_its_papers(site: Path) -> None:
    where = site / "data" / "topics" / "theme-generative-models-diffusion"
    told = json.loads(where.with_suffix(".json").read_text(encoding="utf-8"))
    assert len(told["papers"]) == where.with_suffix(".bib").read_text(encoding="utf-8").count("\n@") + 1
    rows = list(csv.DictReader(where.with_suffix(".csv").read_text(encoding="utf-8").splitlines()))
    assert [row["id"] for row in rows] == [paper["id"] for paper in told["papers"]]


def test_without_an_address_pages_have_no_canonical_link_and_with_one_they_all_do(
    site: Path, starter_home: Path, tmp_path: Path
) -> None:
    assert 'rel="canonical"' not in (site / "index.html").read_text(encoding="utf-8")
    store = Store.read(settings.load(starter_home).store_uri)
    build_site(store, taxonomy.load(), [], tmp_path / "public", Silent(), "https://example.org/tide")
    theme = (tmp_path / "public" / "themes" / "generative-models" / "diffusion" / "index.html").read_text(encoding="utf-8")
    where = "https://example.org/tide/themes/generative-models/diffusion/"
    assert f'<link rel="canonical" href="{where}">' in theme
    assert 'property="og:image" content="https://example.org/tide/assets/cards/generative-models/diffusion.png"' in theme
    assert (tmp_path / "public" / "assets" / "cards" / "generative-models" / "diffusion.png").is_file()
    sitemap = (tmp_path / "public" / "sitemap.xml").read_text(encoding="utf-8")
    assert f"<loc>{where}</loc>" in sitemap
    assert "papers/list/" not in sitemap
    assert "Sitemap: https://example.org/tide/sitemap.xml" in (tmp_path / "public" / "robots.txt").read_text(encoding="utf-8")
    listed = (tmp_path / "public" / "papers" / "theme-generative-models-diffusion-1" / "index.html").read_text(encoding="utf-8")
    assert '<link rel="canonical" href="https://example.org/tide/papers/theme-generative-models-diffusion-1/">' in listed


def test_an_address_that_is_none_is_refused(starter_home: Path, tmp_path: Path) -> None:
    store = Store.read(settings.load(starter_home).store_uri)
    with pytest.raises(InvalidInput, match="no web address"):
        build_site(store, taxonomy.load(), [], tmp_path / "public", Silent(), "javascript:alert(1)")


def test_each_run_has_a_permanent_address(site: Path) -> None:
    assert "910 papers" in (site / "runs" / "r0001" / "index.html").read_text(encoding="utf-8")


def test_the_address_of_a_cluster_that_is_no_more_leads_to_where_its_papers_are(starter_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(starter_home, tmp_path / "home"))
    store = Store.write(settings.load(home).store_uri)
    heir = store.table("clusters", ["id"])["id"].to_pylist()[0]
    faded = {"run": "r0002", "cluster": "c0900", "event": "faded", "parents": [], "size": 0, "successor": heir}
    store.replace("cluster_history", [*store.table("cluster_history").to_pylist(), faded])
    store.commit({**(store.run or {}), "id": "r0002"})
    page = (build(home, tmp_path / "public") / "clusters" / "c0900" / "index.html").read_text(encoding="utf-8")
    assert re.search(rf'http-equiv="refresh" content="3; url=[./]*(clusters/)?{heir}/"', page)
    assert f'href="../../clusters/{heir}/"' in page


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(InvalidInput, match="something else"):
        workspace.check_target(tmp_path)


def test_hostile_papers_make_no_elements(tmp_path: Path, snapshot: Callable[..., Path]) -> None:
    make = snapshot.line  # type: ignore[attr-defined]
    attacks = ["<script>alert(1)</script>", "[x](javascript:alert(1))", "{{ 7*7 }} {% include 'x' %}", "# x | y `z` **b**"]
    lines = [
        make(
            number, title=f"Quantization {attack}", abstract=f"Quantization of weights, int8. {attack}", authors=f"{attack}, B C"
        )
        for number, attack in enumerate(attacks, start=1)
    ]
    home = tmp_path / "home"
    refresh(settings.load(home), [f"arxiv_snapshot={snapshot(lines=lines)}"], Window(), Silent())
    out = build(home, tmp_path / "public")
    page = (out / "themes" / "inference-efficiency" / "quantization" / "index.html").read_text(encoding="utf-8")
    assert "Quantization" in page
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert "49" not in re.findall(r"Quantization [^<]*", page)


def test_the_hand_written_pages_build_alone(tmp_path: Path) -> None:
    root = workspace.site_sources()
    shutil.copy(root / "mkdocs.yml", tmp_path)
    shutil.copytree(root / "site", tmp_path / "site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(tmp_path / "mkdocs.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "public" / "method" / "index.html").is_file()


def headings(page: str) -> list[tuple[str, str]]:
    """The level and text of every heading of a page's content."""
    content = page.split("<article", 1)[1].split("</article>", 1)[0]
    found = re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", content, flags=re.DOTALL)
    return [(level, " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).replace("¶", "").split())) for level, text in found]


def test_zensical_builds_the_same_pages_with_the_same_headings(tmp_path: Path, starter_home: Path, site: Path) -> None:
    store = Store.read(settings.load(starter_home).store_uri)
    root = workspace.site_sources()
    made = render(store, taxonomy.load(), [], root / "site" / "templates")
    workspace.assemble(tmp_path, root, made.pages)
    done = subprocess.run([sys.executable, "-m", "zensical", "build"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in sorted(site.rglob("index.html")):
        where = path.relative_to(site)
        other = tmp_path / "public" / where
        if where.parts[0] == "papers" and len(where.parts) > 2:
            continue  # lists are filled in after MkDocs
        assert headings(other.read_text(encoding="utf-8")) == headings(path.read_text(encoding="utf-8")), where
