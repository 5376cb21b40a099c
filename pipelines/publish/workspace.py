"""Pages -> site: lay hand-written and generated pages side by side and let MkDocs build them.

MkDocs runs on the project's own `mkdocs.yml`, unchanged, in a temporary folder; the finished site then takes the place
of the old one in a single rename, so a reader of the folder never sees half a site.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path

from kb.errors import InvalidInput, StoreError
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
        path = workspace / "site" / "docs" / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text, encoding="utf-8")
        count += 1
    return count


def run_mkdocs(workspace: Path, moment: int) -> Path:
    """Build the workspace strictly and return the folder of the built site.

    Args:
        moment: seconds since 1970 that MkDocs writes as the date of the build, so that equal input gives equal files.

    Raises:
        StoreError: MkDocs refused; the message holds its first complaint.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(workspace / "mkdocs.yml")]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith(("WARNING", "ERROR"))]
        raise StoreError(f"MkDocs could not build the site: {(lines or [done.stderr.strip()[-300:]])[0]}", cure="Mend that page")
    return workspace / "public"


def put_in_place(built: Path, out: Path) -> None:
    """Let the built site take the place of the old one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    old = fresh / "old"
    try:
        shutil.copytree(built, fresh / "new")
        if out.exists():
            out.rename(old)
        (fresh / "new").rename(out)
    except OSError as error:
        if old.exists() and not out.exists():
            old.rename(out)
        raise StoreError(f"cannot write {out}: {error.strerror}", cure="Choose another folder with --out") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
