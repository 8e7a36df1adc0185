// The pictures that were selected, and what can be done with them.

import { url } from "./api.js";
import { button, el, find } from "./dom.js";
import { change, state } from "./state.js";
import { counted, number } from "./words.js";

const MOST_IN_ARCHIVE = 1000;
const MOST_ARCHIVES = 10;
const paths = new Map();

export const isSelected = (id) => state().selected.includes(id);

export function toggleSelected(hit) {
  if (!hit) return;
  paths.set(hit.id, hit.path);
  const kept = state().selected.filter((id) => id !== hit.id);
  const added = kept.length === state().selected.length ? [...kept, hit.id] : kept;
  change({ selected: added }, { replace: true });
}

export function selectAll(hits) {
  for (const hit of hits) paths.set(hit.id, hit.path);
  const all = new Set([...state().selected, ...hits.map((hit) => hit.id)]);
  change({ selected: [...all] }, { replace: true });
}

export function showBasket(results) {
  const { selected, library } = state();
  const root = find("basket");
  root.hidden = !selected.length;
  for (const hits of results?.pieces.values() ?? []) for (const hit of hits) paths.set(hit.id, hit.path);
  if (!selected.length) return;
  root.replaceChildren(
    el("strong", {}, `${counted(selected.length, "picture")} selected`),
    ...archives(selected, library),
    button("Save list", () => saveList(selected)),
    button("Clear", () => change({ selected: [] }, { replace: true }), { class: "quiet" }),
  );
}

// A link to each archive that the selection fills.
function archives(selected, library) {
  const count = Math.ceil(selected.length / MOST_IN_ARCHIVE);
  if (count > MOST_ARCHIVES) return [el("span", {}, `at most ${number(MOST_ARCHIVES * MOST_IN_ARCHIVE)} can be downloaded`)];
  return Array.from({ length: count }, (_, at) => {
    const ids = selected.slice(at * MOST_IN_ARCHIVE, (at + 1) * MOST_IN_ARCHIVE).join(",");
    const text = count > 1 ? `Download ${at + 1} of ${count}` : "Download";
    return el("a", { href: url("/api/zip", { ids, library }), download: "", class: "button main" }, text);
  });
}

// One line for each: the path where it is known, else the id.
function saveList(ids) {
  const lines = ids.map((id) => paths.get(id) ?? id).join("\n");
  const link = el("a", { href: URL.createObjectURL(new Blob([`${lines}\n`], { type: "text/plain" })), download: "pictures.txt" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
