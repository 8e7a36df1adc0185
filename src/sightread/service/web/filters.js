// Filters for who would rather point than type. They write into the query line, where they can be
// seen, changed and taken away like everything else.

import { button, el, find } from "./dom.js";
import { change, state } from "./state.js";

const TYPES = ["", "jpg", "png", "webp", "gif", "heic", "avif", "tif", "bmp"];
const NAMES = ["path", "after", "before", "ext", "has"];

let shown = null; // the results whose query the filters belong to

export function setUpFilters() {
  find("filter").addEventListener("click", () => toggle());
}

export function toggle(open = find("filters").hidden) {
  find("filters").hidden = !open;
  find("filter").setAttribute("aria-expanded", String(open));
  if (open) find("filters").querySelector("input")?.focus();
}

export function showFilters(results, library) {
  shown = results;
  if (find("filters").contains(document.activeElement)) return; // somebody is typing there
  const readers = library?.readers ?? [];
  find("filters").replaceChildren(
    field("Folder", el("input", { type: "text", name: "path", value: valueOf("path"), placeholder: "2024/", change: apply })),
    field("Taken from", el("input", { type: "date", name: "after", value: valueOf("after"), change: apply })),
    field("Taken before", el("input", { type: "date", name: "before", value: valueOf("before"), change: apply })),
    field("Kind", chooser("ext", TYPES.map((type) => [type, type ? type.toUpperCase() : "any"]), valueOf("ext"))),
    field("Text", chooser("has", [["", "any"], ["text", "has text"]], valueOf("has"))),
    readers.length > 1 ? readerField(readers) : null ?? "",
    button("Clear", clear, { class: "quiet" }),
  );
}

function field(name, control) {
  return el("label", {}, el("span", {}, name), control);
}

function chooser(name, choices, chosen) {
  const known = choices.some(([value]) => value === chosen) ? choices : [...choices, [chosen, chosen]];
  const options = known.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
  return el("select", { name, change: apply }, ...options);
}

function readerField(readers) {
  const options = ["", ...readers].map((one) =>
    el("option", { value: one, selected: one === (state().reader ?? "") }, one || "any"));
  const choose = (event) => change({ reader: event.target.value || null, like: null, view: null });
  return field("Reader", el("select", { name: "reader", change: choose }, ...options));
}

// The parts of the query line; none if what is in the line now was not understood.
const parts = () => (shown?.asked.q === state().q ? shown.answer.parts.filter((part) => part.kind !== "beside") : []);

function valueOf(name) {
  const part = parts().find((one) => one.kind === "filter" && one.text.startsWith(`${name}:`));
  return part ? part.text.slice(name.length + 1).replace(/^"(.*)"$/, "$1") : "";
}

// The query line with the filters as they are chosen.
function written() {
  const kept = parts()
    .filter((one) => one.kind !== "filter" || !NAMES.some((name) => one.text.startsWith(`${name}:`)))
    .map((one) => one.text);
  for (const name of NAMES) {
    const value = find("filters").querySelector(`[name=${name}]`).value.trim();
    if (value) kept.push(`${name}:${name === "path" && /[\s*]/.test(value) ? `"${value}"` : value}`);
  }
  return kept.join(" ");
}

// A line that was not understood stays as it was typed, for its author to mend.
function apply() {
  change({ q: parts().length ? written() : [state().q, written()].filter(Boolean).join(" "), like: null, view: null });
}

function clear() {
  for (const control of find("filters").querySelectorAll("input, select")) control.value = "";
  change({ q: parts().length ? written() : state().q, reader: null, view: null });
}
