"""Lighthouse scores of a built site's kinds of pages.

    npm install --prefix SOMEWHERE lighthouse      # once; needs Node and Chromium
    PATH=SOMEWHERE/node_modules/.bin:$PATH python tests/comparison/lighthouse.py SITE [PAGE ...]

The site is served as `kb site serve` serves it, with Lighthouse's defaults: an emulated phone on slow 4G.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

from pipelines.publish.serving import open_server

PAGES = ("", "themes/generative-models/diffusion/", "search/", "benchmarks/quantization/", "governance/")
KINDS = ("performance", "accessibility", "best-practices", "seo")


def main(site: Path, pages: tuple[str, ...]) -> None:
    server = open_server(site, 0)
    Thread(target=server.serve_forever, daemon=True).start()
    print(f"{'page':40}" + "".join(f"{kind:>16}" for kind in KINDS))
    for page in pages:
        if not (site / page / "index.html").is_file():
            continue
        scores = judged(f"http://127.0.0.1:{server.server_port}/{page}")
        print(f"{page or 'home':40}" + "".join(f"{scores[kind]:>16.0f}" for kind in KINDS), flush=True)


def judged(address: str) -> dict[str, float]:
    """Return the four scores of one page, 0 to 100."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or ""
    told = subprocess.run(
        ["lighthouse", address, "--quiet", "--output=json", "--chrome-flags=--headless=new --no-sandbox --disable-gpu"],
        capture_output=True, check=True, env={**os.environ, "CHROME_PATH": chromium},
    )  # fmt: skip
    report = json.loads(told.stdout)
    for name, audit in report["audits"].items():
        if audit.get("score") is not None and audit["score"] < 0.9 and audit["scoreDisplayMode"] in {"binary", "numeric"}:
            print(f"    {name}: {audit.get('displayValue') or audit['title']}")
    return {kind: 100 * report["categories"][kind]["score"] for kind in KINDS}


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]) or PAGES)
