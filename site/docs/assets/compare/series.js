// Series of shares: what is compared, and how it is brought to a common start.

/**
 * @typedef {{period: string, count: number, total: number, share: number, low: number, high: number}} Row
 * @typedef {{period: string, value: number, low: number, high: number, count: number, total: number}} Point
 * @typedef {{subject: string, name: string, points: Point[]}} Series
 */

/**
 * Return a subject's rows as points, as shares.
 * @param {string} subject
 * @param {string} name
 * @param {Row[]} rows
 * @returns {Series}
 */
export function shares(subject, name, rows) {
  return { subject, name, points: rows.map(({ share, ...row }) => ({ ...row, value: share })) };
}

/**
 * Return series as indices: 100 is each one's share in the first period that all have and in which none is zero.
 * The interval is that of the share itself; that the start is uncertain too is not in it.
 * @param {Series[]} series
 * @returns {{start: string | null, series: Series[]}}
 */
export function indices(series) {
  const positive = series.map(({ points }) => new Map(points.filter(({ value }) => value > 0).map((point) => [point.period, point.value])));
  const common = [...(positive[0]?.keys() ?? [])].filter((period) => positive.every((values) => values.has(period))).sort();
  if (!common.length) return { start: null, series: [] };
  const start = common[0];
  return {
    start,
    series: series.map((one, at) => {
      const scale = 100 / /** @type {number} */ (positive[at].get(start));
      const points = one.points.map((it) => ({ ...it, value: it.value * scale, low: it.low * scale, high: it.high * scale }));
      return { ...one, points };
    }),
  };
}

/**
 * Cut points into stretches without a gap: a period that the corpus does not cover is no zero and no straight line.
 * @param {Point[]} points in order of time
 * @param {"year" | "month"} step
 * @returns {Point[][]}
 */
export function stretches(points, step) {
  /** @type {Point[][]} */
  const found = [];
  points.forEach((point, at) => {
    const before = points[at - 1];
    if (before && number(point.period, step) - number(before.period, step) === 1) found[found.length - 1].push(point);
    else found.push([point]);
  });
  return found;
}

/**
 * Return a period's number: years, or months since year 0.
 * @param {string} period "2017-06-01"
 * @param {"year" | "month"} step
 */
export function number(period, step) {
  const [year, month] = period.split("-").map(Number);
  return step === "year" ? year : year * 12 + month - 1;
}

/**
 * Return a comparison as CSV.
 * @param {Series[]} series
 * @param {"share" | "index"} as
 */
export function csv(series, as) {
  const quote = (/** @type {string} */ text) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const rows = series.flatMap(({ subject, name, points }) =>
    points.map(({ period, value, low, high, count, total }) => [subject, quote(name), period, value, low, high, count, total].join(",")),
  );
  return [["subject", "name", "period", as, "low", "high", "papers", "of"].join(","), ...rows].map((row) => `${row}\r\n`).join("");
}
