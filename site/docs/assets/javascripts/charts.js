// Charts turn interactive once a reader points at one, touches it or moves the focus to it: the library is 900 kB, and the
// drawing in the page already says everything. The same specification is drawn, by an interpreter, so no code is made from text.
(() => {
  const root = new URL("..", document.currentScript.src);
  let library;
  const load = () =>
    (library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("javascripts/vega.js", root);
      script.onload = () => resolve(window.vegaEmbed);
      script.onerror = reject;
      document.head.append(script);
    }));
  const enliven = async (place) => {
    if (place.dataset.state) return;
    place.dataset.state = "loading";
    try {
      const [embed, answer] = await Promise.all([load(), fetch(place.dataset.spec)]);
      const spec = await answer.json();
      const drawing = document.createElement("div");
      spec.width = Math.max(200, Math.min(spec.width, place.clientWidth - 8));
      await embed(drawing, spec, {
        actions: false, ast: true, defaultStyle: false, renderer: "svg", tooltip: { disableDefaultStyle: true },
      });
      drawing.querySelector("svg")?.setAttribute("aria-hidden", "true");
      place.replaceChildren(drawing);
      place.dataset.state = "interactive";
    } catch {
      place.dataset.state = "static"; // opened as a file, or the network went: the drawing stays
    }
  };
  for (const place of document.querySelectorAll(".drawing[data-spec]")) {
    for (const sign of ["pointerenter", "touchstart", "focusin"]) {
      place.addEventListener(sign, () => enliven(place), { once: true, passive: true });
    }
  }
})();
