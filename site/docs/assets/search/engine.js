// The search itself, apart from where its files come from: the worker reads them over the network, tests from a folder.
import { beginningWith, readShard, score, shardOf } from "./lexical.js";
import { anyFilter, best, fuse, passing } from "./ranking.js";
import { readRow, readTable, rowsOf, similarities, sum, vectorOf } from "./semantic.js";
import { terms } from "./terms.js";
import { pieces } from "./wordpiece.js";

const LANES = 3;
const MOST_DETAILS = 1500; // files; beyond that only papers that were shown are kept for offline use
const MOST_TERMS = 32;
const AT_ONCE = 5; // files of words: a browser loads six from one place at a time, and the next round costs a whole answer's time
const LONGEST_QUESTION = 1000;

/**
 * @typedef {import("./ranking.js").Filters} Filters
 * @typedef {import("./ranking.js").Facets} Facets
 * @typedef {{dimensions: number, vocabulary: number, rowsPerShard: number, rowShards: number, papersPerShard: number,
 *   vectorShards: number, steps: number[], centre: number[],
 *   spread: number[], share: number}} Meaning
 * @typedef {{papers: number, stopWords: string[], firstTerms: string[], meaning: Meaning | null, facets: Facets,
 *   details: {perShard: number, shards: number}, precise: import("./precise.js").Told | null}} Manifest
 * @typedef {{place: number, words: string[], nearness: number | null}} Hit
 * @typedef {{hits: Hit[], total: number, stage: "words" | "words and meaning" | "meaning" | "the full model"}} Answer
 * @typedef {{cosines: (vector: Float32Array) => Float32Array, vectorOf: (paper: number) => Float32Array}} Space the papers as
 *   vectors: how near each is to a vector, and the vector of one
 * @typedef {Space & {embed: (question: string, vocabulary: Map<string, number>) => Float32Array}} Precise
 * @typedef {(name: string) => Promise<Uint8Array>} Read
 */

/**
 * Read files a few at a time, in order: with more at once a question's own files would have to wait.
 * @template T
 * @param {number} count
 * @param {(at: number) => Promise<T>} read
 * @returns {Promise<T[]>}
 */
export async function inLanes(count, read) {
  /** @type {T[]} */
  const found = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const at = next;
      next += 1;
      found[at] = await read(at);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return found;
}

/**
 * Open an index.
 * @param {Manifest} manifest
 * @param {Read} read gives a file of the index; asked once for each
 */
export function openEngine(manifest, read) {
  const stopWords = new Set(manifest.stopWords);
  /** @type {Map<string, Promise<any>>} */
  const kept = new Map();
  /** @type {(name: string, parse: (bytes: Uint8Array) => any) => Promise<any>} */
  const once = (name, parse) => {
    let answer = kept.get(name);
    if (!answer) {
      answer = read(name).then(parse);
      answer.catch(() => kept.delete(name)); // the network may come back
      kept.set(name, answer);
    }
    return answer;
  };
  const wordShard = (/** @type {number} */ at) => once(`words/${at}.bin`, readShard);
  const rowShard = (/** @type {number} */ at) => once(`rows/${at}.bin`, (bytes) => bytes);
  const vectorShard = (/** @type {number} */ at) => once(`vectors/${at}.bin`, (bytes) => bytes);
  const facetBytes = () => once("facets.bin", (bytes) => bytes);
  const vocabulary = () =>
    once(
      "vocabulary.txt",
      (bytes) =>
        new Map(
          new TextDecoder()
            .decode(bytes)
            .split("\n")
            .map((piece, at) => [piece, at]),
        ),
    );
  const table = () => once("table.bin", (bytes) => readTable(bytes, /** @type {Meaning} */ (manifest.meaning).vocabulary));
  /** @type {Space | null} */
  let space = null;

  /** @param {string} question */
  const askedFor = (question) => [...new Map(terms(question, stopWords).map((it) => [it.term, it])).values()].slice(0, MOST_TERMS);

  /**
   * Return the words of a question that can be looked up at once: those whose files are there, and the longest of the others,
   * which tend to be the rarest.
   * @param {{term: string, word: string}[]} asked
   */
  function atOnce(asked) {
    const unread = asked.filter(({ term }) => !kept.has(`words/${shardOf(manifest.firstTerms, term)}.bin`));
    const later = unread.sort((one, other) => other.word.length - one.word.length).slice(AT_ONCE);
    return asked.filter((it) => !later.includes(it));
  }

  /**
   * Return whether a question has more words than can be looked up at once.
   * @param {string} question
   */
  function isLong(question) {
    const asked = askedFor(question.slice(0, LONGEST_QUESTION));
    return atOnce(asked).length < asked.length;
  }

  /**
   * @param {string} question
   * @param {boolean} typing whether its last word may be unfinished
   * @param {boolean} soon whether to look up only what can be at once
   */
  async function byWords(question, typing, soon) {
    const asked = askedFor(question);
    const now = soon ? atOnce(asked) : asked;
    const found = await Promise.all(
      asked.map(async ({ term, word }, at) => {
        if (!now.includes(asked[at])) return undefined;
        const place = shardOf(manifest.firstTerms, term);
        const shard = await wordShard(place);
        const unfinished = typing && at === asked.length - 1 && word.length > 2;
        if (shard.has(term) || !unfinished) return shard.get(term);
        const goesOn = manifest.firstTerms[place + 1]?.startsWith(word);
        return beginningWith(goesOn ? new Map([...shard, ...(await wordShard(place + 1))]) : shard, word);
      }),
    );
    return { asked, ...score(found, manifest.papers) };
  }

  /** @param {string} question */
  async function embed(question) {
    const meaning = /** @type {Meaning} */ (manifest.meaning);
    const rows = rowsOf(pieces(question, await vocabulary()), await table());
    const found = rows.map(async (row) => {
      const shard = await rowShard(Math.floor(row / meaning.rowsPerShard));
      return readRow(shard, row % meaning.rowsPerShard, meaning.spread);
    });
    return sum(await Promise.all(found));
  }

  /** @param {Filters} filters */
  async function allowedBy(filters) {
    return anyFilter(filters) ? passing(filters, manifest.facets, await facetBytes()) : () => true;
  }

  /**
   * Answer a question: by words alone until the vectors have been loaded; by meaning alone with the full model.
   * @param {string} question
   * @param {{filters?: Filters, limit?: number, typing?: boolean, share?: number, soon?: boolean, precise?: Precise | null}} [options]
   *   `share` of meaning: 0 is words alone; `soon`: by those words alone that can be looked up at once; `precise`: the full model,
   *   where it shall answer
   * @returns {Promise<Answer>}
   */
  async function search(
    question,
    { filters = {}, limit = 20, typing = false, share = manifest.meaning?.share ?? 0, soon = false, precise = null } = {},
  ) {
    const text = question.slice(0, LONGEST_QUESTION);
    const [{ asked, scores, matched }, vector, allowed] = await Promise.all([
      byWords(text, typing, soon),
      precise ? vocabulary().then((known) => precise.embed(text, known)) : space && share > 0 && !soon ? embed(text) : null,
      allowedBy(filters),
    ]);
    const near = vector && /** @type {Space} */ (precise ?? space).cosines(vector);
    const { places, total } = best(precise && near ? near : fuse(scores, near, share), limit, allowed);
    const hits = places.map((place) => ({
      place,
      words: asked.flatMap(({ word }, at) => (matched[place] & (2 ** at) ? [word] : [])),
      nearness: near ? near[place] : null,
    }));
    return { hits, total, stage: precise ? "the full model" : near ? "words and meaning" : "words" };
  }

  /**
   * Return the papers most like one of them, without itself.
   * @param {number} paper
   * @param {{filters?: Filters, limit?: number, precise?: Precise | null}} [options]
   * @returns {Promise<Answer>}
   */
  async function similar(paper, { filters = {}, limit = 20, precise = null } = {}) {
    if (!precise) await loadVectors();
    const near = precise ?? space;
    if (!near) return { hits: [], total: 0, stage: "meaning" };
    const passes = await allowedBy(filters);
    const cosines = near.cosines(near.vectorOf(paper));
    const { places, total } = best(cosines, limit, (other) => other !== paper && passes(other));
    const hits = places.map((place) => ({ place, words: [], nearness: cosines[place] }));
    return { hits, total, stage: precise ? "the full model" : "meaning" };
  }

  /** Load the papers' vectors, in order, after which questions are answered by meaning too. */
  async function loadVectors() {
    const { meaning } = manifest;
    if (!meaning || space) return;
    const vectors = {
      shards: await inLanes(meaning.vectorShards, vectorShard),
      papersPerShard: meaning.papersPerShard,
      steps: Float32Array.from(meaning.steps),
      centre: Float32Array.from(meaning.centre),
    };
    space = {
      cosines: (vector) => similarities(vector, vectors, manifest.papers),
      vectorOf: (paper) => vectorOf(paper, vectors),
    };
  }

  /**
   * Load everything that ranking may need, most useful first, a piece at a time so that questions are not kept waiting.
   * @param {(stage: "meaning" | "everything") => void} reached
   */
  async function loadAll(reached) {
    if (manifest.meaning) {
      await vocabulary();
      await table();
      await loadVectors();
      reached("meaning");
      await inLanes(manifest.meaning.rowShards, rowShard);
    }
    await inLanes(manifest.firstTerms.length, wordShard);
    await facetBytes();
    const { perShard, shards } = manifest.details;
    if (shards <= MOST_DETAILS) await inLanes(shards, (at) => details(at * perShard));
    reached("everything");
  }

  /**
   * Return what the page shows of the papers of one shard: the place of the first, and their records.
   * @param {number} place of any of them
   * @returns {Promise<{first: number, records: object[]}>}
   */
  function details(place) {
    const at = Math.floor(place / manifest.details.perShard);
    return once(`papers/${at}.json`, (bytes) => JSON.parse(new TextDecoder().decode(bytes))).then((records) => ({
      first: at * manifest.details.perShard,
      records,
    }));
  }

  /**
   * Return what a reader sees of a paper on opening it: its abstract or a summary, or nothing if neither may be shown.
   * @param {number} place
   * @returns {Promise<string>}
   */
  async function text(place) {
    const { perShard } = manifest.details;
    const bytes = await read(`texts/${Math.floor(place / perShard)}.json`);
    return JSON.parse(new TextDecoder().decode(bytes))[place % perShard];
  }

  return { search, isLong, similar, embed, loadVectors, loadAll, details, text };
}
