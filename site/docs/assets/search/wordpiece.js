// Words and word pieces of a text, exactly as BERT's uncased tokenizer makes them (`kb/embedding/wordpiece.py` is the twin).
// Characters that Unicode gained after version 8.0 in rare scripts may be classed differently; both then keep them whole.

const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;
const REMOVED = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/u;
const SPACE = /\p{White_Space}/u;
const MARK = /\p{Mn}/u;
const IDEOGRAPHS = [
  [0x4e00, 0x9fff], [0x3400, 0x4dbf], [0x20000, 0x2a6df], [0x2a700, 0x2b73f], [0x2b740, 0x2b81f], [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff], [0x2f800, 0x2fa1f],
];
const LONGEST_WORD = 100;
const PLAIN = /^[ -~]*$/;

/**
 * Return a text's words and punctuation marks, without capitals and accents.
 * @param {string} text
 * @returns {string[]}
 */
export function words(text) {
  const found = [];
  let word = "";
  const close = () => {
    if (word) found.push(word);
    word = "";
  };
  for (const letter of PLAIN.test(text) ? text.toLowerCase() : normal(text)) {
    if (SPACE.test(letter)) close();
    else if (PUNCTUATION.test(letter)) {
      close();
      found.push(letter);
    } else word += letter;
  }
  close();
  return found;
}

/** @param {string} text */
function normal(text) {
  let clean = "";
  for (const letter of text) {
    if (letter === "\t" || letter === "\n" || letter === "\r") clean += " ";
    else if (REMOVED.test(letter)) continue;
    else if (SPACE.test(letter)) clean += " ";
    else if (isIdeograph(letter)) clean += ` ${letter} `;
    else clean += letter;
  }
  let low = "";
  // letter by letter: over a whole text, JavaScript writes a final sigma differently
  for (const letter of clean.normalize("NFD")) if (!MARK.test(letter)) low += letter.toLowerCase();
  return low;
}

/** @param {string} letter */
function isIdeograph(letter) {
  const point = letter.codePointAt(0) ?? 0;
  return point >= 0x3400 && IDEOGRAPHS.some(([first, last]) => point >= first && point <= last);
}

/**
 * Return the numbers of a text's word pieces, without the marks of beginning and end.
 * @param {string} text
 * @param {Map<string, number>} vocabulary number of every piece; those that go on a word begin with "##"
 * @returns {number[]}
 */
export function pieces(text, vocabulary) {
  return words(text).flatMap((word) => cut(word, vocabulary));
}

/**
 * @param {string} word
 * @param {Map<string, number>} vocabulary
 */
function cut(word, vocabulary) {
  const unknown = [/** @type {number} */ (vocabulary.get("[UNK]"))];
  const letters = [...word];
  if (letters.length > LONGEST_WORD) return unknown;
  const found = [];
  for (let start = 0; start < letters.length; ) {
    let end = letters.length;
    let piece;
    while (end > start) {
      piece = vocabulary.get((start ? "##" : "") + letters.slice(start, end).join(""));
      if (piece !== undefined) break;
      end -= 1;
    }
    if (piece === undefined) return unknown;
    found.push(piece);
    start = end;
  }
  return found;
}
