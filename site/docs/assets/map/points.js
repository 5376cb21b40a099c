// The points, drawn by WebGL 2: one call for all of them, so that a hundred thousand move smoothly.

const VERTEX = `#version 300 es
in vec2 place; in vec4 colour;
uniform vec2 middle; uniform vec2 reach; uniform float size;
out vec4 ink;
void main() {
  vec2 at = (place - middle) / reach;
  gl_Position = vec4(at.x, -at.y, 0.0, 1.0);
  gl_PointSize = size * (colour.a > 0.9 ? 1.8 : 1.0);
  ink = colour;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 ink; out vec4 shown;
void main() {
  float edge = length(gl_PointCoord - 0.5);
  if (edge > 0.5) discard;
  shown = vec4(ink.rgb, 1.0) * ink.a * smoothstep(0.5, 0.4, edge);
}`;

/**
 * Return what draws points on a canvas, or null where the browser has no WebGL 2.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint16Array} points three numbers each: x, y, cluster
 */
export function openPoints(canvas, points) {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
  if (!gl) return null;
  const program = /** @type {WebGLProgram} */ (gl.createProgram());
  for (const [kind, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  const buffer = (/** @type {string} */ name, /** @type {number} */ size, /** @type {number} */ kind, /** @type {boolean} */ part, /** @type {number} */ stride) => {
    const made = gl.createBuffer();
    const where = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, made);
    gl.enableVertexAttribArray(where);
    gl.vertexAttribPointer(where, size, kind, part, stride, 0);
    return made;
  };
  buffer("place", 2, gl.UNSIGNED_SHORT, false, 6);
  gl.bufferData(gl.ARRAY_BUFFER, points, gl.STATIC_DRAW);
  const inks = buffer("colour", 4, gl.UNSIGNED_BYTE, true, 0);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const uniform = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
  const [middle, reach, size] = ["middle", "reach", "size"].map(uniform);
  const count = points.length / 3;
  return {
    /** @param {Uint8Array} colours four bytes a point */
    paint(colours) {
      gl.bindBuffer(gl.ARRAY_BUFFER, inks);
      gl.bufferData(gl.ARRAY_BUFFER, colours, gl.DYNAMIC_DRAW);
    },
    /**
     * @param {import("./view.js").View} view
     * @param {number} pixels a point's width
     */
    draw(view, pixels) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(middle, view.x, view.y);
      gl.uniform2f(reach, view.width / 2 / view.scale, view.height / 2 / view.scale);
      gl.uniform1f(size, pixels);
      gl.drawArrays(gl.POINTS, 0, count);
    },
  };
}
