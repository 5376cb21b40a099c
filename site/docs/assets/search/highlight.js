// Which letters of a title answer the question.
import { terms } from "./terms.js";

const NONE = new Set();

/**
 * Cut a text into stretches, and say which of them a word of the question stands for.
 * @param {string} text
 * @param {string[]} words as the question has them; a title's word counts if it is the same, its plural, or begins with it
 * @returns {{text: string, found: boolean}[]}
 */
export function stretches(text, words) {
  const wanted = words.flatMap((word) => terms(word, NONE));
  const answers = (/** @type {string} */ part) =>
    terms(part, NONE).some(({ term, word }) =>
      wanted.some((it) => it.term === term || (it.word.length > 2 && word.startsWith(it.word))),
    );
  return text
    .split(/([\p{L}\p{N}\p{M}]+)/u)
    .filter(Boolean)
    .map((part) => ({ text: part, found: wanted.length > 0 && answers(part) }));
}
