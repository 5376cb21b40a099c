// The chart as shapes: where lines, bands, ticks and names go. What turns them into SVG is in page.js.
import { number, stretches } from "./series.js";

export const WIDTH = 760;
export const HEIGHT = 380;
const LEFT = 56;
const RIGHT = 190;
const TOP = 14;
const BOTTOM = 30;
const LINE_OF_TEXT = 15;

/**
 * Return the chart's shapes; null if there is nothing to draw.
 * @param {import("./series.js").Series[]} series
 * @param {"year" | "month"} step
 * @param {boolean} bands
 */
export function draw(series, step, bands) {
  const points = series.flatMap((one) => one.points);
  if (points.length < 2) return null;
  const times = points.map(({ period }) => number(period, step));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const most = Math.max(...points.map(({ value }) => value));
  // a sparse month's interval may reach far above every share; it is cut, lest the lines lie flat on the axis
  const reach = bands ? Math.min(Math.max(...points.map(({ high }) => high)), 3 * most || 1) : most || 1;
  const steps = niceSteps(reach);
  const top = steps[steps.length - 1];
  const x = (/** @type {string} */ period) => LEFT + ((WIDTH - LEFT - RIGHT) * (number(period, step) - first)) / Math.max(1, last - first);
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * Math.min(value, top)) / top;
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
  return { lines, names: apart(lines), ticksY: steps.map((value) => ({ value, y: y(value) })), ticksX: yearTicks(first, last, step, x) };
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
 */
function yearTicks(first, last, step, x) {
  const [from, to] = step === "year" ? [first, last] : [Math.ceil(first / 12), Math.floor(last / 12)];
  const every = Math.max(1, Math.ceil((to - from + 1) / 10));
  const years = [];
  for (let year = from; year <= to; year += every) years.push({ year, x: x(`${year}-01-01`) });
  return years;
}

/**
 * Move the names at the lines' ends apart, so that none covers another.
 * @param {{name: string, end: number}[]} lines
 */
function apart(lines) {
  const order = lines.map(({ end }, at) => ({ at, y: end })).sort((one, other) => one.y - other.y);
  order.forEach((it, n) => {
    if (n) it.y = Math.max(it.y, order[n - 1].y + LINE_OF_TEXT);
  });
  for (let n = order.length - 1; n >= 0; n -= 1) {
    const floor = n === order.length - 1 ? HEIGHT - BOTTOM : order[n + 1].y - LINE_OF_TEXT;
    order[n].y = Math.min(order[n].y, floor);
  }
  return order.sort((one, other) => one.at - other.at).map(({ y }) => ({ x: WIDTH - RIGHT + 8, y }));
}
