// The pictures that were selected, and what can be done with them.

import { url } from "./api.js";
import { button, el, find } from "./dom.js";
import { change, state } from "./state.js";
import { counted } from "./words.js";

const MOST_IN_ARCHIVE = 1000;
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
  const archive = url("/api/zip", { ids: selected.slice(0, MOST_IN_ARCHIVE).join(","), library });
  root.replaceChildren(
    el("strong", {}, `${counted(selected.length, "picture")} selected`),
    selected.length > MOST_IN_ARCHIVE
      ? el("span", {}, "at most 1,000 fit into one archive")
      : el("a", { href: archive, download: "", class: "button main" }, "Download"),
    button("Save list", () => saveList(selected)),
    button("Clear", () => change({ selected: [] }, { replace: true }), { class: "quiet" }),
  );
}

// One line for each: the path where it is known, else the id.
function saveList(ids) {
  const lines = ids.map((id) => paths.get(id) ?? id).join("\n");
  const link = el("a", { href: URL.createObjectURL(new Blob([`${lines}\n`], { type: "text/plain" })), download: "pictures.txt" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
