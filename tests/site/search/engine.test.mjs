// The search engine of the page over an index that Python built (test_search_scripts.py hands over its folder and what to expect).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = process.env.SEARCH_INDEX;
const SCRIPTS = process.env.SEARCH_SCRIPTS;
const { openEngine } = await import(`${SCRIPTS}/engine.js`);
const { best, fuse } = await import(`${SCRIPTS}/ranking.js`);
const { bibtex, csv } = await import(`${SCRIPTS}/export.js`);
const { stretches } = await import(`${SCRIPTS}/highlight.js`);
const { singular } = await import(`${SCRIPTS}/terms.js`);

const manifest = JSON.parse(readFileSync(`${FOLDER}/index.json`, "utf8"));
const expected = JSON.parse(readFileSync(`${FOLDER}/expected.json`, "utf8"));
const asked = [];
const read = async (name) => {
  asked.push(name);
  return new Uint8Array(readFileSync(`${FOLDER}/${manifest.folder}/${name}`));
};
const open = () => openEngine(manifest, read);

test("words alone rank as BM25 in Python does", async () => {
  const engine = open();
  for (const { question, words } of expected.questions) {
    const { hits, stage } = await engine.search(question, { limit: 10 });
    assert.equal(stage, "words");
    assert.deepEqual(
      hits.map(({ place }) => place),
      words,
    );
  }
});

test("a question reads only the shards of its words", async () => {
  asked.length = 0;
  await open().search("quantization");
  assert.equal(asked.length, 1);
  assert.match(asked[0], /^words\/\d+\.bin$/);
});

test("a long question can be answered by its longest words first, with one round of files; the rest completes it", async () => {
  const engine = open();
  const question = expected.long;
  assert.ok(engine.isLong(question));
  asked.length = 0;
  const soon = await engine.search(question, { soon: true });
  assert.ok(asked.length <= 5, `${asked}`);
  assert.ok(soon.hits.length > 0);
  const whole = await engine.search(question);
  assert.ok(!engine.isLong(question));
  assert.deepEqual(whole.hits, (await open().search(question)).hits);
});

test("a short question, and one whose files are there, are not answered twice", async () => {
  const engine = open();
  assert.ok(!engine.isLong("quantization of weights"));
  await engine.search(expected.long);
  assert.ok(!engine.isLong(expected.long));
});

test("once vectors are loaded, questions are vectors near to those of Python, and papers near to them are found", async () => {
  const engine = open();
  await engine.loadVectors();
  for (const { question, vector, meaning } of expected.questions) {
    const found = await engine.embed(question);
    const cosine = found.reduce((sum, value, at) => sum + value * vector[at], 0);
    assert.ok(cosine > 0.98, `${question}: ${cosine}`);
    const { hits, stage } = await engine.search(question, { share: 1, limit: 10 });
    assert.equal(stage, "words and meaning");
    const shared = hits.filter(({ place }) => meaning.includes(place)).length;
    assert.ok(shared >= 6, `${question}: ${shared} of 10`);
  }
});

test("a paper's like are those of nearest vectors, without itself", async () => {
  const { hits } = await open().similar(expected.like.place, { limit: 10 });
  assert.ok(!hits.some(({ place }) => place === expected.like.place));
  assert.ok(hits.filter(({ place }) => expected.like.places.includes(place)).length >= 5); // rows drawn by chance lie close together
});

test("filters let pass what they say", async () => {
  const engine = open();
  for (const { filters, places } of expected.filters) {
    const { hits, total } = await engine.search("learning network model training data", { filters, limit: 2000 });
    const allowed = new Set(places);
    assert.ok(hits.length > 0 && hits.every(({ place }) => allowed.has(place)), JSON.stringify(filters));
    assert.equal(total, hits.length);
  }
});

test("a filter's values that nobody has find nothing", async () => {
  for (const filters of [{ venue: "no such venue" }, { source: "nowhere" }, { theme: "no/theme" }, { since: "3000" }]) {
    assert.equal((await open().search("learning", { filters })).total, 0);
  }
});

test("while a word is being typed, papers with words that go on from it are found", async () => {
  const engine = open();
  assert.equal((await engine.search("quantiza", { typing: false })).total, 0);
  const { total } = await engine.search("quantiza", { typing: true });
  assert.ok(total > 0);
  assert.ok(total >= (await engine.search("quantization")).total);
});

test("strange questions find nothing and break nothing", async () => {
  const engine = open();
  await engine.loadVectors();
  for (const question of [
    "",
    "   ",
    "the of and",
    "!!!",
    "\u0000\ud800",
    "😀",
    "x".repeat(5000),
    "<script>alert(1)</script>",
    "__proto__ constructor",
  ]) {
    const { hits } = await engine.search(question);
    assert.ok(hits.length <= 20);
  }
});

test("a file that failed is asked for again", async () => {
  let fail = true;
  const engine = openEngine(manifest, (name) => (fail ? Promise.reject(new Error("offline")) : read(name)));
  await assert.rejects(engine.search("quantization"));
  fail = false;
  assert.ok((await engine.search("quantization")).total > 0);
});

test("a paper's text is read when it is opened", async () => {
  assert.equal(await open().text(expected.like.place), expected.like.text);
});

test("the best few are those of a full sort, ties in order", () => {
  const scores = Float32Array.from({ length: 500 }, (_, at) => (at * 7919) % 50);
  const sorted = [...scores.keys()].filter((at) => scores[at] > 0).sort((a, b) => scores[b] - scores[a] || a - b);
  assert.deepEqual(
    best(scores, 30, () => true),
    { places: sorted.slice(0, 30), total: sorted.length },
  );
  const even = best(scores, 5, (at) => at % 2 === 0).places;
  assert.deepEqual(even, sorted.filter((at) => at % 2 === 0).slice(0, 5));
});

test("fusion weighs both scores, each brought to its own best", () => {
  const fused = fuse(Float32Array.of(10, 5, 0), Float32Array.of(0, 0.5, 1), 0.5);
  assert.deepEqual([...fused], [0.5, 0.5, 0.5]);
  assert.deepEqual([...fuse(Float32Array.of(1, 2), null, 0.5)], [1, 2]);
});

test("singulars are those of Python", () => {
  for (const [word, found] of expected.singulars) assert.equal(singular(word), found);
});

test("words of the question are marked in a title, their plurals and longer forms too", () => {
  const marked = (title, words) =>
    stretches(title, words)
      .filter(({ found }) => found)
      .map(({ text }) => text);
  assert.deepEqual(marked("Quantized Networks: a <b>network</b>", ["quantiz", "network"]), ["Quantized", "Networks", "network"]);
  assert.equal(
    stretches("A é B", [])
      .map(({ text }) => text)
      .join(""),
    "A é B",
  );
});

test("exports quote what CSV needs quoted and defuse formulas", () => {
  const paper = {
    id: "a",
    title: '=HYPERLINK("x"), "two"',
    authors: ["A B"],
    more: 1,
    date: "2020",
    venue: "V",
    kind: "preprint",
    link: "",
    themes: ["t/u"],
    cluster: "",
    withdrawn: false,
    bibtex: "@misc{a,\n}\n",
  };
  const [head, row] = csv([paper]).split("\r\n");
  assert.equal(head, "id,title,authors,date,venue,kind,link,themes");
  assert.equal(row, `a,"'=HYPERLINK(""x""), ""two""",A B; et al.,2020,V,preprint,,t/u`);
  assert.equal(bibtex([paper, paper]), "@misc{a,\n}\n\n@misc{a,\n}\n");
});
