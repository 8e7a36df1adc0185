// The pictures found, in justified rows. Only what is near the window exists in the document: a
// hundred thousand pictures cost as much as a hundred.

import { find } from "./dom.js";
import { guess, justify, shape } from "./justify.js";
import { PIECE } from "./results.js";
import { makeTile, place, release } from "./tile.js";

const SETTLE_MS = 70;

export class Grid {
  constructor({ open, select, isSelected }) {
    this.root = find("grid");
    this.handlers = { open, select, isSelected };
    this.results = null;
    this.tiles = new Map();
    this.current = 0;
    this.frame = 0;
    this.settled = 0;
    window.addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(this.root);
    this.root.addEventListener("click", (event) => this.clicked(event));
    this.root.addEventListener("focusin", (event) => this.focused(event));
  }

  // Show an answer, or nothing.
  show(results) {
    this.results = results;
    for (const tile of this.tiles.values()) release(tile);
    this.tiles.clear();
    this.current = 0;
    this.layouts = new Map();
    this.measure();
    this.draw();
    this.settle();
  }

  measure() {
    this.width = this.root.clientWidth;
    const phone = this.width < 600;
    this.gap = phone ? 4 : 8;
    this.target = phone ? 132 : Math.min(260, Math.max(190, this.width / 6));
    const count = this.results?.count ?? 0;
    this.heights = new Float64Array(count);
    for (let piece = 0; piece < count; piece += 1) this.heights[piece] = this.heightOf(piece);
    this.stack();
  }

  heightOf(piece) {
    const layout = this.layoutOf(piece);
    if (layout) return layout.height;
    const size = Math.min(PIECE, this.results.total - piece * PIECE);
    return guess(size, this.width, this.target, this.gap);
  }

  layoutOf(piece) {
    if (!this.layouts.has(piece) && this.results.has(piece)) {
      const ratios = this.results.pieces.get(piece).map(shape);
      const last = piece === this.results.count - 1;
      this.layouts.set(piece, justify(ratios, this.width, this.target, this.gap, last));
    }
    return this.layouts.get(piece);
  }

  // Where each piece begins.
  stack() {
    this.tops = new Float64Array(this.heights.length + 1);
    for (let piece = 0; piece < this.heights.length; piece += 1) {
      this.tops[piece + 1] = this.tops[piece] + this.heights[piece];
    }
    this.root.style.height = `${this.tops[this.heights.length]}px`;
  }

  resize() {
    if (!this.results || this.root.clientWidth === this.width) return;
    const anchor = this.firstSeen();
    this.layouts.clear();
    this.measure();
    for (const tile of this.tiles.values()) release(tile);
    this.tiles.clear();
    if (anchor > 0) this.reveal(anchor);
    this.draw();
  }

  soon() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    if (!this.results || !this.results.total) return;
    const offset = this.root.getBoundingClientRect().top;
    const screen = window.innerHeight;
    const from = -offset - screen * 0.6;
    const to = -offset + screen * 1.6;
    const wanted = new Set();
    for (let piece = this.pieceAt(from); piece < this.heights.length && this.tops[piece] < to; piece += 1) {
      this.drawPiece(piece, from, to, wanted);
    }
    for (const [index, tile] of this.tiles) {
      if (wanted.has(index) || tile.contains(document.activeElement)) continue;
      release(tile);
      this.tiles.delete(index);
    }
    clearTimeout(this.settled);
    this.settled = setTimeout(() => this.settle(), SETTLE_MS);
  }

  drawPiece(piece, from, to, wanted) {
    const layout = this.layoutOf(piece);
    if (!layout) return;
    layout.boxes.forEach((box, at) => {
      const top = this.tops[piece] + box.y;
      if (top + box.h < from || top > to) return;
      const index = piece * PIECE + at;
      wanted.add(index);
      this.tileAt(index, box, this.tops[piece]);
    });
  }

  tileAt(index, box, top) {
    let tile = this.tiles.get(index);
    if (!tile) {
      const hit = this.results.at(index);
      const selected = this.handlers.isSelected(hit.id);
      tile = makeTile(hit, index, this.results.total, selected, this.results.asked.library);
      if (index === this.current) tile.firstChild.tabIndex = 0;
      this.tiles.set(index, tile);
      this.root.append(tile);
    }
    tile.box = box;
    place(tile, box, top);
  }

  // When scrolling rests: fetch the pieces and the pictures that are seen.
  settle() {
    if (!this.results?.total) return;
    for (const tile of this.tiles.values()) tile.fill(tile.box);
    const top = -this.root.getBoundingClientRect().top;
    const last = this.pieceAt(top + window.innerHeight * 2);
    for (let piece = this.pieceAt(top - window.innerHeight); piece <= last; piece += 1) {
      if (!this.results.has(piece)) this.fetch(piece);
    }
  }

  async fetch(piece) {
    const results = this.results;
    try {
      await results.load(piece);
    } catch {
      return; // it is asked for again with the next movement
    }
    if (results !== this.results) return;
    const before = this.heights[piece];
    const top = -this.root.getBoundingClientRect().top;
    this.heights[piece] = this.heightOf(piece);
    this.stack();
    // What is looked at stays where it is when something above turns out to be higher.
    if (this.tops[piece] + before < top) window.scrollBy(0, this.heights[piece] - before);
    this.draw();
  }

  pieceAt(y) {
    let low = 0;
    let high = this.heights.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  boxAt(index) {
    const layout = this.layoutOf(Math.floor(index / PIECE));
    return layout?.boxes[index % PIECE] ?? null;
  }

  firstSeen() {
    const top = -this.root.getBoundingClientRect().top;
    for (const [index, tile] of [...this.tiles].sort((a, b) => a[0] - b[0])) {
      if (this.tops[Math.floor(index / PIECE)] + tile.box.y + tile.box.h > top) return index;
    }
    return 0;
  }

  // --- moving about --------------------------------------------------------------------------

  reveal(index) {
    const box = this.boxAt(index);
    if (!box) return;
    const top = this.tops[Math.floor(index / PIECE)] + box.y;
    const head = document.querySelector(".head").offsetHeight;
    const seen = -this.root.getBoundingClientRect().top;
    if (top < seen + head + 8) window.scrollBy(0, top - seen - head - 8);
    else if (top + box.h > seen + window.innerHeight) {
      window.scrollBy(0, top + box.h - seen - window.innerHeight + 16);
    }
    this.draw();
  }

  async focus(index) {
    if (!this.results?.total) return;
    const next = Math.min(this.results.total - 1, Math.max(0, index));
    await this.results.load(Math.floor(next / PIECE)).catch(() => {});
    if (!this.results.at(next)) return;
    this.heights[Math.floor(next / PIECE)] = this.heightOf(Math.floor(next / PIECE));
    this.stack();
    this.makeCurrent(next);
    this.reveal(next);
    this.tiles.get(next)?.firstChild.focus({ preventScroll: true });
  }

  makeCurrent(index) {
    const old = this.tiles.get(this.current);
    if (old) old.firstChild.tabIndex = -1;
    this.current = index;
    const tile = this.tiles.get(index);
    if (tile) tile.firstChild.tabIndex = 0;
  }

  step(by) {
    return this.focus(this.hasFocus() ? this.current + by : this.firstSeen());
  }

  // The picture below or above, nearest to the middle of this one.
  stepRow(direction) {
    if (!this.hasFocus()) return this.focus(this.firstSeen());
    const from = this.boxAt(this.current);
    const middle = from.x + from.w / 2;
    let best = this.current;
    let row = null;
    for (let index = this.current + direction; index >= 0 && index < this.results.total; index += direction) {
      const box = this.boxAt(index);
      if (!box) break;
      const key = `${Math.floor(index / PIECE)} ${box.row}`;
      if (key === `${Math.floor(this.current / PIECE)} ${from.row}`) continue;
      if (row !== null && key !== row) break;
      row = key;
      const better = this.boxAt(best);
      const far = Math.abs(box.x + box.w / 2 - middle);
      if (best === this.current || far < Math.abs(better.x + better.w / 2 - middle)) best = index;
    }
    return this.focus(best === this.current ? this.current + direction : best);
  }

  hasFocus() {
    return this.root.contains(document.activeElement);
  }

  currentHit() {
    return this.results?.at(this.current) ?? null;
  }

  focused(event) {
    const tile = event.target.closest(".tile");
    if (tile) this.makeCurrent(Number(tile.dataset.index));
  }

  clicked(event) {
    const tile = event.target.closest(".tile");
    if (!tile || event.ctrlKey || event.metaKey || event.button !== 0) return;
    event.preventDefault();
    const index = Number(tile.dataset.index);
    if (event.target.closest(".check")) this.handlers.select(this.results.at(index), event.shiftKey);
    else this.handlers.open(this.results.at(index));
  }

  markSelected() {
    for (const tile of this.tiles.values()) {
      const selected = this.handlers.isSelected(tile.dataset.id);
      tile.classList.toggle("selected", selected);
      tile.querySelector(".check").setAttribute("aria-checked", String(selected));
    }
  }
}
