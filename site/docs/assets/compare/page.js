// The page of comparison: which subjects, read from the address; their series, from the files of the charts; one drawing.
import { draw, NARROW, WIDE } from "./drawing.js";
import { csv, indices, shares } from "./series.js";

const SITE = new URL("../../", import.meta.url);
const MOST = 8;
const COLOURS = 5; // in the style sheet; dashes tell the rest apart, and all of them without colour
const DASHES = ["", "6 3", "2 2", "8 3 2 3", "4 4", "1 3", "10 4", "12 3 3 3"];
const PHONE = 560; // pixels; below them the narrow drawing is made
const XMLNS = "http://www.w3.org/2000/svg";

const form = /** @type {HTMLFormElement} */ (document.querySelector("#compare-form"));
const status = /** @type {HTMLElement} */ (document.querySelector("#compare-status"));
const chosenList = /** @type {HTMLElement} */ (document.querySelector("#compare-chosen"));
const figure = /** @type {HTMLElement} */ (document.querySelector("#compare-chart"));
const place = /** @type {HTMLElement} */ (figure.querySelector(".drawing"));
const select = (/** @type {string} */ name) => /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));

/** @type {{subject: string, name: string, kind: string, year: string, month: string}[]} */
let topics = [];
/** @type {string[]} */
let chosen = [];
/** @type {import("./series.js").Series[]} */
let shown = [];
/** @type {Map<string, Promise<any>>} */
const files = new Map();
let turn = 0;
/** @type {import("./drawing.js").Size} */
let size = WIDE;

function readAddress() {
  const told = new URLSearchParams(location.search);
  const known = new Set(topics.map(({ subject }) => subject));
  chosen = [...new Set((told.get("t") ?? "").split(","))].filter((subject) => known.has(subject)).slice(0, MOST);
  select("step").value = told.get("step") === "month" ? "month" : "year";
  select("as").value = told.get("as") === "index" ? "index" : "share";
  /** @type {any} */ (form.elements.namedItem("bands")).checked = told.get("bands") !== "no";
}

function remember() {
  const told = new URLSearchParams({ t: chosen.join(","), step: select("step").value, as: select("as").value });
  if (!bands()) told.set("bands", "no");
  history.pushState(null, "", `${location.pathname}?${told}`);
}

const bands = () => /** @type {any} */ (form.elements.namedItem("bands")).checked;

/** @param {string} path */
function rowsOf(path) {
  let answer = files.get(path);
  if (!answer) {
    answer = fetch(new URL(path, SITE)).then((found) => (found.ok ? found.json() : Promise.reject(new Error(path))));
    answer.catch(() => files.delete(path));
    files.set(path, answer);
  }
  return answer.then(({ rows }) => rows);
}

async function show() {
  const mine = (turn += 1);
  listChosen();
  const step = /** @type {"year" | "month"} */ (select("step").value);
  const picked = chosen.map((subject) => /** @type {any} */ (topics.find((topic) => topic.subject === subject)));
  const drawable = picked.filter((topic) => topic[step]);
  const series = await Promise.all(drawable.map(async (topic) => shares(topic.subject, topic.name, await rowsOf(topic[step]))));
  if (mine !== turn) return;
  const index = select("as").value === "index" ? indices(series) : null;
  shown = index ? index.series : series;
  figure.hidden = false;
  size = place.clientWidth < PHONE ? NARROW : WIDE;
  const drawing = draw(shown, step, bands(), size);
  figure.hidden = !drawing;
  const lacking = picked.filter((topic) => !topic[step]).map(({ name }) => name);
  const lack = lacking.length ? ` Too few papers to draw by ${step}: ${lacking.join(", ")}.` : "";
  if (!drawing) {
    const reason =
      index && series.length ? "These have no period in common from which an index could start." : "Choose what to compare.";
    status.textContent = (chosen.length ? reason : "Choose what to compare.") + lack;
    return;
  }
  const what = index ? `Index, ${String(index.start).slice(0, step === "year" ? 4 : 7)} = 100` : "Share of papers";
  status.textContent = `${what}, by ${step}: ${shown.map(({ name }) => name).join(", ")}.${lack}`;
  const note = bands() ? " Bands are 95% intervals (Wilson)." : "";
  /** @type {HTMLElement} */ (figure.querySelector(".note")).textContent =
    `${status.textContent}${note} Gaps: periods that the corpus does not cover. Shares are as counted: where a source begins or ends, they move with it.`;
  place.replaceChildren(svg(drawing, Boolean(index), status.textContent));
  table(step, Boolean(index));
}

function listChosen() {
  chosenList.replaceChildren(
    ...chosen.map((subject, at) => {
      const item = document.createElement("li");
      const name = topics.find((topic) => topic.subject === subject)?.name ?? subject;
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${name} ×` });
      button.setAttribute("aria-label", `Remove ${name}`);
      button.addEventListener("click", () => change(chosen.filter((other) => other !== subject)));
      const sample = shape("svg", { class: "comparison sample", viewBox: "0 0 22 8", "aria-hidden": "true" });
      sample.append(
        shape("line", { class: `line c${at % COLOURS}`, x1: 0, x2: 22, y1: 4, y2: 4, "stroke-dasharray": DASHES[at] }),
      );
      button.prepend(sample);
      item.append(button);
      return item;
    }),
  );
  for (const option of select("add").options)
    option.disabled = chosen.includes(option.value) || (chosen.length >= MOST && option.value !== "");
}

/** @param {string[]} subjects */
function change(subjects) {
  chosen = subjects;
  remember();
  show().catch(fail);
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function shape(tag, attributes, text) {
  const made = document.createElementNS(XMLNS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/**
 * @param {NonNullable<ReturnType<typeof draw>>} drawing
 * @param {boolean} index
 * @param {string} said
 */
function svg({ lines, names, ticksX, ticksY }, index, said) {
  const made = shape("svg", {
    viewBox: `0 0 ${size.width} ${size.height}`,
    role: "img",
    "aria-label": said,
    class: "comparison",
  });
  const percent = (/** @type {number} */ value) => `${Number((100 * value).toPrecision(3))}%`;
  for (const { value, y } of ticksY) {
    made.append(shape("line", { class: "grid", x1: size.left, x2: size.width - size.right, y1: y, y2: y }));
    made.append(
      shape(
        "text",
        { class: "tick", x: size.left - 6, y: y + 4, "text-anchor": "end" },
        index ? String(Number(value.toPrecision(4))) : percent(value),
      ),
    );
  }
  for (const { year, x } of ticksX)
    made.append(shape("text", { class: "tick", x, y: size.height - 10, "text-anchor": "middle" }, String(year)));
  lines.forEach(({ band }, at) => band && made.append(shape("path", { class: `band c${at % COLOURS}`, d: band })));
  lines.forEach(({ line, name }, at) => {
    made.append(shape("path", { class: `line c${at % COLOURS}`, d: line, "stroke-dasharray": DASHES[at] }));
    if (!names[at]) return;
    const short = name.length > 27 ? `${name.slice(0, 26)}…` : name;
    const { x, y } = names[at];
    made.append(
      shape("line", { class: `line c${at % COLOURS}`, x1: x, x2: x + 14, y1: y, y2: y, "stroke-dasharray": DASHES[at] }),
    );
    made.append(shape("text", { class: `name t${at % COLOURS}`, x: x + 18, y: y + 4 }, short));
  });
  return made;
}

/** @param {"year" | "month"} step @param {boolean} index */
function table(step, index) {
  const row = (/** @type {string} */ tag, /** @type {string[]} */ cells) => {
    const made = document.createElement("tr");
    made.append(...cells.map((text) => Object.assign(document.createElement(tag), { textContent: text })));
    return made;
  };
  figure
    .querySelector("thead")
    ?.replaceChildren(row("th", ["Subject", step, index ? "Index" : "Share", "95% from", "to", "Papers", "Of"]));
  const told = (/** @type {number} */ value) => (index ? value.toFixed(0) : `${(100 * value).toFixed(2)}%`);
  const rows = shown.flatMap(({ name, points }) =>
    points.map((it) =>
      row("td", [
        name,
        it.period.slice(0, step === "year" ? 4 : 7),
        told(it.value),
        told(it.low),
        told(it.high),
        String(it.count),
        String(it.total),
      ]),
    ),
  );
  figure.querySelector("tbody")?.replaceChildren(...rows);
}

/** The drawing as a file of its own: colours that the style sheet gives are written into it. */
function standalone() {
  const drawn = /** @type {SVGElement} */ (place.querySelector("svg"));
  const copy = /** @type {SVGElement} */ (drawn.cloneNode(true));
  const from = [drawn, ...drawn.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, at) => {
    const style = getComputedStyle(from[at]);
    for (const name of ["fill", "fill-opacity", "stroke", "stroke-width", "font-size", "font-family"])
      element.setAttribute(name, style.getPropertyValue(name));
  });
  const ground = shape("rect", { width: size.width, height: size.height, fill: getComputedStyle(document.body).backgroundColor });
  copy.prepend(ground);
  copy.setAttribute("xmlns", XMLNS);
  copy.setAttribute("width", String(size.width));
  copy.setAttribute("height", String(size.height));
  return new XMLSerializer().serializeToString(copy);
}

/** @returns {Promise<Blob>} */
async function png() {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone())}`;
  await picture.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * size.width, height: 2 * size.height });
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(/** @type {Blob} */ (blob)), "image/png"));
}

/** @param {string} ending @param {Blob} blob */
function download(ending, blob) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `comparison.${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const saved = {
  svg: () => new Blob([standalone()], { type: "image/svg+xml" }),
  png,
  csv: () => new Blob([csv(shown, /** @type {"share" | "index"} */ (select("as").value))], { type: "text/csv" }),
};
for (const [ending, make] of Object.entries(saved)) {
  figure.querySelector(`button.${ending}`)?.addEventListener("click", async () => download(ending, await make()));
}
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", ({ target }) => {
  const added = target === select("add") ? select("add").value : "";
  if (target === select("add")) select("add").value = "";
  change(added && !chosen.includes(added) ? [...chosen, added].slice(0, MOST) : chosen);
});
matchMedia(`(max-width: ${PHONE}px)`).addEventListener("change", () => show().catch(fail));
addEventListener("popstate", () => {
  readAddress();
  show().catch(fail);
});

const fail = () => {
  status.textContent = "The data of the charts could not be loaded. Check the network, then reload the page.";
};

async function start() {
  const answer = await fetch(new URL("data/compare.json", SITE));
  if (!answer.ok) throw new Error(String(answer.status));
  const told = await answer.json();
  topics = told.topics;
  if (!topics.length) {
    status.textContent = "There is nothing to compare: trends need more papers than a reading list has.";
    return;
  }
  for (const kind of ["group", "theme", "cluster"]) {
    const group = Object.assign(document.createElement("optgroup"), { label: `${kind[0].toUpperCase()}${kind.slice(1)}s` });
    group.append(...topics.filter((topic) => topic.kind === kind).map(({ name, subject }) => new Option(name, subject)));
    if (group.children.length) select("add").append(group);
  }
  readAddress();
  if (!chosen.length) chosen = told.first;
  form.hidden = false;
  await show();
}

start().catch(fail);
