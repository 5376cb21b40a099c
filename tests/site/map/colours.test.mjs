// What the colour of a point stands for when themes are coloured.
import assert from "node:assert/strict";
import { test } from "node:test";

const { entryOf, legend, NONE, SEVERAL } = await import(`${process.env.MAP_SCRIPTS}/colours.js`);
const facets = {
  groups: [
    { id: "data", name: "Data" },
    { id: "practice", name: "Practice" },
  ],
  themes: [...Array.from({ length: 9 }, (_, at) => ({ id: `data/${at}` })), { id: "practice/teams" }],
  sources: ["arxiv"],
};
const record = (...themes) => {
  const bits = themes.reduce((sum, theme) => sum | (1 << theme), 0);
  return [20, 0, 0, 1, bits & 255, bits >> 8];
};

test("a paper has the entry of the group of its themes, also beyond the first eight", () => {
  const entry = entryOf(facets, Uint8Array.from([...record(0, 8), ...record(9), ...record(), ...record(3, 9)]));
  const names = [0, 1, 2, 3].map((paper) => legend(facets.groups)[entry(paper)].name);
  assert.deepEqual(names, ["Data", "Practice", "none", "several of these"]);
});

test("the first eight groups differ in colour from each other and from several and none", () => {
  const groups = Array.from({ length: 8 }, (_, at) => ({ name: `G${at}` }));
  const colours = legend(groups).map((it) => it.colour);
  assert.equal(new Set(colours).size, 10);
  assert.deepEqual(colours.slice(-2), [SEVERAL, NONE]);
});
