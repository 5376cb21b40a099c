// The worker: holds the index, answers the page's questions off its thread. No question leaves the browser; what is fetched are
// files of the index.
import { openEngine } from "./engine.js";

/** @type {ReturnType<typeof openEngine>} */
let engine;
/** @type {{manifest: any, folder: string}} */
let index;
/** @type {import("./engine.js").Precise | null} */
let precise = null;
let newest = 0;
let loading = new AbortController();

/**
 * Return what reads the files of a folder. Its name is made from its content, so what the browser has kept is always right.
 * @param {string} folder
 * @param {string} cacheName where the browser keeps them
 * @param {AbortSignal} [signal] gives up
 */
function readFrom(folder, cacheName, signal) {
  const kept = keptFiles(folder, cacheName);
  return async (/** @type {string} */ name) => {
    const address = `${folder}${name}`;
    const cache = await kept;
    let answer = await cache?.match(address);
    if (!answer) {
      answer = await fetch(address, { signal });
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      cache?.put(address, answer.clone()).catch(() => undefined); // no room: then it is fetched again next time
    }
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/**
 * Open what the browser keeps for offline use, and drop the files of states that are past. Null where pages may keep nothing.
 * @param {string} folder
 * @param {string} cacheName
 */
async function keptFiles(folder, cacheName) {
  try {
    const cache = await caches.open(cacheName);
    const past = (await cache.keys()).filter(({ url }) => !url.startsWith(folder));
    Promise.all(past.map((request) => cache.delete(request)));
    return cache;
  } catch {
    return null;
  }
}

/**
 * Answer, then send what the page shows of the papers found, file by file as they come. A long question whose words must still be
 * loaded is answered by some of them first.
 * @param {{id: number, question?: string, like?: number, filters?: object, limit?: number, typing?: boolean, share?: number,
 *   exact?: boolean}} asked `exact`: by the full model, if it is loaded
 */
async function answer({ id, question = "", like, exact, ...rest }) {
  newest = id;
  const options = { ...rest, precise: exact ? precise : null };
  if (options.precise) await new Promise((resume) => setTimeout(resume)); // the model takes its time: hear what was typed meanwhile
  if (id !== newest) return;
  const start = performance.now();
  if (like === undefined && !options.precise && engine.isLong(question)) {
    const first = await engine.search(question, { ...options, soon: true });
    if (id !== newest) return;
    if (first.hits.length) send(id, first, start);
  }
  const found = like === undefined ? await engine.search(question, options) : await engine.similar(like, options);
  if (id === newest) send(id, found, start); // else the reader has typed on
}

/**
 * @param {number} id
 * @param {import("./engine.js").Answer} found
 * @param {number} start when the question came
 */
function send(id, found, start) {
  postMessage({ kind: "answer", id, ...found, ms: performance.now() - start });
  /** @type {Set<number>} */
  const sent = new Set();
  for (const { place } of found.hits) {
    engine.details(place).then(
      ({ first, records }) => {
        if (sent.has(first)) return;
        sent.add(first);
        postMessage({ kind: "details", id, first, records });
      },
      () => postMessage({ kind: "failed", id }),
    );
  }
}

/** Load the full model, and tell how far it is; what was loaded before a stop is kept. */
async function loadModel() {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  const { manifest, folder } = index;
  let done = 0;
  try {
    const { loadPrecise } = await import("./precise.js");
    const ofModel = new URL(`../model/${manifest.precise.folder}/`, folder).href;
    precise ??= await loadPrecise(
      manifest,
      readFrom(folder, "papertide-index", signal),
      readFrom(ofModel, "papertide-model", signal),
      (bytes) => {
        done += bytes;
        if (!signal.aborted) postMessage({ kind: "precise", stage: "loading", done });
      },
    );
    if (!signal.aborted) postMessage({ kind: "precise", stage: "ready" });
  } catch {
    if (!signal.aborted) postMessage({ kind: "precise", stage: "failed" });
  }
}

/** @type {Record<string, (told: any) => unknown>} */
const kinds = {
  open: ({ manifest, folder }) => {
    index = { manifest, folder };
    engine = openEngine(manifest, readFrom(folder, "papertide-index"));
    postMessage({ kind: "opened" });
  },
  ask: (asked) => answer(asked).catch(() => postMessage({ kind: "failed", id: asked.id })),
  read: ({ place }) =>
    engine.text(place).then(
      (text) => postMessage({ kind: "text", place, text }),
      () => postMessage({ kind: "text", place, text: null }),
    ),
  load: () =>
    engine
      .loadAll((stage) => postMessage({ kind: "loaded", stage }))
      .catch(() => postMessage({ kind: "loaded", stage: "failed" })),
  precise: ({ on }) => (on ? loadModel() : loading.abort()),
};

onmessage = ({ data }) => kinds[data.kind]?.(data);
