// The keyboard does everything.

import { el, find } from "./dom.js";
import { openPanel, panelIsOpen } from "./panel.js";

const KEYS = [
  ["/", "to the search box"],
  ["← ↑ → ↓", "from picture to picture"],
  ["Home  End", "to the first, to the last"],
  ["Enter", "open the picture"],
  ["Esc", "close, or leave the search box"],
  ["x", "select, or no longer"],
  ["i", "what was read, and about the picture"],
  ["s", "more like this"],
  ["+  −  0", "zoom in, out, whole picture"],
  ["r", "turn the picture"],
  ["f", "filters"],
  ["l", "library: indexing, failed files"],
  ["?", "this list"],
];
const LANGUAGE = [
  ["coffee", "written in the picture, or in its title, caption, keywords, persons"],
  ['"coffee shop"', "these words next to each other"],
  ['"coffe"~1', "at most one letter off; ~0 is exact"],
  ['"RE16*"  "*berg*"', "starts with; is part of"],
  ['-taxi  -"no parking"', "must not be there"],
  ["title: caption: keyword: person:", "in this field"],
  ['entity:"Ada Lovelace"', "shown, or named as a person, a keyword or in the caption"],
  ["path:2024/ ext:jpg has:text", "filters on the file"],
  ["after:2024-05 before:2025", "when it was taken; filters alone list pictures"],
];

export function showHelp() {
  const table = (rows, tag) => el("dl", { class: "keys" }, ...rows.flatMap(([what, meaning]) => [
    el("dt", {}, el(tag, {}, what)), el("dd", {}, meaning),
  ]));
  openPanel("Keys and query language", table(KEYS, "kbd"), el("h3", {}, "What to type"), table(LANGUAGE, "code"));
}

export function setUpKeys(actions) {
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest?.("input:not([type=range]), select, textarea");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      if (event.key === "ArrowDown" && typing === find("q")) act(event, actions.down);
      return;
    }
    if (panelIsOpen()) return;
    const action = actionOf(event, actions);
    if (action) act(event, action);
  });
}

function act(event, action) {
  event.preventDefault();
  action();
}

function actionOf(event, actions) {
  if (event.target.type === "range") return null;
  const onButton = event.target.closest?.("button, a.button");
  return {
    "/": actions.search,
    "?": actions.help,
    ArrowLeft: actions.left,
    ArrowRight: actions.right,
    ArrowUp: actions.up,
    ArrowDown: actions.down,
    Home: actions.first,
    End: actions.last,
    Enter: onButton ? null : actions.open,
    Escape: actions.close,
    x: actions.select,
    i: actions.info,
    s: actions.like,
    "+": actions.closer,
    "=": actions.closer,
    "-": actions.farther,
    0: actions.whole,
    r: actions.turn,
    f: actions.filters,
    l: actions.library,
  }[event.key];
}
