// The full model in the page against the encoder in Python (test_search_scripts.py hands over an index and what to expect).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = process.env.SEARCH_INDEX;
const SCRIPTS = process.env.SEARCH_SCRIPTS;
const { openEngine } = await import(`${SCRIPTS}/engine.js`);
const { loadPrecise } = await import(`${SCRIPTS}/precise.js`);
const { gelu } = await import(`${SCRIPTS}/bert.js`);
const { VALUES } = await import(`${SCRIPTS}/float16.js`);

const manifest = JSON.parse(readFileSync(`${FOLDER}/index.json`, "utf8"));
const expected = JSON.parse(readFileSync(`${FOLDER}/expected.json`, "utf8"));
const from = (folder) => async (name) => new Uint8Array(readFileSync(`${FOLDER}/${folder}/${name}`));
const readIndex = from(manifest.folder);
const readModel = from(`model/${manifest.precise.folder}`);
const load = (advance) => loadPrecise(manifest, readIndex, readModel, advance);
const vocabulary = new Map(
  readFileSync(`${FOLDER}/${manifest.folder}/vocabulary.txt`, "utf8")
    .split("\n")
    .map((piece, at) => [piece, at]),
);
const places = ({ hits }) => hits.map(({ place }) => place);

test("a question's vector is that of Python", async () => {
  const precise = await load();
  for (const { question, vector } of expected.questions) {
    const found = precise.embed(question, vocabulary);
    assert.equal(found.length, vector.length);
    const cosine = found.reduce((sum, value, at) => sum + value * vector[at], 0);
    assert.ok(cosine > 0.9999, `${question}: ${cosine}`);
  }
});

test("the ten best are those of Python, but for near ties with the tenth", async () => {
  const precise = await load();
  const engine = openEngine(manifest, readIndex);
  for (const { question, scores, tied } of expected.questions) {
    const answer = await engine.search(question, { limit: 10, precise });
    assert.equal(answer.stage, "the full model");
    assert.ok(places(answer).every((place) => tied.includes(place)), question);
    answer.hits.forEach(({ nearness }, at) => assert.ok(Math.abs(nearness - scores[at]) < 1e-3));
  }
});

test("papers like one are found by exact vectors, without itself", async () => {
  const answer = await openEngine(manifest, readIndex).similar(expected.like.place, { limit: 10, precise: await load() });
  assert.equal(answer.stage, "the full model");
  assert.ok(places(answer).every((place) => place !== expected.like.place && expected.like.tied.includes(place)));
});

test("filters narrow what the full model finds", async () => {
  const precise = await load();
  const { hits } = await openEngine(manifest, readIndex).search("learning", { filters: { source: "other" }, limit: 2000, precise });
  assert.ok(hits.length > 0 && hits.every(({ place }) => place % 3 === 0));
});

test("without the full model the same engine answers by words", async () => {
  await load();
  assert.equal((await openEngine(manifest, readIndex).search("quantization")).stage, "words");
});

test("loading tells of every byte that was announced", async () => {
  let bytes = 0;
  await load((more) => (bytes += more));
  assert.equal(bytes, manifest.precise.bytes);
});

test("a file that is missing stops the loading", async () => {
  await assert.rejects(loadPrecise(manifest, readIndex, () => Promise.reject(new Error("offline"))));
});

test("strange questions break nothing", async () => {
  const precise = await load();
  const engine = openEngine(manifest, readIndex);
  for (const question of ["", "\u0000\ud800", "😀", "x".repeat(5000), "[CLS] [SEP]", "中文 naïve"]) {
    const { hits } = await engine.search(question, { precise });
    assert.ok(hits.every(({ nearness }) => Number.isFinite(nearness)));
  }
});

test("half precision numbers are read exactly", () => {
  const known = { 0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65_504, 0x0001: 2 ** -24, 0x0400: 2 ** -14, 0x3555: 0.333251953125 };
  for (const [bits, value] of Object.entries(known)) assert.equal(VALUES[Number(bits)], value);
  assert.equal(VALUES[0x7c00], Infinity);
});

test("the error unit is x times the normal distribution function", () => {
  const known = { "-3": -0.004049694, "-1": -0.158655254, 0: 0, 0.5: 0.345731231, 2: 1.954499736, 9: 9 };
  for (const [x, value] of Object.entries(known)) assert.ok(Math.abs(gelu(Number(x)) - value) < 1e-6, x);
});
