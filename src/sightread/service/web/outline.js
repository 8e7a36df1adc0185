// Outlines of words over a picture. They are drawn in the picture's own pixels and scaled, turned
// and cropped together with it, so that they stay where the words are.

import { svg } from "./dom.js";

const GROWN_PX = 2;
const FINE_PX = 14;

// Outlines of boxes of a picture that is shown with `scale` pixels of the screen for each of its
// own; `fit` as the picture: "slice" where it is cropped to its frame, "meet" where it is not.
export function outlines(boxes, { width, height }, scale, fit = "slice") {
  const drawing = svg("svg", {
    viewBox: `0 0 ${width || 1} ${height || 1}`,
    preserveAspectRatio: `xMidYMid ${fit}`,
    class: "outlines",
    "aria-hidden": "true",
  });
  // All dark lines first: where words touch, no bright line is cut through.
  for (const kind of ["outer", "inner"]) {
    for (const box of boxes) {
      // A thick line around a small word would hide it.
      const fine = scale * shortSide(box) < FINE_PX ? " fine" : "";
      const points = corners(grown(box, GROWN_PX / scale));
      drawing.append(svg("polygon", { points, class: kind + fine }));
    }
  }
  return drawing;
}

export const boxesOf = (hit) => hit.evidence.flatMap((one) => one.boxes);

export const corners = (box) => box.map(([x, y]) => `${x},${y}`).join(" ");

const length = ([x, y], [other, down]) => Math.hypot(other - x, down - y);

const shortSide = (box) => Math.min(length(box[0], box[1]), length(box[1], box[2]));

// Each corner moved away along the two sides that meet there, so that no line runs through letters.
function grown(box, by) {
  return box.map((corner, at) => {
    let [x, y] = corner;
    for (const other of [box[(at + 3) % 4], box[(at + 1) % 4]]) {
      const far = length(other, corner);
      if (far > 0) {
        x += (by * (corner[0] - other[0])) / far;
        y += (by * (corner[1] - other[1])) / far;
      }
    }
    return [x, y];
  });
}
