// Reading the index of words: which papers have a term, and its weight there (`kb/page_search/postings.py` writes it).

/**
 * @typedef {{places: Uint32Array, weights: Float32Array}} Posting
 */

/**
 * Read a shard: every term with its papers.
 * @param {Uint8Array} bytes
 * @returns {Map<string, Posting>}
 */
export function readShard(bytes) {
  const decoder = new TextDecoder();
  const found = new Map();
  let at = 0;
  const number = () => {
    let value = 0;
    let shift = 1;
    for (;;) {
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
      shift *= 128;
    }
  };
  let name = new Uint8Array(0);
  while (at < bytes.length) {
    const shared = number();
    const rest = number();
    const next = new Uint8Array(shared + rest);
    next.set(name.subarray(0, shared));
    next.set(bytes.subarray(at, at + rest), shared);
    at += rest;
    name = next;
    const places = new Uint32Array(number());
    let place = 0;
    for (let n = 0; n < places.length; n += 1) places[n] = place += number();
    const weights = new Float32Array(places.length).fill(bytes[at++]);
    if (weights.length > 1) {
      for (let n = 0; n < weights.length; n += 1) weights[n] *= (((bytes[at + (n >> 1)] >> (n & 1 ? 4 : 0)) & 15) + 1) / 16;
      at += (weights.length + 1) >> 1;
    }
    found.set(decoder.decode(name), { places, weights });
  }
  return found;
}

/**
 * Return the number of the shard that holds a term if any does.
 * @param {string[]} firstTerms the first term of every shard, in order of code points
 * @param {string} term
 */
export function shardOf(firstTerms, term) {
  let low = 0;
  let high = firstTerms.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byCodePoint(firstTerms[middle], term) <= 0) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/**
 * Order of code points, which JavaScript's own order of strings is not beyond U+FFFF.
 * @param {string} one
 * @param {string} other
 */
function byCodePoint(one, other) {
  const left = [...one];
  const right = [...other];
  for (let n = 0; n < Math.min(left.length, right.length); n += 1) {
    const gap = /** @type {number} */ (left[n].codePointAt(0)) - /** @type {number} */ (right[n].codePointAt(0));
    if (gap) return gap;
  }
  return left.length - right.length;
}

const EXPANSIONS = 12;

/**
 * Return the postings of the commonest terms that begin with what is typed so far, as one: each paper's largest weight.
 * @param {Map<string, Posting>} shard
 * @param {string} beginning
 * @returns {Posting | undefined}
 */
export function beginningWith(shard, beginning) {
  const chosen = [...shard]
    .filter(([term]) => term.startsWith(beginning))
    .sort((one, other) => other[1].places.length - one[1].places.length)
    .slice(0, EXPANSIONS);
  if (!chosen.length) return undefined;
  /** @type {Map<number, number>} */
  const best = new Map();
  for (const [, { places, weights }] of chosen) {
    places.forEach((place, n) => best.set(place, Math.max(best.get(place) ?? 0, weights[n])));
  }
  const places = Uint32Array.from(best.keys()).sort();
  return { places, weights: Float32Array.from(places, (place) => /** @type {number} */ (best.get(place))) };
}

/**
 * Add up the weights of a question's terms.
 * @param {(Posting | undefined)[]} postings one per term
 * @param {number} papers how many papers there are
 * @returns {{scores: Float32Array, matched: Uint32Array}} by paper: the score, and which terms it has, a bit each
 */
export function score(postings, papers) {
  const scores = new Float32Array(papers);
  const matched = new Uint32Array(papers);
  postings.forEach((posting, term) => {
    if (!posting) return;
    const bit = term < 32 ? 2 ** term : 0;
    for (let n = 0; n < posting.places.length; n += 1) {
      scores[posting.places[n]] += posting.weights[n];
      matched[posting.places[n]] |= bit;
    }
  });
  return { scores, matched };
}
