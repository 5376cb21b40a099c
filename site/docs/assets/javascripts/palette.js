// Before the page is painted: the reader's own choice of light or dark, else the system's.
(() => {
  const chosen = __md_get("__palette");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const wanted = chosen?.color?.scheme ?? (dark ? "slate" : "default");
  document.body.setAttribute("data-md-color-scheme", wanted === "slate" ? "slate" : "default");
})();
