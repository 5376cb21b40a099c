// The list of answers: every text of a paper becomes a text node, never markup.
import { stretches } from "./highlight.js";

const SHARED = 3; // a theme that so many of the answers carry is one that they have in common

/**
 * @typedef {import("./export.js").Paper} Paper
 * @typedef {{papers: number, folder: string, meaning: object | null, precise: {bytes: number} | null,
 *   facets: {themes: {id: string, name: string}[], groups: {id: string, name: string}[], venues: string[], sources: string[], firstYear: number, lastYear: number}}} Manifest
 * @typedef {{id: number, hits: import("./engine.js").Hit[], papers: Map<number, Paper>, manifest: Manifest | null}} Shown
 */

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Make room for the answers; papers that were among the last ones keep what they show.
 * @param {HTMLElement} list
 * @param {Shown} state
 */
export function showHits(list, { hits }) {
  const old = new Map([...list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.place, item]));
  const items = hits.map(({ place }) => old.get(String(place)) ?? element("li", { "data-place": String(place) }, "…"));
  list.replaceChildren(...items);
}

/**
 * Fill in the papers that have come meanwhile.
 * @param {HTMLElement} list
 * @param {Shown} state
 * @param {string} question
 * @param {URL} site
 */
export function fillHits(list, state, question, site) {
  const common = themesInCommon(state);
  state.hits.forEach((hit, at) => {
    const paper = state.papers.get(hit.place);
    const item = /** @type {HTMLElement | undefined} */ (list.children[at]);
    if (!paper || !item) return;
    const told = JSON.stringify([hit, question, paper.themes.map((id) => common.get(id))]);
    if (item.dataset.told === told) return; // what a reader has opened in it stays open
    item.dataset.told = told;
    item.replaceChildren(...entry(hit, paper, common, state, question, site));
  });
}

/**
 * Put a paper's abstract or summary where the reader opened it.
 * @param {HTMLElement} list
 * @param {number} place
 * @param {string | null} text null if it could not be loaded
 * @param {string} question
 */
export function showText(list, place, text, question) {
  const room = list.querySelector(`li[data-place="${place}"] details.about p`);
  if (text === null) room?.replaceChildren("It could not be loaded. Check the network.");
  else room?.replaceChildren(...(text ? marked(text, question) : ["Its abstract may not be shown here; the title leads to it."]));
}

/**
 * @param {string} text
 * @param {string} question
 */
const marked = (text, question) =>
  stretches(text, question.trim() ? [question] : []).map(({ text: part, found }) => (found ? element("mark", {}, part) : part));

/** @param {Shown} state */
function themesInCommon({ hits, papers }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { place } of hits)
    for (const theme of papers.get(place)?.themes ?? []) counts.set(theme, (counts.get(theme) ?? 0) + 1);
  return new Map([...counts].filter(([, count]) => count >= SHARED));
}

/**
 * @param {import("./engine.js").Hit} hit
 * @param {Paper} paper
 * @param {Map<string, number>} common
 * @param {Shown} state
 * @param {string} question
 * @param {URL} site
 */
function entry(hit, paper, common, state, question, site) {
  const title = marked(paper.title, question);
  const known = /^https?:\/\//.test(paper.link);
  const named = known
    ? element("a", { href: paper.link, class: "title" }, ...title)
    : element("span", { class: "title" }, ...title);
  const authors = paper.authors.join(", ") + (paper.more ? " et al." : "");
  const facts = [paper.withdrawn ? "withdrawn" : "", authors, paper.date, paper.venue].filter(Boolean).join(" · ");
  const nameOf = (/** @type {string} */ id) => state.manifest?.facets.themes.find((theme) => theme.id === id)?.name ?? id;
  const themes = paper.themes.map((id) =>
    element("a", { href: new URL(`themes/${id}/`, site).href, class: "theme" }, nameOf(id)),
  );
  const shared = paper.themes.filter((id) => common.has(id)).map((id) => `${nameOf(id)} (${common.get(id)} of these)`);
  const why = [
    hit.words.length ? `words: ${hit.words.join(", ")}` : "",
    hit.nearness === null ? "" : `meaning: ${closeness(hit.nearness)}`,
    shared.length ? `themes in common: ${shared.join(", ")}` : "",
  ].filter(Boolean);
  return [
    named,
    element("div", { class: "facts" }, facts),
    ...(themes.length ? [element("div", { class: "themes" }, ...themes)] : []),
    element("div", { class: "facts why" }, `Why: ${why.join("; ") || "the same filters"}`),
    element(
      "div",
      { class: "acts" },
      ...(state.manifest?.meaning
        ? [
            element(
              "button",
              { type: "button", class: "like", "data-place": String(hit.place), "aria-label": `Papers like ${paper.title}` },
              "Similar papers",
            ),
          ]
        : []),
      element(
        "details",
        { class: "cite about", "data-place": String(hit.place) },
        element("summary", {}, "About"),
        element("p", {}, "…"),
      ),
      element("details", { class: "cite" }, element("summary", {}, "BibTeX"), element("pre", {}, paper.bibtex)),
    ),
  ];
}

/** @param {number} cosine */
const closeness = (cosine) => `${cosine > 0.6 ? "very near" : cosine > 0.4 ? "near" : "some way off"} (${cosine.toFixed(2)})`;
