// The comparison's own sums and shapes.
import assert from "node:assert/strict";
import { test } from "node:test";

const SCRIPTS = process.env.COMPARE_SCRIPTS;
const { csv, indices, number, shares, stretches } = await import(`${SCRIPTS}/series.js`);
const { draw, NARROW, niceSteps, WIDE } = await import(`${SCRIPTS}/drawing.js`);

const row = (period, count, total) => ({ period, count, total, share: count / total, low: count / total / 2, high: (count / total) * 1.5 });
const one = shares("theme:a", "A", [row("2018-01-01", 0, 100), row("2019-01-01", 10, 100), row("2020-01-01", 20, 100), row("2022-01-01", 40, 100)]);
const other = shares("theme:b", "B", [row("2019-01-01", 5, 100), row("2020-01-01", 4, 100)]);

test("an index starts at 100 in the first period that all have and none is zero in", () => {
  const { start, series } = indices([one, other]);
  assert.equal(start, "2019-01-01");
  assert.deepEqual(series.map(({ points }) => points.map(({ value }) => Math.round(value))), [[0, 100, 200, 400], [100, 80]]);
  assert.equal(Math.round(series[0].points[2].high), 300);
});

test("without a common period there is no index", () => {
  assert.deepEqual(indices([one, shares("theme:c", "C", [row("2001-01-01", 1, 10)])]), { start: null, series: [] });
});

test("periods that are not covered are gaps", () => {
  assert.deepEqual(stretches(one.points, "year").map((part) => part.length), [3, 1]);
  assert.equal(number("2020-01-01", "month") - number("2019-12-01", "month"), 1);
});

test("every point lies inside the drawing, bands that reach too far are cut", () => {
  const wild = shares("theme:d", "D", [{ ...row("2019-01-01", 1, 100), high: 0.9 }, row("2020-01-01", 1, 100)]);
  for (const size of [WIDE, NARROW]) {
    const drawing = draw([one, wild], "year", true, size);
    for (const { line, band } of drawing.lines) {
      for (const [x, y] of [...`${line}${band}`.matchAll(/([\d.-]+),([\d.-]+)/g)].map((it) => [Number(it[1]), Number(it[2])])) {
        assert.ok(x >= 0 && x <= size.width && y >= 0 && y <= size.height, `${x},${y}`);
      }
    }
    assert.equal(drawing.lines[0].line.match(/M/g).length, 2);
  }
});

test("names do not cover one another", () => {
  const many = Array.from({ length: 8 }, (_, at) => shares(`theme:${at}`, `N${at}`, [row("2019-01-01", 10 + at, 1000), row("2020-01-01", 10, 1000)]));
  const heights = draw(many, "year", false).names.map(({ y }) => y).sort((a, b) => a - b);
  heights.slice(1).forEach((y, at) => assert.ok(y - heights[at] >= 14.9));
});

test("steps of the axis are round and reach the top", () => {
  for (const most of [0.0123, 0.2, 1, 37, 412]) {
    const steps = niceSteps(most);
    assert.ok(steps.at(-1) >= most * 0.999 && steps.length <= 8, `${most}: ${steps}`);
  }
});

test("the data come as CSV with formulas defused", () => {
  const lines = csv([{ ...other, name: '=cmd, "x"' }], "share").split("\r\n");
  assert.equal(lines[0], "subject,name,period,share,low,high,papers,of");
  assert.equal(lines[1], `theme:b,"'=cmd, ""x""",2019-01-01,0.05,0.025,0.075,5,100`.replace("0.075", String(0.05 * 1.5)));
});
