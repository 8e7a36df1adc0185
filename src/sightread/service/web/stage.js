// The picture of the lightbox with its outlines: shown, zoomed, moved, turned.

import { imageUrl, thumbUrl } from "./api.js";
import { el, svg } from "./dom.js";
import { corners, outlines } from "./outline.js";
import { Turning } from "./turning.js";

const SWIPE_PX = 60;

export class Stage {
  constructor({ swipe, trouble }) {
    this.swipe = swipe;
    this.trouble = trouble;
    this.holder = el("div", { class: "turned" });
    this.root = el("div", { class: "stage", tabindex: "-1", autofocus: true }, this.holder);
    this.fingers = new Map();
    this.root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.root.addEventListener("pointerdown", (event) => this.down(event));
    this.root.addEventListener("pointermove", (event) => this.moved(event));
    for (const end of ["pointerup", "pointercancel"]) this.root.addEventListener(end, (event) => this.up(event));
    this.root.addEventListener("dblclick", (event) => this.zoom(this.turning.zoom > 1 ? 0 : 2.5, event));
    new ResizeObserver(() => this.place()).observe(this.root);
  }

  show(hit, boxes, library) {
    this.hit = hit;
    this.library = library;
    this.side = 0;
    this.turning = new Turning(hit.width || 4, hit.height || 3);
    this.measure();
    this.picture = el("img", { alt: "", draggable: "false", error: () => this.failed() });
    // The small copy is there at once, the large one takes its place.
    this.picture.src = thumbUrl(hit.id, 640, library);
    this.holder.replaceChildren(this.picture, outlines(boxes, hit, this.scale, "meet"));
    this.place();
  }

  // Boxes beside those that were found, such as the one of a line that is pointed at.
  point(boxes) {
    const drawing = this.holder.querySelector("svg");
    drawing.querySelectorAll(".pointed").forEach((one) => one.remove());
    for (const box of boxes) {
      drawing.append(svg("polygon", { points: corners(box), class: "pointed" }));
    }
  }

  measure() {
    this.size = this.turning.fitted(this.root.clientWidth || 1, this.root.clientHeight || 1);
    this.scale = this.size.h / this.turning.height;
  }

  place() {
    if (!this.turning || !this.root.clientWidth) return;
    this.measure();
    this.holder.style.width = `${this.size.w}px`;
    this.holder.style.height = `${this.size.h}px`;
    this.holder.style.transform = this.turning.transform;
    this.sharpen();
  }

  sharpen() {
    const wanted = Math.max(this.size.w, this.size.h) * Math.min(4, this.turning.zoom) * (window.devicePixelRatio || 1);
    const side = [1024, 1600, 2400, 4096].find((one) => one >= wanted) ?? 4096;
    if (side <= this.side) return;
    this.side = side;
    const [picture, better] = [this.picture, new Image()];
    better.onload = () => { picture.src = better.src; };
    better.src = imageUrl(this.hit.id, side, this.library);
  }

  failed() {
    this.holder.classList.add("failed");
    this.trouble(this.hit);
  }

  zoom(factor, event = null) {
    const frame = this.root.getBoundingClientRect();
    const x = event ? event.clientX - frame.left - frame.width / 2 : 0;
    const y = event ? event.clientY - frame.top - frame.height / 2 : 0;
    if (factor === 0) this.turning.reset();
    else this.turning.zoomAt(factor, x, y);
    this.place();
  }

  turn() {
    this.turning.turn();
    this.place();
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 400), event);
  }

  down(event) {
    if (event.button !== 0) return;
    this.root.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.from = { x: event.clientX, y: event.clientY };
    this.pinched = false;
  }

  moved(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const distance = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
      this.pinched = true;
      this.zoom(distance(now) / distance(before), event);
    } else if (this.turning.zoom > 1) {
      this.turning.move(now.x - before.x, now.y - before.y, this.size);
      this.place();
    }
    this.fingers.set(event.pointerId, now);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId) || this.pinched || this.turning.zoom > 1) return;
    const across = event.clientX - this.from.x;
    if (event.type === "pointerup" && Math.abs(across) > SWIPE_PX) this.swipe(across < 0 ? 1 : -1);
  }
}
