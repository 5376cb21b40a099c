// The embedding model itself in plain JavaScript: BERT's forward pass over one short text, without padding.
// `kb/embedding/portable.py` packs the weights and says in which order they lie.
import { VALUES, widen } from "./float16.js";
import { unit } from "./semantic.js";

/**
 * @typedef {{width: number, layers: number, heads: number, inner: number, epsilon: number, pieces: number, positions: number,
 *   pooling: "mean" | "cls", dimensions: number, begin: number, end: number, prompt: string}} Shape
 * @typedef {{scale: Float32Array, shift: Float32Array}} Norm
 * @typedef {{weights: Float32Array, bias: Float32Array}} Linear
 */

/**
 * Open a model.
 * @param {Shape} shape
 * @param {Uint16Array} content every weight in half precision; rows of pieces are widened only when a text has them
 * @returns {(pieces: number[]) => Float32Array} gives the vector, at length one, of a text's word pieces without the marks
 */
export function openBert(shape, content) {
  const { width, inner, positions } = shape;
  const embeddings = content.slice(0, shape.pieces * width);
  let at = embeddings.length;
  const take = (/** @type {number} */ count) => widen(content.subarray(at, (at += count)));
  const norm = () => ({ scale: take(width), shift: take(width) });
  const linear = (/** @type {number} */ ins, /** @type {number} */ outs) => ({ weights: take(ins * outs), bias: take(outs) });
  const places = take(positions * width);
  const first = norm();
  const layers = Array.from({ length: shape.layers }, () => ({
    joined: linear(width, 3 * width), // query, key and value
    mixed: linear(width, width),
    afterMixing: norm(),
    inner: linear(width, inner),
    outer: linear(inner, width),
    after: norm(),
  }));

  /** @param {number[]} ids */
  function embed(ids) {
    const hidden = new Float32Array(even(ids.length) * width);
    ids.forEach((id, place) => {
      for (let n = 0; n < width; n += 1) {
        hidden[place * width + n] = VALUES[embeddings[id * width + n]] + places[place * width + n];
      }
    });
    return normalise(hidden, first, shape.epsilon);
  }

  return (pieces) => {
    const ids = [shape.begin, ...pieces.slice(0, positions - 2), shape.end];
    const count = ids.length;
    let hidden = embed(ids);
    for (const layer of layers) {
      const mixed = attend(apply(layer.joined, hidden), count, width, shape.heads);
      hidden = normalise(add(apply(layer.mixed, mixed), hidden), layer.afterMixing, shape.epsilon);
      const active = apply(layer.inner, hidden).map(gelu);
      hidden = normalise(add(apply(layer.outer, active), hidden), layer.after, shape.epsilon);
    }
    return unit(pool(hidden, shape.pooling === "cls" ? 1 : count, width).subarray(0, shape.dimensions));
  };
}

/** Texts are computed two pieces at a time: one more row where their number is odd. @param {number} count */
const even = (count) => count + (count & 1);

/**
 * Apply a linear layer to every row: two rows and four outputs at a time, so that each number read is used more than once.
 * @param {Linear} layer
 * @param {Float32Array} rows
 */
function apply({ weights, bias }, rows) {
  const outs = bias.length;
  const ins = weights.length / outs;
  const found = new Float32Array((rows.length / ins) * outs);
  for (let one = 0; one < rows.length; one += 2 * ins) {
    const other = one + ins;
    for (let out = 0; out < outs; out += 4) {
      const a = out * ins;
      const b = a + ins;
      const c = b + ins;
      const d = c + ins;
      let [a1, b1, c1, d1, a2, b2, c2, d2] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let n = 0; n < ins; n += 1) {
        const x = rows[one + n];
        const y = rows[other + n];
        const wa = weights[a + n];
        const wb = weights[b + n];
        const wc = weights[c + n];
        const wd = weights[d + n];
        a1 += wa * x;
        b1 += wb * x;
        c1 += wc * x;
        d1 += wd * x;
        a2 += wa * y;
        b2 += wb * y;
        c2 += wc * y;
        d2 += wd * y;
      }
      const place = (one / ins) * outs + out;
      found.set([a1, b1, c1, d1], place);
      found.set([a2, b2, c2, d2], place + outs);
    }
  }
  for (let at = 0; at < found.length; at += 1) found[at] += bias[at % outs];
  return found;
}

/**
 * Self-attention (Vaswani et al., "Attention is all you need", NeurIPS 2017).
 * @param {Float32Array} joined query, key and value of every piece, one after the other
 * @param {number} count of pieces
 * @param {number} width
 * @param {number} heads
 */
function attend(joined, count, width, heads) {
  const size = width / heads;
  const mixed = new Float32Array(even(count) * width);
  const weights = new Float64Array(count);
  for (let head = 0; head < heads; head += 1) {
    for (let piece = 0; piece < count; piece += 1) {
      const query = piece * 3 * width + head * size;
      let most = -Infinity;
      for (let other = 0; other < count; other += 1) {
        const key = (3 * other + 1) * width + head * size;
        let score = 0;
        for (let n = 0; n < size; n += 1) score += joined[query + n] * joined[key + n];
        weights[other] = score / Math.sqrt(size);
        if (weights[other] > most) most = weights[other];
      }
      let total = 0;
      for (let other = 0; other < count; other += 1) total += weights[other] = Math.exp(weights[other] - most);
      const target = piece * width + head * size;
      for (let other = 0; other < count; other += 1) {
        const value = (3 * other + 2) * width + head * size;
        const share = weights[other] / total;
        for (let n = 0; n < size; n += 1) mixed[target + n] += share * joined[value + n];
      }
    }
  }
  return mixed;
}

/**
 * Bring every row to mean 0 and variance 1, then to the scale and shift that were learnt, in place.
 * @param {Float32Array} rows
 * @param {Norm} norm
 * @param {number} epsilon
 */
function normalise(rows, { scale, shift }, epsilon) {
  const width = scale.length;
  for (let start = 0; start < rows.length; start += width) {
    let mean = 0;
    for (let n = 0; n < width; n += 1) mean += rows[start + n];
    mean /= width;
    let variance = 0;
    for (let n = 0; n < width; n += 1) variance += (rows[start + n] - mean) ** 2;
    const by = 1 / Math.sqrt(variance / width + epsilon);
    for (let n = 0; n < width; n += 1) rows[start + n] = (rows[start + n] - mean) * by * scale[n] + shift[n];
  }
  return rows;
}

/** @param {Float32Array} rows @param {Float32Array} others added in place */
function add(rows, others) {
  for (let at = 0; at < rows.length; at += 1) rows[at] += others[at];
  return rows;
}

/**
 * Gaussian error linear unit, x times the normal distribution function; the error function by formula 7.1.26 of Abramowitz and
 * Stegun, "Handbook of mathematical functions", 1964, whose error is below 1.5e-7.
 * @param {number} x
 */
export function gelu(x) {
  const size = Math.abs(x) * Math.SQRT1_2;
  const t = 1 / (1 + 0.3275911 * size);
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = 0.5 * series * Math.exp(-size * size);
  return x * (x < 0 ? tail : 1 - tail);
}

/** Return the mean of the first rows. @param {Float32Array} rows @param {number} count @param {number} width */
function pool(rows, count, width) {
  const mean = new Float32Array(width);
  for (let row = 0; row < count; row += 1) for (let n = 0; n < width; n += 1) mean[n] += rows[row * width + n] / count;
  return mean;
}
