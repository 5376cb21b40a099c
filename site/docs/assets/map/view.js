// Which part of the map is seen: moving, zooming, which names fit. No drawing in here.

export const SIDE = 65535;
const CLOSEST = 200;

/**
 * The middle of what is seen, in places of the map, and pixels per place.
 * @typedef {{x: number, y: number, scale: number, width: number, height: number}} View
 */

/**
 * Return the view that shows the whole map.
 * @param {number} width
 * @param {number} height
 * @returns {View}
 */
export function whole(width, height) {
  return { x: SIDE / 2, y: SIDE / 2, scale: Math.min(width, height) / (SIDE * 1.04), width, height };
}

/** How many times nearer than the whole map. @param {View} view */
export const zoomOf = (view) => view.scale / whole(view.width, view.height).scale;

/**
 * Return the view nearer or farther by a factor; the place under (px, py) stays there.
 * @param {View} view
 * @param {number} factor
 * @param {number} px
 * @param {number} py
 * @returns {View}
 */
export function zoomed(view, factor, px = view.width / 2, py = view.height / 2) {
  const least = whole(view.width, view.height).scale;
  const scale = Math.min(CLOSEST * least, Math.max(least, view.scale * factor));
  const [x, y] = placeAt(view, px, py);
  return bounded({ ...view, scale, x: x - (px - view.width / 2) / scale, y: y - (py - view.height / 2) / scale });
}

/**
 * Return the view moved by pixels.
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 */
export const moved = (view, dx, dy) => bounded({ ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale });

/** The middle never leaves the map. @param {View} view @returns {View} */
function bounded(view) {
  const inside = (/** @type {number} */ value) => Math.min(SIDE, Math.max(0, value));
  return { ...view, x: inside(view.x), y: inside(view.y) };
}

/** @param {View} view @param {number} px @param {number} py @returns {[number, number]} */
export const placeAt = (view, px, py) => [view.x + (px - view.width / 2) / view.scale, view.y + (py - view.height / 2) / view.scale];

/** @param {View} view @param {number} x @param {number} y @returns {[number, number]} */
export const pixelOf = (view, x, y) => [(x - view.x) * view.scale + view.width / 2, (y - view.y) * view.scale + view.height / 2];

/**
 * Return the names that can be shown without one covering another: broad ones first, then larger ones.
 * @param {{name: string, x: number, y: number, papers: number, broad: boolean}[]} names in order of importance
 * @param {View} view
 * @param {(name: {name: string, broad: boolean}) => number} widthOf in pixels
 */
export function fitting(names, view, widthOf) {
  const near = zoomOf(view) >= 2;
  /** @type {{name: string, broad: boolean, px: number, py: number, width: number}[]} */
  const shown = [];
  for (const name of names) {
    if (name.broad === near) continue; // broad names from afar, finer ones from near
    const [px, py] = pixelOf(view, name.x, name.y);
    const width = widthOf(name);
    if (px < -width / 2 || py < 0 || px > view.width + width / 2 || py > view.height) continue;
    const free = shown.every((other) => Math.abs(other.px - px) > (other.width + width) / 2 + 6 || Math.abs(other.py - py) > 20);
    if (free) shown.push({ name: name.name, broad: name.broad, px, py, width });
  }
  return shown;
}

/**
 * A grid over the points, to find the one under the pointer without looking at all.
 * @param {Uint16Array} points three numbers each: x, y, cluster
 */
export function grid(points) {
  const CELLS = 256;
  /** @type {Map<number, number[]>} */
  const cells = new Map();
  const cellOf = (/** @type {number} */ x, /** @type {number} */ y) => (x >> 8) * CELLS + (y >> 8);
  for (let at = 0; at < points.length / 3; at += 1) {
    const cell = cellOf(points[3 * at], points[3 * at + 1]);
    const inside = cells.get(cell);
    if (inside) inside.push(at);
    else cells.set(cell, [at]);
  }
  /**
   * @param {number} x @param {number} y @param {number} reach in places of the map
   * @param {(at: number) => boolean} seen
   */
  return (x, y, reach, seen) => {
    let best = -1;
    let least = reach * reach;
    const first = (/** @type {number} */ value) => Math.max(0, Math.floor((value - reach) / CELLS));
    const last = (/** @type {number} */ value) => Math.min(CELLS - 1, Math.floor((value + reach) / CELLS));
    for (let cx = first(x); cx <= last(x); cx += 1) {
      for (let cy = first(y); cy <= last(y); cy += 1) {
        for (const at of cells.get(cx * CELLS + cy) ?? []) {
          const distance = (points[3 * at] - x) ** 2 + (points[3 * at + 1] - y) ** 2;
          if (distance < least && seen(at)) [best, least] = [at, distance];
        }
      }
    }
    return best;
  };
}
