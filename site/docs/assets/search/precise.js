// Precise mode: the embedding model itself answers, and is compared with the papers' vectors as they are stored. Loaded on request.
import { openBert } from "./bert.js";
import { inLanes } from "./engine.js";
import { VALUES, halvesOf } from "./float16.js";
import { unit } from "./semantic.js";
import { pieces } from "./wordpiece.js";

const MARKS = /(\[(?:PAD|UNK|CLS|SEP|MASK)\])/; // the tokenizer in Python takes these for what they name, not for text

/**
 * What the index says of it: the model with its folder and files, and how the vectors lie.
 * @typedef {{folder: string, shards: number, bytes: number, shape: import("./bert.js").Shape, papersPerShard: number,
 *   vectorShards: number}} Told
 */

/**
 * Load the model and the vectors.
 * @param {{papers: number, precise: Told}} manifest
 * @param {(name: string) => Promise<Uint8Array>} readIndex gives a file of the index
 * @param {(name: string) => Promise<Uint8Array>} readModel gives a file of the model
 * @param {(bytes: number) => void} [advance] is told of every file's size
 * @returns {Promise<import("./engine.js").Precise>}
 */
export async function loadPrecise({ papers, precise: told }, readIndex, readModel, advance = () => undefined) {
  const { shape, papersPerShard } = told;
  const files = await inLanes(told.shards + told.vectorShards, async (at) => {
    const bytes = await (at < told.shards ? readModel(`${at}.bin`) : readIndex(`exact/${at - told.shards}.bin`));
    advance(bytes.length);
    return bytes;
  });
  const vectors = files.slice(told.shards).map(halvesOf);
  const encode = openBert(shape, halvesOf(joined(files.slice(0, told.shards))));

  /**
   * Return a question's vector.
   * @param {string} question
   * @param {Map<string, number>} vocabulary
   */
  const embed = (question, vocabulary) => {
    const parts = (shape.prompt + question).split(MARKS);
    return encode(parts.flatMap((part, at) => (at % 2 ? (vocabulary.get(part) ?? []) : pieces(part, vocabulary))));
  };

  /**
   * Return the cosine of every paper to a vector, exactly as `kb search` computes it.
   * @param {Float32Array} vector
   */
  function cosines(vector) {
    const found = new Float32Array(papers);
    for (let paper = 0; paper < papers; paper += 1) {
      const shard = vectors[Math.floor(paper / papersPerShard)];
      const start = (paper % papersPerShard) * vector.length;
      let total = 0;
      for (let n = 0; n < vector.length; n += 1) total += VALUES[shard[start + n]] * vector[n];
      found[paper] = total;
    }
    return found;
  }

  /**
   * Return a paper's own vector at length one, as a question for papers like it.
   * @param {number} paper
   */
  function vectorOf(paper) {
    const start = (paper % papersPerShard) * shape.dimensions;
    const own = vectors[Math.floor(paper / papersPerShard)].subarray(start, start + shape.dimensions);
    return unit(Float32Array.from(own, (half) => VALUES[half]));
  }

  return { embed, cosines, vectorOf };
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
