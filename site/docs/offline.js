// The service worker: pages that were visited work without a network.
// Network first for everything that changes, so that a reader who is online never sees an old state.
const PAGES = "papertide-pages";
const ROOT = new URL("./", self.location.href).href;
const FIXED = /\/data\/search\/(?:model\/)?[0-9a-f]{16}\//;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  const { data } = event;
  if (data?.kind !== "keep" || !Array.isArray(data.urls)) return;
  const urls = data.urls.filter((url) => String(url).startsWith(ROOT) && !FIXED.test(url));
  event.waitUntil(caches.open(PAGES).then((cache) => Promise.allSettled(urls.map((url) => cache.add(url)))));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(ROOT)) return;
  if (FIXED.test(request.url)) return; // files of the index never change: the search itself keeps them, and reads them from there
  event.respondWith(fresh(request));
});

async function fresh(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok && (request.mode === "navigate" || /\.(?:js|css|json|svg|png)$/.test(new URL(request.url).pathname))) {
      const copy = answer.clone();
      caches
        .open(PAGES)
        .then((cache) => cache.put(withoutQuestion(request.url), copy))
        .catch(() => undefined);
    }
    return answer;
  } catch (error) {
    const kept = await caches.match(withoutQuestion(request.url));
    if (kept) return kept;
    throw error;
  }
}

/** A question is part of the address, but not of the page that answers it. @param {string} url */
function withoutQuestion(url) {
  return url.replace(/[?#].*$/, "");
}
