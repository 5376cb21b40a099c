// Numbers in half precision (IEEE 754 binary16), which JavaScript cannot read everywhere yet: vectors and weights are stored so.

/** The value of each of the 65,536 half precision numbers, by its bits. */
export const VALUES = Float32Array.from({ length: 65_536 }, (_, bits) => {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return (bits & 32_768 ? -1 : 1) * (exponent === 31 ? Infinity : size); // nothing that is stored is no number
});

/** @param {Uint16Array} halves */
export function widen(halves) {
  const wide = new Float32Array(halves.length);
  for (let at = 0; at < wide.length; at += 1) wide[at] = VALUES[halves[at]];
  return wide;
}

/**
 * Return bytes as half precision numbers.
 * @param {Uint8Array} bytes
 */
export const halvesOf = (bytes) => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
