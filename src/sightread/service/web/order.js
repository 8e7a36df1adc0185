// How the answer is ordered, and how sure it has to be.

import { button, el, find, visible } from "./dom.js";
import { change, state } from "./state.js";
import { counted, number, percent } from "./words.js";

export function showSummary(results, libraries) {
  const answer = results?.answer;
  const listed = isListed(answer);
  const ordered = answer && (answer.total || answer.below) && !results.picture && !state().like;
  find("order").hidden = !ordered || listed;
  if (!answer) {
    find("summary").textContent = "";
    return;
  }
  const said = answer.total ? counted(answer.total, "picture") : "";
  const parts = [el("strong", {}, said)];
  if (answer.total && libraries.all.length > 1) parts.push(el("span", { class: "where" }, ` in ${visible(answer.library)}`));
  if (answer.total && listed) parts.push(el("span", { class: "took" }, "newest first"));
  else if (answer.total) parts.push(el("span", { class: "took" }, `${Math.max(1, Math.round(answer.took_ms))} ms`));
  find("summary").replaceChildren(...parts);
  find("order").replaceChildren(sorting(answer), ...threshold(answer));
}

// Filters alone find nothing better than another: they list what fits.
export const isListed = (answer) =>
  Boolean(answer?.parts.length) && answer.parts.every((part) => part.kind !== "term" || part.negated);

function sorting(answer) {
  const choose = (event) => change({ sort: event.target.value });
  const option = (value, text) => el("option", { value, selected: answer.sort === value }, text);
  return el("select", { "aria-label": "Order", change: choose }, option("relevance", "best first"), option("date", "newest first"));
}

// The threshold below which a picture counts as not found: always shown, and to be moved.
function threshold(answer) {
  const shown = el("output", {}, percent(answer.threshold));
  const slider = el("input", {
    type: "range", min: 0, max: 100, step: 1, id: "threshold",
    value: Math.round(100 * answer.threshold),
    "aria-label": "Leave out pictures less probable than",
    input: (event) => { shown.textContent = `${event.target.value} %`; },
    change: (event) => change({ threshold: Number(event.target.value) / 100, view: null }),
  });
  const parts = [el("label", { class: "threshold" }, el("span", {}, "at least"), slider, shown)];
  if (state().threshold !== null) {
    parts.push(button("auto", () => change({ threshold: null }), { class: "quiet", title: "The measured threshold" }));
  }
  if (answer.below && answer.total) {
    const show = () => change({ threshold: 0 });
    parts.push(button(`${number(answer.below)} weaker`, show, { class: "quiet", title: "Show what is less probable" }));
  }
  return parts;
}
