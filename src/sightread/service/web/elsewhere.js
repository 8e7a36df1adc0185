// Libraries are searched one at a time. Where one has nothing, the others are asked how many they
// have, so that nobody has to try each.

import { call, url } from "./api.js";
import { button, el, visible } from "./dom.js";
import { isListed } from "./order.js";
import { change } from "./state.js";
import { counted } from "./words.js";

export async function lookElsewhere(results, libraries, current) {
  const { q, threshold } = results.asked;
  const others = libraries.filter((one) => one !== current && one.pictures);
  if (!q || isListed(results.answer) || !others.length) return null;
  const found = await Promise.all(others.map(async (one) => {
    const answer = await call(url("/api/search", { q, threshold, library: one.name, k: 1 })).catch(() => null);
    return answer?.total ? place(one.name, answer.total) : null;
  }));
  const places = found.filter(Boolean);
  return places.length ? el("div", { class: "elsewhere" }, el("p", {}, "But in other libraries:"), el("ul", { class: "nearest" }, ...places)) : null;
}

function place(name, total) {
  return el("li", {}, button(`${counted(total, "picture")} in ${visible(name)}`, () => change({ library: name, view: null })));
}
