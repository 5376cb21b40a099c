// The worker: holds the index, answers the page's questions off its thread. No question leaves the browser; what is fetched are
// files of the index.
import { openEngine } from "./engine.js";

/** @type {ReturnType<typeof openEngine>} */
let engine;
let newest = 0;

/**
 * Return what reads the files of a folder. Its name is made from its content, so what the browser has kept is always right.
 * @param {string} folder
 */
function readFrom(folder) {
  const kept = keptFiles(folder);
  return async (/** @type {string} */ name) => {
    const address = `${folder}${name}`;
    const cache = await kept;
    let answer = await cache?.match(address);
    if (!answer) {
      answer = await fetch(address);
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      cache?.put(address, answer.clone()).catch(() => undefined); // no room: then it is fetched again next time
    }
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/**
 * Open what the browser keeps for offline use, and drop the files of states that are past. Null where pages may keep nothing.
 * @param {string} folder
 */
async function keptFiles(folder) {
  try {
    const cache = await caches.open("papertide-index");
    const past = (await cache.keys()).filter(({ url }) => !url.startsWith(folder));
    Promise.all(past.map((request) => cache.delete(request)));
    return cache;
  } catch {
    return null;
  }
}

/**
 * Answer, then send what the page shows of the papers found, file by file as they come.
 * @param {{id: number, question?: string, like?: number, filters?: object, limit?: number, typing?: boolean, share?: number}} asked
 */
async function answer({ id, question, like, ...options }) {
  newest = id;
  const start = performance.now();
  const found = like === undefined ? await engine.search(question ?? "", options) : await engine.similar(like, options);
  if (id !== newest) return; // the reader has typed on
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

/** @type {Record<string, (told: any) => unknown>} */
const kinds = {
  open: ({ manifest, folder }) => {
    engine = openEngine(manifest, readFrom(folder));
    postMessage({ kind: "opened" });
  },
  ask: (asked) => answer(asked).catch(() => postMessage({ kind: "failed", id: asked.id })),
  load: () =>
    engine.loadAll((stage) => postMessage({ kind: "loaded", stage })).catch(() => postMessage({ kind: "loaded", stage: "failed" })),
};

onmessage = ({ data }) => kinds[data.kind]?.(data);
