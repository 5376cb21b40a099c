// The list of results as files: BibTeX as the site writes it everywhere, CSV as RFC 4180 has it.

/**
 * @typedef {{id: string, title: string, authors: string[], more: number, date: string, venue: string, kind: string, link: string,
 *   themes: string[], cluster: string, withdrawn: boolean, bibtex: string}} Paper
 */

const COLUMNS = ["id", "title", "authors", "date", "venue", "kind", "link", "themes"];

/** @param {Paper[]} papers */
export const bibtex = (papers) => papers.map((paper) => paper.bibtex).join("\n");

/** @param {Paper[]} papers */
export function csv(papers) {
  const rows = papers.map((paper) => [
    paper.id, paper.title, [...paper.authors, ...(paper.more ? ["et al."] : [])].join("; "), paper.date, paper.venue, paper.kind,
    paper.link, paper.themes.join("; "),
  ]);
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/**
 * A cell that a spreadsheet would run as a formula gets a leading quote.
 * @param {string} value
 */
function cell(value) {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
