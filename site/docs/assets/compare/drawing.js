// The chart as shapes: where lines, bands, ticks and names go. What turns them into SVG is in page.js.
import { number, stretches } from "./series.js";

/** @typedef {{width: number, height: number, left: number, right: number}} Size `right` is the room for the lines' names */
/** @type {Size} */
export const WIDE = { width: 760, height: 380, left: 56, right: 190 };
/** @type {Size} Without names: on a phone the colours beside the chosen subjects say which line is which. */
export const NARROW = { width: 380, height: 280, left: 46, right: 10 };
const TOP = 14;
const BOTTOM = 30;
const LINE_OF_TEXT = 15;

/**
 * Return the chart's shapes; null if there is nothing to draw.
 * @param {import("./series.js").Series[]} series
 * @param {"year" | "month"} step
 * @param {boolean} bands
 * @param {Size} [size]
 */
export function draw(series, step, bands, { width, height, left, right } = WIDE) {
  const points = series.flatMap((one) => one.points);
  if (points.length < 2) return null;
  const times = points.map(({ period }) => number(period, step));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const most = Math.max(...points.map(({ value }) => value));
  // a sparse month's interval may reach far above every share; it is cut, lest the lines lie flat on the axis
  const reach = bands ? Math.min(Math.max(...points.map(({ high }) => high)), 3 * most || 1) : most || 1;
  const steps = niceSteps(reach);
  const top = steps[steps.length - 1];
  const x = (/** @type {string} */ period) => left + ((width - left - right) * (number(period, step) - first)) / Math.max(1, last - first);
  const y = (/** @type {number} */ value) => height - BOTTOM - ((height - TOP - BOTTOM) * Math.min(value, top)) / top;
  const at = (/** @type {import("./series.js").Point} */ point, /** @type {number} */ value) => `${x(point.period).toFixed(1)},${y(value).toFixed(1)}`;
  const lines = series.map((one) => {
    const parts = stretches(one.points, step);
    return {
      name: one.name,
      line: parts.map((part) => `M${(part.length > 1 ? part : [part[0], part[0]]).map((point) => at(point, point.value)).join("L")}`).join(""),
      band: bands
        ? parts.map((part) => `M${part.map((it) => at(it, it.high)).join("L")}L${[...part].reverse().map((it) => at(it, it.low)).join("L")}Z`).join("")
        : "",
      end: one.points.length ? y(one.points[one.points.length - 1].value) : 0,
    };
  });
  return {
    lines,
    names: right > 100 ? apart(lines, height).map((at) => ({ x: width - right + 8, y: at })) : [],
    ticksY: steps.map((value) => ({ value, y: y(value) })),
    ticksX: yearTicks(first, last, step, x, right > 100 ? 10 : 5),
  };
}

/**
 * Return round steps from 0 to at least a value.
 * @param {number} most
 */
export function niceSteps(most) {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 2.5, 5, 10].map((it) => it * power).find((it) => it >= rough * 0.999) ?? 10 * power;
  return Array.from({ length: Math.ceil(most / size - 1e-9) + 1 }, (_, at) => at * size);
}

/**
 * @param {number} first
 * @param {number} last
 * @param {"year" | "month"} step
 * @param {(period: string) => number} x
 * @param {number} most how many there may be
 */
function yearTicks(first, last, step, x, most) {
  const [from, to] = step === "year" ? [first, last] : [Math.ceil(first / 12), Math.floor(last / 12)];
  const every = Math.max(1, Math.ceil((to - from + 1) / most));
  const years = [];
  for (let year = from; year <= to; year += every) years.push({ year, x: x(`${year}-01-01`) });
  return years;
}

/**
 * Move the names at the lines' ends apart, so that none covers another.
 * @param {{name: string, end: number}[]} lines
 * @param {number} height
 * @returns {number[]} the height of each
 */
function apart(lines, height) {
  const order = lines.map(({ end }, at) => ({ at, y: end })).sort((one, other) => one.y - other.y);
  order.forEach((it, n) => {
    if (n) it.y = Math.max(it.y, order[n - 1].y + LINE_OF_TEXT);
  });
  for (let n = order.length - 1; n >= 0; n -= 1) {
    const floor = n === order.length - 1 ? height - BOTTOM : order[n + 1].y - LINE_OF_TEXT;
    order[n].y = Math.min(order[n].y, floor);
  }
  return order.sort((one, other) => one.at - other.at).map(({ y }) => y);
}
