"""How smoothly the map moves with a hundred thousand points.

    python tests/comparison/map_speed.py SITE [POINTS]

SITE is a built site with a map. Its papers are repeated, each a little beside itself, until there are enough; everything else is
the page as readers get it. Where there is no graphics card Chromium draws with the processor, which is the slowest case there is.
"""

import sys
from functools import partial
from pathlib import Path
from threading import Thread

import numpy as np
from playwright.sync_api import Route

from pipelines.benchmarks import page_visits
from pipelines.publish.serving import open_server

FRAMES = 120
MOVE = """async (frames) => {
  const layer = document.querySelector("#map canvas:last-child");
  const { left, top, width, height } = layer.getBoundingClientRect();
  const point = (kind, x, y) => layer.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, bubbles: true, clientX: left + x, clientY: top + y }));
  layer.setPointerCapture = () => undefined;  // a made-up pointer cannot be captured
  const frame = () => new Promise(requestAnimationFrame);
  const gaps = [], work = [];
  point("pointerdown", width / 2, height / 2);
  let last = await frame();
  for (let at = 1; at <= frames; at += 1) {
    const start = performance.now();
    point("pointermove", width / 2 + 80 * Math.sin(at / 8), height / 2 + 80 * Math.cos(at / 8));
    if (at % 4 === 0) layer.dispatchEvent(new WheelEvent("wheel", { deltaY: at < frames / 2 ? -40 : 40,
      clientX: left + width / 3, clientY: top + height / 3, cancelable: true }));
    work.push(performance.now() - start);
    const now = await frame();
    gaps.push(now - last);
    last = now;
  }
  point("pointerup", width / 2, height / 2);
  return { gaps, work };
}"""


def main(site: Path, points: int) -> None:
    record = np.frombuffer((site / "data/map/points.bin").read_bytes(), "<u2").reshape(-1, 3)
    (facets,) = (site / "data/search").glob("*/facets.bin")
    each = np.frombuffer(facets.read_bytes(), np.uint8).reshape(len(record), -1)
    at = np.arange(points) % len(record)
    beside = np.random.default_rng(0).normal(0, 400, (points, 2))
    many = record[at].astype(np.int64)
    many[:, :2] = np.clip(many[:, :2] + beside, 0, 65_535)
    server = open_server(site, 0)
    Thread(target=server.serve_forever, daemon=True).start()
    with page_visits.browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        for name, body in (("points.bin", many.astype("<u2").tobytes()), ("facets.bin", each[at].tobytes())):
            page.route(f"**/{name}", partial(Route.fulfill, body=body))
        page.goto(f"http://127.0.0.1:{server.server_port}/map/")
        page.wait_for_selector("#map[data-state=live]")
        page.wait_for_timeout(1_000)
        card = page.evaluate("""() => { const gl = document.createElement("canvas").getContext("webgl2");
            const told = gl.getExtension("WEBGL_debug_renderer_info"); return gl.getParameter(told.UNMASKED_RENDERER_WEBGL); }""")
        moving = page.evaluate(MOVE, FRAMES)
        start = page.evaluate("performance.now()")
        page.select_option("select[name=colour]", "theme")
        recolour = page.evaluate("performance.now()") - start
    server.shutdown()
    gaps, work = (np.array(moving[name]) for name in ("gaps", "work"))
    print(f"{points:,} points, 1440 x 900, drawn by {card}")
    print(f"between two frames while dragged and zoomed: median {np.median(gaps):.1f} ms, 95% {np.quantile(gaps, 0.95):.1f} ms, "
          f"longest {gaps.max():.1f} ms")  # fmt: skip
    print(f"of that, our own handling of the pointer: median {np.median(work):.2f} ms, longest {work.max():.2f} ms")
    print(f"colouring anew by theme: {recolour:.0f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
