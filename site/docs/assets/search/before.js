// Runs while the page is still being read: on a slow line the search is under way seconds before page.js may run.
//
// Material's bundle opens its own search of the site's pages for an address with ?q=. On this page the question is for the papers:
// it is taken out of the address before that script runs, and put back by page.js.
{
  const told = new URLSearchParams(location.search);
  const names = ["theme", "since", "until", "venue", "source"];
  const question = (told.get("q") ?? "").slice(0, 1000).trim();
  const here = document.currentScript.src;
  const worker = new Worker(new URL("worker.js", here), { type: "module" });
  const manifest = fetch(new URL("../../data/search/index.json", here)).then((answer) =>
    answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status))),
  );
  const early = { address: location.search, worker, manifest, asked: question !== "", heard: [] };
  worker.onmessage = ({ data }) => early.heard.push(data); // page.js hears these later
  manifest.then(
    (index) => {
      worker.postMessage({ kind: "open", manifest: index, folder: new URL(`../../data/search/${index.folder}/`, here).href });
      const filters = Object.fromEntries(names.map((name) => [name, told.get(name) ?? ""]));
      if (early.asked) worker.postMessage({ kind: "ask", id: 1, question, filters, limit: 20, typing: true });
    },
    () => undefined, // page.js says so
  );
  window.searchEarly = early;
  history.replaceState(history.state, "", location.pathname);
  document.documentElement.dataset.early = ""; // page.css keeps room for what page.js will show, so that nothing jumps
}
