// What the page shows is a function of its address, so that a link shows the same, and the back
// button goes back. Of a picture that was dropped on the page its name is in it (see `own`).

import { packed, unpacked } from "./heap.js";

const EMPTY = {
  q: "", library: null, sort: "relevance", threshold: null, reader: null,
  like: null, view: null, at: null, info: false, selected: [],
};
const FEW = 100; // selected pictures that an address names one by one
const HEAP = "#sel="; // begins the names of many
const MOST = 50_000; // more are not kept: browsers take addresses of a megabyte or so

let current = EMPTY;
const listeners = [];

export const state = () => current;

export function listen(listener) {
  listeners.push(listener);
}

export function start() {
  history.scrollRestoration = "manual";
  window.addEventListener("popstate", () => {
    // What is selected is a heap beside the pages: going back does not undo it.
    const next = { ...parsed(location.search, location.hash), selected: current.selected };
    history.replaceState(history.state, "", written(next));
    show(next, true);
  });
  show(parsed(location.search, location.hash), true);
}

// `replace` changes this page of the history instead of adding one.
export function change(patch, { replace = false } = {}) {
  const next = { ...current, ...patch };
  const address = written(next);
  if (address !== written(current)) {
    if (replace) history.replaceState(history.state, "", address);
    else {
      rememberScroll();
      history.pushState({ scroll: 0, opened: Boolean(next.view && !current.view) }, "", address);
    }
  }
  show(next, false);
}

export function rememberScroll() {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
}

// Whether this page of the history was made by opening a picture, so that closing it is going back.
export const wasOpened = () => Boolean(history.state?.opened);

export const rememberedScroll = () => history.state?.scroll ?? 0;

// The address of the page with something changed, for links.
export const address = (patch) => written({ ...current, ...patch, selected: [] });

export function sameSearch(one, other) {
  return ["q", "library", "sort", "threshold", "reader", "like"].every((name) => one[name] === other[name]);
}

function show(next, travelled) {
  const before = current;
  current = next;
  for (const listener of listeners) listener(next, before, travelled);
}

function parsed(search, hash) {
  const given = new URLSearchParams(search);
  const threshold = given.has("t") ? Number(given.get("t")) : NaN;
  return {
    q: given.get("q") ?? "",
    library: given.get("library"),
    sort: given.get("sort") === "date" ? "date" : "relevance",
    threshold: threshold >= 0 && threshold <= 1 ? threshold : null,
    reader: given.get("reader"),
    like: given.get("like"),
    view: given.get("view"),
    at: /^\d{1,9}$/.test(given.get("at") ?? "") ? Number(given.get("at")) : null,
    info: given.get("info") === "1",
    selected: hash.startsWith(HEAP) ? unpacked(hash.slice(HEAP.length)) : named(given.get("sel") ?? ""),
  };
}

const named = (text) => text.split(",").filter((id) => /^[0-9a-f]{16}$/.test(id));

function written(wanted) {
  const query = new URLSearchParams();
  const put = (name, value) => value && query.set(name, value);
  put("q", wanted.q);
  put("library", wanted.library);
  put("sort", wanted.sort === "date" ? "date" : "");
  if (wanted.threshold !== null) query.set("t", String(wanted.threshold));
  put("reader", wanted.reader);
  put("like", wanted.like);
  put("view", wanted.view);
  // Its place, so that it is found again among many.
  if (wanted.view && wanted.at !== null) query.set("at", String(wanted.at));
  put("info", wanted.info ? "1" : "");
  const few = wanted.selected.length <= FEW;
  put("sel", few ? wanted.selected.join(",") : "");
  const text = query.toString();
  // What stands behind the hash is not sent to the service, and so may be long.
  return (text ? `/?${text}` : "/") + (few ? "" : HEAP + packed(wanted.selected.slice(0, MOST)));
}
