// Pictures in rows of equal width: pure geometry, in pixels.

const NARROWEST = 0.5;
const WIDEST = 3;

export const shape = (hit) => {
  const ratio = hit.width > 0 && hit.height > 0 ? hit.width / hit.height : 1.4;
  return Math.min(WIDEST, Math.max(NARROWEST, ratio));
};

const sumOf = (ratios) => ratios.reduce((sum, ratio) => sum + ratio, 0);

// Where each picture goes: { height, boxes: [{ x, y, w, h, row }] }. Rows are about `target` high
// and fill the width, but for the very last one of an answer, which may be short.
export function justify(ratios, width, target, gap, last) {
  const boxes = [];
  let y = 0;
  const rows = last ? filled(ratios, width / target) : split(ratios, width / target);
  rows.forEach((row, at) => {
    const full = (width - gap * (row.length - 1)) / sumOf(row);
    const open = last && at === rows.length - 1;
    const h = Math.min(full, target * (open ? 1.15 : 1.6));
    let x = 0;
    for (const ratio of row) {
      boxes.push({ x, y, w: ratio * h, h, row: at });
      x += ratio * h + gap;
    }
    y += h + gap;
  });
  return { height: y, boxes };
}

// Row after row, each as full as it gets.
function filled(ratios, room) {
  const rows = [[]];
  for (const ratio of ratios) {
    const row = rows.at(-1);
    if (row.length && sumOf(row) + ratio / 2 > room) rows.push([ratio]);
    else row.push(ratio);
  }
  return rows;
}

// Rows with nearly the same sum each, since the pictures after them go on below.
function split(ratios, room) {
  const total = sumOf(ratios);
  const rows = Math.max(1, Math.round(total / room));
  const found = [[]];
  let passed = 0;
  for (const ratio of ratios) {
    const row = Math.min(rows - 1, Math.floor(((passed + ratio / 2) / total) * rows));
    while (found.length <= row) found.push([]);
    found[row].push(ratio);
    passed += ratio;
  }
  return found.filter((row) => row.length > 0);
}

// How high a piece will be that nobody has seen yet.
export function guess(count, width, target, gap) {
  const rows = Math.max(1, Math.round((count * 1.35 * target) / width));
  return rows * (target + gap);
}
