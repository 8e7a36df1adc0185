// What stands where pictures would be: how to begin, or why there is nothing.

import { button, el, find, visible } from "./dom.js";
import { isListed } from "./order.js";
import { change } from "./state.js";
import { counted, number } from "./words.js";

const EXAMPLES = [
  ["coffee", "a word, written in the picture or in its title and keywords"],
  ['"coffee shop"', "these words, next to each other"],
  ['"coffe"~1', "at most one letter off"],
  ['"RE*"', "begins with"],
  ["sale -taxi", "one word, and not another"],
  ["parking after:2023 ext:jpg", "a word, with filters"],
  ["path:2024/", "filters alone list pictures, the newest first"],
];

const ALL = "path:/"; // every path holds one

export function hideWelcome() {
  find("welcome").hidden = true;
}

export function showWelcome(library, openLibrary) {
  if (library && !library.pictures) return put(...emptyLibrary(library, openLibrary));
  const about = library
    ? `${counted(library.pictures, "picture")}, ${number(library.words)} words read in them.`
    : "";
  return put(
    el("h1", {}, "Find pictures by the words written in them."),
    el("p", { class: "about" }, about),
    library ? el("p", {}, button("Look through all of them", () => change({ q: ALL }), { class: "main" })) : "",
    el("dl", { class: "examples" }, ...EXAMPLES.flatMap(([line, meaning]) => [
      el("dt", {}, button(line, () => change({ q: line }))),
      el("dd", {}, meaning),
    ])),
  );
}

function emptyLibrary(library, openLibrary) {
  const head = el("h1", {}, "This library is empty.");
  if (library.folders.length) {
    return [head, el("p", {}, button("Index a folder…", openLibrary, { class: "main" }))];
  }
  const command = `sightread index FOLDER --library ${library.library}`;
  return [head, el("p", {}, "Fill it with "), el("p", {}, el("code", {}, visible(command)))];
}

// The answer to a query may be "nothing"; then it says what comes nearest.
export function showNothing(answer, elsewhere) {
  const why = isListed(answer) ? "No picture fits: " : "Not in any picture: ";
  const parts = [el("h1", {}, "Nothing found."), el("p", {}, why, el("code", {}, visible(answer.query)))];
  if (answer.nearest.length) {
    const words = answer.nearest.map((word) => el("li", {}, button(visible(word), () => change({ q: `"${word}"` }))));
    parts.push(el("p", {}, "The nearest words that were read:"), el("ul", { class: "nearest" }, ...words));
  }
  if (answer.below) {
    const text = answer.below === 1 ? "Show 1 weaker match" : `Show ${number(answer.below)} weaker matches`;
    const why = `They are less probable than ${Math.round(100 * answer.threshold)} %, the measured threshold for “found”.`;
    parts.push(el("p", {}, why), el("p", {}, button(text, () => change({ threshold: 0 }), { class: "main" })));
  }
  if (elsewhere) parts.push(elsewhere);
  put(...parts);
}

function put(...children) {
  find("welcome").replaceChildren(...children);
  find("welcome").hidden = false;
}
