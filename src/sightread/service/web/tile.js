// One picture of the grid.

import { thumbUrl } from "./api.js";
import { el, visible } from "./dom.js";
import { boxesOf, outlines } from "./outline.js";
import { address } from "./state.js";
import { baseName, describe, reasons, reasonText } from "./words.js";

const SIDES = [160, 320, 480, 640];

export function makeTile(hit, index, total, selected, library) {
  const link = el("a", {
    href: address({ view: hit.id, at: index }),
    class: "shot",
    draggable: "false",
    tabindex: "-1",
    "aria-label": visible(describe(hit)),
  });
  const check = el("button", {
    type: "button",
    class: "check",
    role: "checkbox",
    tabindex: "-1",
    "aria-checked": String(selected),
    "aria-label": `Select ${visible(baseName(hit.path))}`,
  });
  const tile = el(
    "div",
    { class: "tile", role: "listitem", "data-id": hit.id, "data-index": index,
      "aria-setsize": total, "aria-posinset": index + 1 },
    link, check,
  );
  tile.classList.toggle("selected", selected);
  tile.fill = (box) => fill(tile, link, hit, box, library);
  return tile;
}

export function place(tile, box, top) {
  tile.style.transform = `translate(${box.x}px, ${top + box.y}px)`;
  tile.style.width = `${box.w}px`;
  tile.style.height = `${box.h}px`;
}

// The picture itself comes a moment later: a tile that only flies by does not ask for it.
function fill(tile, link, hit, box, library) {
  if (link.firstChild) return;
  const wanted = Math.max(box.w, box.h) * Math.min(2, window.devicePixelRatio || 1);
  const side = SIDES.find((one) => one >= wanted * 0.9) ?? SIDES.at(-1);
  const picture = el("img", {
    alt: "",
    decoding: "async",
    draggable: "false",
    load: () => tile.classList.add("there"),
    error: () => missing(tile, link, hit),
  });
  picture.src = thumbUrl(hit.id, side, library);
  if (picture.complete && picture.naturalWidth) tile.classList.add("there", "known");
  link.append(picture, outlines(boxesOf(hit), hit, Math.max(box.h / (hit.height || 1), box.w / (hit.width || 1))));
  const reason = reasons(hit)[0];
  if (reason) link.append(el("span", { class: "why" }, visible(reasonText(reason, hit))));
}

// The words of a picture are known even where its file is gone.
function missing(tile, link, hit) {
  tile.classList.add("there", "missing");
  const words = reasons(hit).map((one) => one.word).filter(Boolean).join(", ");
  link.replaceChildren(
    el("span", { class: "gone" }, visible(words || baseName(hit.path))),
    el("span", { class: "gone small" }, "its file cannot be shown"),
  );
}

export function release(tile) {
  tile.querySelector("img")?.removeAttribute("src"); // a picture still on its way is not needed
  tile.remove();
}
