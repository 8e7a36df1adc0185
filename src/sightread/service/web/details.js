// What is known of a picture: what was read in it, line by line, and what its file says.

import { call, url } from "./api.js";
import { button, el, visible } from "./dom.js";
import { change } from "./state.js";
import { day, number } from "./words.js";

export async function showDetails(into, hit, library, point) {
  into.replaceChildren(el("p", { class: "quiet" }, "…"));
  into.dataset.id = hit.id;
  let about;
  try {
    about = await call(url(`/api/pictures/${hit.id}`, { library }));
  } catch (error) {
    into.replaceChildren(el("p", { role: "alert" }, error.message));
    return;
  }
  if (into.dataset.id !== hit.id) return; // another picture is shown by now
  into.replaceChildren(
    el("h3", {}, "Read in it"),
    lines(about.words, point),
    el("h3", {}, "About it"),
    facts(about),
  );
}

function lines(words, point) {
  if (!words.length) return el("p", { class: "quiet" }, "No written words were found.");
  const byLine = new Map();
  for (const word of words) byLine.set(word.line, [...(byLine.get(word.line) ?? []), word]);
  const items = [...byLine.values()].map((line) => {
    const text = line.map((word) => word.text).join(" ");
    const boxes = line.map((word) => word.box).filter(Boolean);
    const show = () => point(boxes);
    const hide = () => point([]);
    const search = () => change({ q: `"${text.replaceAll('"', "")}"`, like: null, view: null });
    return el("li", {}, button(visible(text), search, {
      mouseenter: show, mouseleave: hide, focus: show, blur: hide, title: "Find pictures that say this",
    }));
  });
  return el("ol", { class: "lines" }, ...items);
}

function readAt(about) {
  if (about.reduced_to_px) {
    return `${number(about.reduced_to_px)} px of its longer side; small words may be missing`;
  }
  return about.smaller_than_px
    ? `less than the ${number(about.smaller_than_px)} px that the reader wants; words may be missing`
    : "";
}

function facts(about) {
  const place = about.latitude !== null && about.longitude !== null
    ? `${about.latitude.toFixed(5)}, ${about.longitude.toFixed(5)}` : "";
  const known = {
    File: about.paths.join("\n"),
    Size: `${number(about.width)} × ${number(about.height)} px, ${about.format}`,
    "Read at": readAt(about),
    Taken: day(about.taken_at),
    Place: place,
    Title: about.title,
    Caption: about.caption,
    Keywords: about.keywords.join(", "),
    Persons: about.persons.join(", "),
    Reader: about.reader,
    Encoded: Object.keys(about.spaces).join(", "),
    Id: about.id,
  };
  const rows = Object.entries(known).filter(([, value]) => value);
  return el("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [
    el("dt", {}, name), el("dd", {}, visible(value)),
  ]));
}
