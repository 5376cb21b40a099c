// What Material's bundle expects to find: where the site's root is, and storage under that path. Material writes this into
// every page as an inline script; as a file of its own, pages need no exception in their Content-Security-Policy.
var __md_scope = new URL("../..", document.currentScript.src);
function __md_hash(text) {
  let sum = 0;
  for (const letter of text) sum = ((sum << 5) - sum + letter.charCodeAt(0)) | 0;
  return sum;
}
function __md_get(key, storage = localStorage, scope = __md_scope) {
  try {
    return JSON.parse(storage.getItem(scope.pathname + "." + key));
  } catch {
    return null;
  }
}
function __md_set(key, value, storage = localStorage, scope = __md_scope) {
  try {
    storage.setItem(scope.pathname + "." + key, JSON.stringify(value));
  } catch {
    // storage is full or forbidden: the choice lasts until the page is left
  }
}
