// Which colour a point has: that of its broad cluster, or of the group of themes it belongs to.

/** Numbers of the palette's colours; grey (4) is kept for what belongs nowhere. */
const HUES = [0, 1, 2, 3, 5, 6, 7, 9];
export const SEVERAL = 8;
export const NONE = 4;

/**
 * Return what the colours of themes stand for: a group each, papers of several groups, papers of none.
 * @param {{name: string}[]} groups
 * @returns {{name: string, colour: number}[]}
 */
export const legend = (groups) => [
  ...groups.map(({ name }, at) => ({ name, colour: HUES[at % HUES.length] })),
  { name: "several of these", colour: SEVERAL },
  { name: "none", colour: NONE },
];

/**
 * Return the function that gives a paper's place in the legend.
 * @param {{groups: {id: string}[], themes: {id: string}[], sources: string[]}} facets
 * @param {Uint8Array} bytes a record per paper, as `passing` in ranking.js reads it
 * @returns {(paper: number) => number}
 */
export function entryOf(facets, bytes) {
  const start = 3 + Math.ceil(facets.sources.length / 8);
  const width = start + Math.ceil(facets.themes.length / 8);
  const group = facets.themes.map(({ id }) => facets.groups.findIndex((it) => id === it.id || id.startsWith(`${it.id}/`)));
  const several = facets.groups.length;
  return (paper) => {
    let found = several + 1;
    for (let theme = 0; theme < group.length; theme += 1) {
      if (!(bytes[paper * width + start + (theme >> 3)] & (1 << (theme & 7)))) continue;
      if (found <= several && found !== group[theme]) return several;
      found = group[theme];
    }
    return found;
  };
}
