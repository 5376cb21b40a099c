// The page of search: reads the question from the address and the form, asks the worker, shows what it answers.
import { preciseChoice } from "./choice.js";
import { bibtex, csv } from "./export.js";
import { fillHits, showHits, showText } from "./hits.js";

const SITE = new URL("../../", import.meta.url);
const PAUSE = 80; // milliseconds after the last key
const A_PAGE = 20; // before.js asks for as many
const NAMES = /** @type {const} */ (["theme", "since", "until", "venue", "source"]);
const LATER = ["precise.js", "bert.js", "float16.js"]; // what the worker loads on request

const form = /** @type {HTMLFormElement} */ (document.querySelector("#search-form"));
const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
const status = /** @type {HTMLElement} */ (document.querySelector("#search-status"));
const list = /** @type {HTMLOListElement} */ (document.querySelector("#hits"));
const actions = /** @type {HTMLElement} */ (document.querySelector("#search-actions"));
const more = /** @type {HTMLElement} */ (document.querySelector("#search-more"));
const examples = /** @type {HTMLElement} */ (document.querySelector("#search-examples"));
/** What before.js began: the worker, the list of the index, the first question and what was heard of it. */
const early = /** @type {any} */ (window).searchEarly;
/** @type {Worker} */
const worker = early.worker;

/**
 * @type {import("./hits.js").Shown & {like: number | null, likeTitle: string, limit: number, total: number, stage: string,
 *   loaded: string}}
 */
const state = {
  id: 0,
  hits: [],
  papers: new Map(),
  manifest: null,
  like: null,
  likeTitle: "",
  limit: A_PAGE,
  total: 0,
  stage: "",
  loaded: "",
};
const choice = preciseChoice(form, worker, () => (field.value.trim() || state.like !== null) && ask(true));
let timer = 0;
let settled = early.asked; // whether the question in the address was finished, not one that is being typed

const select = (/** @type {string} */ name) => /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));
const filters = () => Object.fromEntries(NAMES.map((name) => [name, select(name).value]));

/** @param {boolean} typing */
function ask(typing) {
  clearTimeout(timer);
  remember(typing);
  const question = field.value.trim();
  state.id += 1;
  if (!question && state.like === null) return showNothing();
  const asked = state.like === null ? { question, typing } : { like: state.like };
  worker.postMessage({ kind: "ask", id: state.id, ...asked, filters: filters(), limit: state.limit, exact: choice.on });
}

/** Keep the question in the address, so that it can be shared; a finished question stays a step of the browser's history. */
function remember(typing) {
  const told = new URLSearchParams();
  if (field.value.trim()) told.set("q", field.value.trim());
  for (const [name, value] of Object.entries(filters())) if (value) told.set(name, value);
  const address = `${location.pathname}${told.size ? `?${told}` : ""}`;
  if (address !== location.pathname + location.search) history[settled ? "pushState" : "replaceState"](null, "", address);
  settled = !typing;
}

/** @param {string} address the part after the page's path */
function readAddress(address) {
  const told = new URLSearchParams(address);
  field.value = (told.get("q") ?? "").slice(0, field.maxLength);
  for (const name of NAMES) select(name).value = told.get(name) ?? "";
  state.like = null;
}

function showNothing() {
  list.replaceChildren();
  actions.hidden = more.hidden = true;
  examples.hidden = false;
  say(`${state.manifest ? `${state.manifest.papers.toLocaleString("en")} papers. ` : ""}Nothing you type leaves this browser.`);
}

/** @param {string} text */
function say(text) {
  delete document.documentElement.dataset.early;
  if (status.textContent !== text) status.textContent = text;
}

function told() {
  const how =
    state.stage === "words" ? (meaningToCome() ? "by words; meaning is still loading" : "by words") : `by ${state.stage}`;
  const count = state.stage === "words" ? `${state.total.toLocaleString("en")} papers` : `the best ${state.hits.length} papers`;
  const like = state.like === null ? "" : `Papers like “${state.likeTitle}”: `;
  if (!state.hits.length) return `${like}No paper found. Try other words, or fewer filters.`;
  return `${like}${count[0].toUpperCase()}${count.slice(1)}, found ${how}.`;
}

const meaningToCome = () => Boolean(state.manifest?.meaning) && state.loaded === "";

/** @type {Record<string, (told: any) => void>} */
const heard = {
  answer: ({ id, hits, total, stage }) => {
    if (id !== state.id) return;
    Object.assign(state, { hits, total, stage });
    examples.hidden = true;
    actions.hidden = hits.length === 0;
    more.hidden = hits.length < state.limit;
    showHits(list, state, field.value);
    say(told());
    if (!hits.length) load();
  },
  details: ({ first, records }) => {
    records.forEach((/** @type {any} */ record, /** @type {number} */ at) => state.papers.set(first + at, record));
    fillHits(list, state, field.value, SITE);
    if (state.hits.every(({ place }) => state.papers.has(place))) load();
  },
  loaded: ({ stage }) => {
    state.loaded = stage;
    document.documentElement.dataset.search = stage;
    if (stage === "meaning" && state.like === null && field.value.trim() && !choice.on) ask(true);
    else if (state.hits.length) say(told());
  },
  precise: (told) => choice.hear(told),
  text: ({ place, text }) => showText(list, place, text, field.value),
  failed: ({ id }) => {
    if (id === state.id) say("A file of the index could not be loaded. Check the network, then search again.");
  },
};
worker.onerror = () => say("This browser cannot run the search: it needs module workers (any browser since 2023 has them).");

/**
 * Load what search by meaning needs and keep what works offline, once the first answer stands there, lest that wait: browsers load
 * six files at a time from one place. A reader who saves data is not sent megabytes.
 */
function load() {
  if (load.begun) return;
  load.begun = true;
  choice.begin();
  keepForOffline().catch(() => undefined); // a browser that forbids it has a search that needs the network
  if (!(/** @type {any} */ (navigator).connection?.saveData)) worker.postMessage({ kind: "load" });
}
load.begun = false;

/** @param {import("./hits.js").Manifest} manifest */
function fillFilters({ facets }) {
  const add = (/** @type {string} */ name, /** @type {[string, string][]} */ options) =>
    select(name).append(...options.map(([value, text]) => new Option(text, value)));
  for (const group of facets.groups) {
    const inside = facets.themes.filter(({ id }) => id.startsWith(`${group.id}/`));
    add("theme", [
      [group.id, group.name],
      ...inside.map(({ id, name }) => /** @type {[string, string]} */ ([id, `\u2003${name}`])),
    ]);
  }
  const years = Array.from({ length: facets.lastYear - facets.firstYear + 1 }, (_, at) => String(facets.lastYear - at));
  for (const name of ["since", "until"])
    add(
      name,
      years.map((year) => [year, year]),
    );
  for (const name of /** @type {const} */ (["venue", "source"])) {
    add(
      name,
      facets[`${name}s`].map((/** @type {string} */ value) => [value, value]),
    );
  }
}

/** @param {string} name @param {string} content @param {string} type */
function download(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const shownPapers = () => state.hits.flatMap(({ place }) => state.papers.get(place) ?? []);
const asks = {
  bibtex: () => download("papers.bib", bibtex(shownPapers()), "application/x-bibtex"),
  csv: () => download("papers.csv", csv(shownPapers()), "text/csv"),
};
for (const [name, act] of Object.entries(asks)) actions.querySelector(`.${name}`)?.addEventListener("click", act);

more.addEventListener("click", () => {
  state.limit += A_PAGE;
  ask(true);
});
list.addEventListener("click", ({ target }) => {
  const button = /** @type {HTMLElement} */ (target).closest("button.like");
  if (!button) return;
  state.like = Number(/** @type {HTMLElement} */ (button).dataset.place);
  state.likeTitle = state.papers.get(state.like)?.title ?? "";
  state.limit = A_PAGE;
  field.value = "";
  say("Looking for papers like it …");
  ask(false);
  status.focus();
});
list.addEventListener(
  "toggle",
  ({ target }) => {
    const { open, dataset } = /** @type {HTMLDetailsElement} */ (target);
    if (open && dataset.place) worker.postMessage({ kind: "read", place: Number(dataset.place) });
  },
  true, // toggling does not bubble
);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(false);
});
form.addEventListener("change", ({ target }) => target !== field && ask(false));
field.addEventListener("input", () => {
  state.like = null;
  state.limit = A_PAGE;
  clearTimeout(timer);
  timer = setTimeout(() => ask(true), PAUSE);
});
addEventListener("popstate", () => {
  readAddress(location.search);
  ask(true);
  settled = true;
});

async function start() {
  history.replaceState(history.state, "", location.pathname + early.address);
  field.value = new URLSearchParams(early.address).get("q") ?? "";
  const manifest = await early.manifest;
  state.manifest = manifest;
  fillFilters(manifest);
  choice.offer(manifest);
  readAddress(early.address);
  form.hidden = false;
  worker.onmessage = ({ data }) => heard[data.kind]?.(data);
  if (early.asked) {
    state.id = 1;
    for (const data of early.heard) heard[data.kind]?.(data);
  } else {
    ask(true);
    choice.begin();
    field.focus({ preventScroll: true });
  }
}

/** Let the service worker keep this page and what it is made of; the index is kept by the search itself. */
async function keepForOffline() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register(new URL("offline.js", SITE));
  const { active } = await navigator.serviceWorker.ready;
  const parts = performance.getEntriesByType("resource").map(({ name }) => name);
  const later = LATER.map((name) => new URL(name, import.meta.url).href);
  const urls = [location.pathname, ...parts, ...later].map((part) => new URL(part, SITE).href);
  active?.postMessage({ kind: "keep", urls: urls.filter((url) => url.startsWith(SITE.href)) });
}

start().catch(() => say("The index is not there. `kb site build` makes it."));
