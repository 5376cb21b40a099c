// From scores to a short list: both scores as one, the filters, and the best few.

/**
 * Add words and meaning: each score is brought to its own best, so that neither's scale decides.
 * Convex combination: Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", TOIS 2023.
 * @param {Float32Array} words
 * @param {Float32Array | null} meaning
 * @param {number} share of meaning, between 0 and 1
 * @returns {Float32Array}
 */
export function fuse(words, meaning, share) {
  if (!meaning) return words;
  const most = highest(words);
  const nearest = highest(meaning);
  const fused = new Float32Array(words.length);
  for (let paper = 0; paper < fused.length; paper += 1) {
    const byWords = most > 0 ? words[paper] / most : 0;
    const byMeaning = nearest > 0 ? meaning[paper] / nearest : 0;
    fused[paper] = share * byMeaning + (1 - share) * byWords;
  }
  return fused;
}

/** @param {Float32Array} scores */
function highest(scores) {
  let most = 0;
  for (const score of scores) if (score > most) most = score;
  return most;
}

/**
 * Return the places of the best papers, best first; equal scores in the papers' own order.
 * @param {Float32Array} scores
 * @param {number} limit
 * @param {(paper: number) => boolean} allowed
 * @returns {{places: number[], total: number}} `total` counts every paper that has a score and is allowed
 */
export function best(scores, limit, allowed) {
  /** @type {number[]} */
  const heap = []; // the worst of those kept is on top
  const worse = (/** @type {number} */ one, /** @type {number} */ other) =>
    scores[one] < scores[other] || (scores[one] === scores[other] && one > other);
  let total = 0;
  for (let paper = 0; paper < scores.length; paper += 1) {
    if (!(scores[paper] > 0) || !allowed(paper)) continue;
    total += 1;
    if (heap.length < limit) {
      heap.push(paper);
      for (let at = heap.length - 1; at > 0; ) {
        const above = (at - 1) >> 1;
        if (!worse(heap[at], heap[above])) break;
        [heap[at], heap[above]] = [heap[above], heap[at]];
        at = above;
      }
    } else if (limit && worse(heap[0], paper)) {
      heap[0] = paper;
      for (let at = 0; ; ) {
        let least = at;
        for (const below of [2 * at + 1, 2 * at + 2]) if (below < heap.length && worse(heap[below], heap[least])) least = below;
        if (least === at) break;
        [heap[at], heap[least]] = [heap[least], heap[at]];
        at = least;
      }
    }
  }
  return { places: heap.sort((one, other) => (worse(one, other) ? 1 : -1)), total };
}

/**
 * What a reader may narrow the answers to; empty text means any.
 * @typedef {{theme?: string, since?: string, until?: string, venue?: string, source?: string}} Filters
 * @typedef {{themes: {id: string, name: string}[], venues: string[], sources: string[], firstYear: number}} Facets
 */

/**
 * Return the test of whether a paper passes.
 * @param {Filters} filters
 * @param {Facets} facets
 * @param {Uint8Array} bytes a record per paper: year, venue (16 bits), a bit per source, a bit per theme
 * @returns {(paper: number) => boolean}
 */
export function passing(filters, facets, bytes) {
  const sourceBytes = Math.ceil(facets.sources.length / 8);
  const width = 3 + sourceBytes + Math.ceil(facets.themes.length / 8);
  const source = facets.sources.indexOf(filters.source ?? "");
  const venue = facets.venues.indexOf(filters.venue ?? "") + 1;
  const wanted = filters.theme ?? "";
  const themes = facets.themes.flatMap(({ id }, at) => (id === wanted || id.startsWith(`${wanted}/`) ? [at] : []));
  const since = Number(filters.since) || -Infinity;
  const until = Number(filters.until) || Infinity;
  const has = (/** @type {number} */ start, /** @type {number} */ bit) => Boolean(bytes[start + (bit >> 3)] & (1 << (bit & 7)));
  return (paper) => {
    const start = paper * width;
    const year = facets.firstYear + bytes[start];
    if (year < since || year > until) return false;
    if (filters.venue && !(venue > 0 && bytes[start + 1] + 256 * bytes[start + 2] === venue)) return false;
    if (filters.source && !(source >= 0 && has(start + 3, source))) return false;
    return !wanted || themes.some((theme) => has(start + 3 + sourceBytes, theme));
  };
}

/** @param {Filters} filters */
export const anyFilter = (filters) => Object.values(filters).some(Boolean);
