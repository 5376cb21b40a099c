// What part of the map is seen, which names fit, which point is meant.
import assert from "node:assert/strict";
import { test } from "node:test";

const { fitting, grid, moved, pixelOf, placeAt, SIDE, whole, zoomed, zoomOf } = await import(`${process.env.MAP_SCRIPTS}/view.js`);
const view = whole(800, 600);

test("the whole map is inside the first view", () => {
  for (const corner of [0, SIDE]) {
    const [x, y] = pixelOf(view, corner, corner);
    assert.ok(x >= 0 && x <= 800 && y >= 0 && y <= 600);
  }
});

test("the place under the pointer stays there when a reader comes nearer", () => {
  const near = zoomed(view, 3, 300, 200);
  const [before, after] = [placeAt(view, 300, 200), placeAt(near, 300, 200)];
  assert.ok(Math.abs(before[0] - after[0]) < 1e-6 * SIDE && Math.abs(before[1] - after[1]) < 1e-6 * SIDE);
  assert.ok(Math.abs(zoomOf(near) - 3) < 1e-9);
});

test("nobody gets farther than the whole map, nor off it", () => {
  assert.equal(zoomOf(zoomed(view, 0.01)), 1);
  assert.ok(moved(view, 1e9, -1e9).x >= 0 && moved(view, 1e9, -1e9).y <= SIDE);
});

test("names never cover one another; finer ones come when a reader is near", () => {
  const names = Array.from({ length: 300 }, (_, at) => ({ name: `N${at}`, x: (at * 7919) % SIDE, y: (at * 104729) % SIDE, papers: 300 - at, broad: at < 20 }));
  for (const [seen, broad] of [[view, true], [zoomed(view, 4), false]]) {
    const shown = fitting(names, seen, () => 60);
    assert.ok(shown.length > 3 && shown.every((it) => it.broad === broad));
    shown.forEach((one, at) => shown.slice(at + 1).forEach((other) => assert.ok(Math.abs(one.px - other.px) > 60 || Math.abs(one.py - other.py) > 20)));
  }
  assert.equal(fitting(names, view, () => 60)[0].name, "N0");
});

test("the nearest point within reach is found, those not seen are passed over", () => {
  const points = Uint16Array.from([100, 100, 0, 110, 100, 0, 60000, 60000, 1]);
  const find = grid(points);
  assert.equal(find(101, 100, 50, () => true), 0);
  assert.equal(find(101, 100, 50, (at) => at !== 0), 1);
  assert.equal(find(30000, 30000, 50, () => true), -1);
  assert.equal(find(65535, 65535, 8000, () => true), 2);
});
