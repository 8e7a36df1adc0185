// What the service understood, each part with a cross that takes it away.

import { button, el, find, visible } from "./dom.js";
import { change, state } from "./state.js";

export function showChips(results) {
  const parts = results?.answer.parts ?? [];
  const typed = parts.filter((part) => part.kind !== "beside"); // those have chips of their own
  const chips = typed.map((part, at) => chip(part.text, part.kind, part.negated, () => {
    const rest = typed.filter((_, other) => other !== at).map((one) => one.text);
    change({ q: rest.join(" "), view: null });
  }));
  const { like, reader } = state();
  if (like) chips.push(chip(`like ${results?.picture ? results.picture.name || "the pasted picture" : "a picture"}`, "like", false, () => change({ like: null, view: null })));
  if (reader) chips.push(chip(`reader ${reader}`, "filter", false, () => change({ reader: null, view: null })));
  find("chips").replaceChildren(...chips);
}

function chip(text, kind, negated, takeAway) {
  const shown = visible(text);
  return el(
    "span",
    { class: `chip ${kind}${negated ? " negated" : ""}` },
    el("span", {}, shown),
    button("×", takeAway, { "aria-label": `Take away ${shown}` }),
  );
}
