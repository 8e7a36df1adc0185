// The best pictures look alike, but differ by what is written in them: words that part them, each
// to be added to the query.

import { button, el, find, visible } from "./dom.js";
import { change, state } from "./state.js";
import { counted, number } from "./words.js";

export function showRefinements(results) {
  const words = state().like ? [] : results?.answer.refine ?? [];
  find("refine").hidden = !words.length;
  find("refine").replaceChildren(...(words.length ? [el("span", {}, "Written in them:")] : []), ...words.map(offer));
}

function offer({ word, pictures }) {
  const shown = visible(word);
  const add = () => change({ q: `${state().q.trim()} "${word}"`, view: null });
  return button("", add, {
    class: "chip offer", "aria-label": `Only with ${shown}, in ${counted(pictures, "picture")}`,
  }, el("span", {}, shown), el("span", { class: "count" }, number(pictures)));
}
