"""Pages -> site: lay hand-written and generated pages side by side and let MkDocs build them.

MkDocs runs on the project's own `mkdocs.yml`, unchanged, in a temporary folder; the finished site then takes the place
of the old one in a single rename, so a reader of the folder never sees half a site.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path

from kb.errors import InvalidInput, StoreError
from pipelines.publish.lists import SHELL, ListPage, fill
from pipelines.publish.pages import Page

MARKER = "papertide.json"
"""The file that says that a folder was built by us and may be replaced."""


def site_sources() -> Path:
    """Return the folder that holds `mkdocs.yml` and `site/`: the project's, or the copy inside the installed package."""
    checkout = Path(__file__).parents[2]
    if (checkout / "mkdocs.yml").is_file() and (checkout / "site" / "docs").is_dir():
        return checkout
    with as_file(files("pipelines.publish") / "_site") as packaged:
        return packaged


def check_target(out: Path) -> None:
    """Refuse to replace a folder that is not a site of ours.

    Raises:
        InvalidInput: the folder holds something else.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).is_file())):
        raise InvalidInput("this folder holds something else than a site built by kb", value=out, cure="Name another with --out")


def assemble(workspace: Path, sources: Path, pages: Iterable[Page]) -> int:
    """Fill a workspace with `mkdocs.yml`, the hand-written pages and the generated ones; return how many were generated."""
    shutil.copy(sources / "mkdocs.yml", workspace / "mkdocs.yml")
    for part in ("docs", "overrides"):
        shutil.copytree(sources / "site" / part, workspace / "site" / part)
    count = 0
    for page in pages:
        write(workspace / "site" / "docs" / page.path, page.content)
        count += 1
    return count


def write(path: Path, content: str | bytes) -> None:
    """Write a file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def run_mkdocs(workspace: Path, moment: int, url: str = "") -> Path:
    """Build the workspace strictly and return the folder of the built site.

    Args:
        moment: seconds since 1970 that MkDocs writes as the date of the build, so that equal input gives equal files.
        url: where the site will be published, for canonical links and the sitemap; empty if unknown.

    Raises:
        StoreError: MkDocs refused; the message holds its first complaint.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment), "NO_MKDOCS_2_WARNING": "1", "KB_SITE_URL": url}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(workspace / "mkdocs.yml")]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith(("WARNING", "ERROR"))]
        raise StoreError(f"MkDocs could not build the site: {(lines or [done.stderr.strip()[-300:]])[0]}", cure="Mend that page")
    return workspace / "public"


def add(built: Path, files: Iterable[Page]) -> int:
    """Put files into the built site as they are; return how many."""
    count = 0
    for file in files:
        write(built / file.path, file.content)
        count += 1
    return count


def fill_lists(built: Path, pages: Iterable[ListPage]) -> int:
    """Make the lists of papers from the empty one that MkDocs built, and remove that; return how many."""
    shell = built / SHELL / "index.html"
    text = shell.read_text(encoding="utf-8")
    count = add(built, (Page(f"{page.path}index.html", fill(text, page)) for page in pages))
    shutil.rmtree(shell.parent)
    return count


def put_in_place(built: Path, out: Path) -> int:
    """Let the built site take the place of the old one, in one rename; return how many of its files are new or changed.

    A file whose content did not change is the old file itself, with its old date: what copies a site elsewhere copies
    only what changed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    old, changed = place / "old", 0
    try:
        (place / "new").mkdir()
        for path in sorted(built.rglob("*")):
            target, before = place / "new" / path.relative_to(built), out / path.relative_to(built)
            if path.is_dir():
                target.mkdir()
            elif _unchanged(path, before):
                _keep(before, target)
            else:
                shutil.copyfile(path, target)
                changed += 1
        if out.exists():
            out.rename(old)
        (place / "new").rename(out)
    except OSError as error:
        if old.exists() and not out.exists():
            old.rename(out)
        raise StoreError(f"cannot write {out}: {error.strerror}", cure="Choose another folder with --out") from None
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return changed


def _unchanged(path: Path, before: Path) -> bool:
    return before.is_file() and not before.is_symlink() and filecmp.cmp(path, before, shallow=False)


def _keep(before: Path, target: Path) -> None:
    try:
        target.hardlink_to(before)
    except OSError:  # a file system without hard links
        shutil.copy2(before, target)
