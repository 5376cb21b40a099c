// Meaning: a question's vector is the sum of its word pieces' rows, and is compared with every paper's vector
// (`kb/embedding/table.py` learns the rows, `kb/page_search/packing.py` writes both files).

/**
 * Where the rows of pieces and of pairs of pieces lie.
 * @typedef {{rank: Int32Array, pairs: Map<number, number>}} Table
 */

/**
 * Read which word pieces have a row, and which pairs.
 * @param {Uint8Array} bytes a bit per piece of the vocabulary, then the pairs as two 16-bit numbers each
 * @param {number} vocabulary how many pieces the vocabulary has
 * @returns {Table}
 */
export function readTable(bytes, vocabulary) {
  const rank = new Int32Array(vocabulary).fill(-1);
  let rows = 0;
  for (let piece = 0; piece < vocabulary; piece += 1) {
    if (bytes[piece >> 3] & (1 << (piece & 7))) rank[piece] = rows++;
  }
  const start = Math.ceil(vocabulary / 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const pairs = new Map();
  for (let at = 0; at + 4 <= view.byteLength; at += 4) {
    pairs.set(pairKey(view.getUint16(at, true), view.getUint16(at + 2, true)), rows++);
  }
  return { rank, pairs };
}

/**
 * @param {number} one
 * @param {number} other
 */
const pairKey = (one, other) => one * 65536 + other;

/**
 * Return the rows that a question adds up.
 * @param {number[]} pieces
 * @param {Table} table
 * @returns {number[]}
 */
export function rowsOf(pieces, { rank, pairs }) {
  const found = pieces.map((piece) => rank[piece] ?? -1);
  for (let at = 1; at < pieces.length; at += 1) found.push(pairs.get(pairKey(pieces[at - 1], pieces[at])) ?? -1);
  return found.filter((row) => row >= 0);
}

/**
 * Add up rows and bring the sum to length one; null if there is none.
 * @param {Float32Array[]} rows
 * @returns {Float32Array | null}
 */
export function sum(rows) {
  if (!rows.length) return null;
  const total = new Float32Array(rows[0].length);
  for (const row of rows) for (let n = 0; n < total.length; n += 1) total[n] += row[n];
  return unit(total);
}

/** @param {Float32Array} vector */
export function unit(vector) {
  const length = Math.hypot(...vector);
  return length ? vector.map((value) => value / length) : vector;
}

/**
 * Return row `at` of a shard: a 32-bit step, then half a byte per dimension, the low half first.
 * @param {Uint8Array} shard
 * @param {number} at
 * @param {number[]} spread of each dimension
 */
export function readRow(shard, at, spread) {
  const start = at * (spread.length / 2 + 4);
  const step = new DataView(shard.buffer, shard.byteOffset + start, 4).getFloat32(0, true);
  return Float32Array.from(spread, (wide, n) => step * wide * (half(shard[start + 4 + (n >> 1)], n) - 7.5));
}

/**
 * @param {number} byte
 * @param {number} dimension
 */
const half = (byte, dimension) => (dimension & 1 ? byte >> 4 : byte & 15);

/**
 * The papers' vectors: half a byte h a dimension, low half first, which stands for centre + (h - 7.5) steps.
 * @typedef {{shards: (Uint8Array | undefined)[], papersPerShard: number, steps: Float32Array, centre: Float32Array}} Vectors
 */

/**
 * Return the similarity of every paper to a vector (about the cosine).
 * @param {Float32Array} vector
 * @param {Vectors} vectors every shard must be there
 * @param {number} papers
 */
export function similarities(vector, { shards, papersPerShard, steps, centre }, papers) {
  const width = vector.length >> 1;
  // for each byte of a paper, what its 256 values are worth to this question: one addition does two dimensions
  const worth = new Float32Array(width * 256);
  for (let at = 0; at < width; at += 1) {
    const low = vector[2 * at] * steps[2 * at];
    const high = vector[2 * at + 1] * steps[2 * at + 1];
    for (let byte = 0; byte < 256; byte += 1) worth[at * 256 + byte] = low * ((byte & 15) - 7.5) + high * ((byte >> 4) - 7.5);
  }
  const middle = vector.reduce((total, value, at) => total + value * centre[at], 0);
  const found = new Float32Array(papers);
  for (let paper = 0; paper < papers; paper += 1) {
    const shard = /** @type {Uint8Array} */ (shards[Math.floor(paper / papersPerShard)]);
    const start = (paper % papersPerShard) * width;
    let total = middle;
    for (let at = 0; at < width; at += 1) total += worth[(at << 8) + shard[start + at]];
    found[paper] = total;
  }
  return found;
}

/**
 * Return a paper's own vector at length one, as a question for papers like it.
 * @param {number} paper
 * @param {Vectors} vectors
 * @returns {Float32Array}
 */
export function vectorOf(paper, { shards, papersPerShard, steps, centre }) {
  const shard = /** @type {Uint8Array} */ (shards[Math.floor(paper / papersPerShard)]);
  const start = (paper % papersPerShard) * (steps.length >> 1);
  return unit(steps.map((step, n) => centre[n] + step * (half(shard[start + (n >> 1)], n) - 7.5)));
}
