// What the index of words knows a text by: its words without stop words, plurals as singulars
// (`kb/page_search/postings.py` is the twin).
import { words } from "./wordpiece.js";

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/**
 * Return a text's terms in order, with the word each was made from.
 * @param {string} text
 * @param {Set<string>} stopWords
 * @returns {{term: string, word: string}[]}
 */
export function terms(text, stopWords) {
  return words(text)
    .filter((word) => LETTER_OR_DIGIT.test(word) && !stopWords.has(word))
    .map((word) => ({ term: singular(word), word }));
}

/**
 * Return a word's singular by Harman's "S" stemmer (JASIS 42, 1991).
 * @param {string} word
 */
export function singular(word) {
  if (word.length < 4 || !word.endsWith("s")) return word;
  if (word.endsWith("ies")) return /[ea]ies$/.test(word) ? word : `${word.slice(0, -3)}y`;
  if (word.endsWith("es")) return /[aeo]es$/.test(word) ? word : word.slice(0, -1);
  return /[us]s$/.test(word) ? word : word.slice(0, -1);
}
