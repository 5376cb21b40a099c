// The page of the map: points under a layer of names, and what a reader does to them.
import { passing } from "../search/ranking.js";
import { entryOf, legend, NONE } from "./colours.js";
import { openPoints } from "./points.js";
import { fitting, grid, moved, placeAt, whole, zoomed, zoomOf } from "./view.js";

const SITE = new URL("../../", import.meta.url);
const HITS = 200;
const REACH = 12; // pixels around the pointer
const PAUSE = 250; // milliseconds after the last key

const place = /** @type {HTMLElement} */ (document.querySelector("#map"));
const form = /** @type {HTMLFormElement} */ (document.querySelector("#map-form"));
const status = /** @type {HTMLElement} */ (document.querySelector("#map-status"));
const key = /** @type {HTMLElement} */ (document.querySelector("#map-legend"));
const card = /** @type {HTMLElement} */ (document.querySelector("#map-paper"));
const control = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
const read = async (/** @type {string} */ path) => {
  const answer = await fetch(new URL(path, SITE));
  if (!answer.ok) throw new Error(path);
  return answer;
};

async function start() {
  const [about, manifest, bytes] = await Promise.all([
    read("data/map/map.json").then((it) => it.json()),
    read("data/search/index.json").then((it) => it.json()),
    read("data/map/points.bin").then((it) => it.arrayBuffer()),
  ]);
  const folder = new URL(`data/search/${manifest.folder}/`, SITE).href;
  const points = new Uint16Array(bytes);
  const facets = new Uint8Array(await (await fetch(`${folder}facets.bin`)).arrayBuffer());
  const canvas = document.createElement("canvas");
  const names = document.createElement("canvas");
  const drawing = openPoints(canvas, points);
  if (!drawing) {
    status.textContent = "This browser has no WebGL 2: the map stays a picture.";
    return;
  }
  names.tabIndex = 0;
  names.setAttribute("role", "application");
  names.setAttribute("aria-label", `${place.querySelector("img")?.alt} Arrows move it, plus and minus change how near it is.`);
  place.replaceChildren(canvas, names);
  place.classList.add("live");

  let view = whole(1, 1);
  let asked = false;
  /** @type {Set<number> | null} */
  let hits = null;
  let passes = (/** @type {number} */ _) => true;
  const find = grid(points);
  const entries = legend(manifest.facets.groups);
  const entry = entryOf(manifest.facets, facets);
  const byTheme = () => control("colour").value === "theme";
  const labels = [
    ...about.broad.map((/** @type {any} */ it) => ({ ...it, broad: true })),
    ...about.clusters.map((/** @type {any} */ it) => ({ ...it, broad: false })),
  ];
  const pen = /** @type {CanvasRenderingContext2D} */ (names.getContext("2d"));
  const font = (/** @type {{broad: boolean}} */ { broad }) => `600 ${broad ? 15 : 12}px Helvetica, Arial, sans-serif`;

  function redraw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      const ratio = devicePixelRatio || 1;
      const crowd = Math.sqrt(points.length / 3 / 10_000);
      drawing?.draw(view, ratio * Math.min(14, Math.max(1.5, (3.2 / Math.max(0.6, crowd)) * Math.sqrt(zoomOf(view)))));
      const style = getComputedStyle(place);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, view.width, view.height);
      pen.textAlign = "center";
      pen.lineWidth = 4;
      pen.lineJoin = "round";
      pen.strokeStyle = style.getPropertyValue("--md-default-bg-color") || style.backgroundColor;
      pen.fillStyle = style.color;
      const widthOf = (/** @type {any} */ it) => {
        pen.font = font(it);
        return pen.measureText(it.name).width;
      };
      for (const it of fitting(labels, view, widthOf)) {
        pen.font = font(it);
        pen.strokeText(it.name, it.px, it.py);
        pen.fillText(it.name, it.px, it.py);
      }
    });
  }

  function repaint() {
    const style = getComputedStyle(place);
    const palette = Array.from({ length: 10 }, (_, at) => rgb(style.getPropertyValue(`--map-${at}`)));
    const ofCluster = [...about.clusters.map((/** @type {any} */ it) => palette[it.broad % 10]), palette[NONE]];
    const ofTheme = entries.map((it) => palette[it.colour]);
    const themed = byTheme();
    const none = entries.length - 1;
    const colours = new Uint8Array((points.length / 3) * 4);
    for (let at = 0; at < points.length / 3; at += 1) {
      const lit = hits ? hits.has(at) : true;
      const number = themed ? entry(at) : points[3 * at + 2];
      const alpha = !passes(at) ? 0 : hits ? (lit ? 255 : 40) : themed && number === none ? 60 : 150;
      colours.set(themed ? ofTheme[number] : ofCluster[number], 4 * at);
      colours[4 * at + 3] = alpha;
    }
    drawing?.paint(colours);
    redraw();
  }

  function resize() {
    const { width, height } = place.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    for (const layer of [canvas, names]) Object.assign(layer, { width: width * ratio, height: height * ratio });
    const zoom = view.width > 1 ? zoomOf(view) : 1;
    const fresh = whole(width, height);
    view = view.width > 1 ? { ...view, width, height, scale: fresh.scale * zoom } : fresh;
    redraw();
  }

  const worker = new Worker(new URL("../search/worker.js", import.meta.url), { type: "module" });
  let question = 0;
  let timer = 0;
  let loading = false; // once: what is loaded says so, and is asked again
  worker.onmessage = ({ data }) => {
    if (data.kind === "loaded" && data.stage === "failed") loading = false;
    if (data.kind === "loaded" && data.stage === "meaning" && control("q").value.trim()) ask();
    if (data.kind === "failed" && data.id === question)
      status.textContent = "The search's files could not be read. Check the network, then type again.";
    if (data.kind !== "answer" || data.id !== question) return;
    hits = new Set(data.hits.map((/** @type {any} */ hit) => hit.place));
    say();
    repaint();
  };
  worker.postMessage({ kind: "open", manifest, folder });

  function ask() {
    question += 1;
    const text = control("q").value.trim();
    if (!text) {
      hits = null;
      say();
      return repaint();
    }
    if (!loading) worker.postMessage({ kind: "load" });
    loading = true;
    worker.postMessage({ kind: "ask", id: question, question: text, filters: filters(), limit: HITS, typing: true });
  }

  const filters = () => ({ theme: control("theme").value, since: control("since").value, until: control("until").value });

  function filter() {
    if (Number(control("since").value) > Number(control("until").value)) control("until").value = control("since").value;
    for (const name of ["since", "until"])
      /** @type {any} */ (form.elements.namedItem(`${name}-year`)).value = control(name).value;
    passes = passing(filters(), manifest.facets, facets);
    say();
    explain();
    repaint();
    if (control("q").value.trim()) ask();
  }

  function say() {
    let seen = 0;
    for (let at = 0; at < points.length / 3; at += 1) if (passes(at)) seen += 1;
    const lit = hits ? `; the ${hits.size} that answer best are lit up` : "";
    const how = "Drag to move, scroll or pinch to come nearer, tap a point to see its paper.";
    status.textContent = `${seen.toLocaleString("en")} of ${about.papers.toLocaleString("en")} papers${lit}. ${how}`;
  }

  function explain() {
    key.hidden = !byTheme();
    const counts = entries.map(() => 0);
    for (let at = 0; at < points.length / 3; at += 1) if (passes(at)) counts[entry(at)] += 1;
    const items = entries.map(({ name, colour }, number) => {
      const item = document.createElement("li");
      const dot = document.createElement("span");
      dot.style.background = `var(--map-${colour})`;
      item.append(dot, `${name} ${counts[number].toLocaleString("en")}`);
      return item;
    });
    key.replaceChildren(...items);
  }

  /** @param {number} px @param {number} py */
  const under = (px, py) => {
    const [x, y] = placeAt(view, px, py);
    return find(x, y, Math.min(4_000, REACH / view.scale), (at) => passes(at) && (!hits || hits.has(at)));
  };

  /** @param {number} at */
  async function showPaper(at) {
    const { perShard } = manifest.details;
    const records = await (await fetch(`${folder}papers/${Math.floor(at / perShard)}.json`)).json();
    const paper = records[at % perShard];
    const title = document.createElement(/^https?:\/\//.test(paper.link) ? "a" : "span");
    title.textContent = paper.title;
    if (title instanceof HTMLAnchorElement) title.href = paper.link;
    const facts = Object.assign(document.createElement("div"), { className: "facts" });
    const cluster = about.clusters[points[3 * at + 2]]?.name;
    facts.textContent = [
      paper.authors.join(", ") + (paper.more ? " et al." : ""),
      paper.date,
      paper.venue,
      cluster && `cluster: ${cluster}`,
    ]
      .filter(Boolean)
      .join(" · ");
    card.replaceChildren(title, facts);
  }

  listen(
    names,
    { get: () => view, set: (next) => ((view = next), redraw()) },
    (px, py) => {
      const at = under(px, py);
      if (at >= 0) showPaper(at).catch(() => undefined);
    },
    (px, py) => {
      names.style.cursor = under(px, py) >= 0 ? "pointer" : "grab";
    },
  );

  for (const group of manifest.facets.groups) {
    control("theme").append(new Option(group.name, group.id));
    const inside = manifest.facets.themes.filter((/** @type {any} */ it) => it.id.startsWith(`${group.id}/`));
    control("theme").append(...inside.map((/** @type {any} */ it) => new Option(`\u2003${it.name}`, it.id)));
  }
  for (const [name, value] of [
    ["since", manifest.facets.firstYear],
    ["until", manifest.facets.lastYear],
  ]) {
    Object.assign(control(name), { min: manifest.facets.firstYear, max: manifest.facets.lastYear, value });
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target !== control("q")) return filter();
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  new ResizeObserver(resize).observe(place);
  new MutationObserver(repaint).observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
  resize();
  filter();
  place.dataset.state = "live";
}

/** @param {string} colour "#rrggbb" */
const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.trim().slice(at, at + 2), 16) || 0);

/**
 * Turn pointers, the wheel and keys into views.
 * @param {HTMLCanvasElement} layer
 * @param {{get: () => import("./view.js").View, set: (view: import("./view.js").View) => void}} held
 * @param {(px: number, py: number) => void} tapped
 * @param {(px: number, py: number) => void} over
 */
function listen(layer, held, tapped, over) {
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let travelled = 0;
  layer.addEventListener("pointerdown", (event) => {
    layer.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    if (fingers.size === 1) travelled = 0;
  });
  layer.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return over(event.offsetX, event.offsetY);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    const now = { x: event.offsetX, y: event.offsetY };
    travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (other) {
      const factor =
        Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      held.set(zoomed(held.get(), factor, other.x, other.y));
    } else held.set(moved(held.get(), now.x - before.x, now.y - before.y));
    fingers.set(event.pointerId, now);
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    layer.addEventListener(end, (event) => {
      if (end === "pointerup" && fingers.size === 1 && travelled < 5) tapped(event.offsetX, event.offsetY);
      fingers.delete(event.pointerId);
    });
  }
  layer.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      held.set(zoomed(held.get(), Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY));
    },
    { passive: false },
  );
  const keys = {
    ArrowLeft: [60, 0, 1],
    ArrowRight: [-60, 0, 1],
    ArrowUp: [0, 60, 1],
    ArrowDown: [0, -60, 1],
    "+": [0, 0, 1.4],
    "=": [0, 0, 1.4],
    "-": [0, 0, 1 / 1.4],
  };
  layer.addEventListener("keydown", (event) => {
    const told = /** @type {Record<string, number[]>} */ (keys)[event.key];
    if (!told || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [dx, dy, factor] = told;
    held.set(factor === 1 ? moved(held.get(), dx, dy) : zoomed(held.get(), factor));
  });
}

start().catch(() => {
  status.textContent = "The map could not be loaded; the picture stays.";
});
