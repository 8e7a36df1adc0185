// Puts the page together: what is asked goes into the address, the address decides what is shown.

import { setUpAlike } from "./alike.js";
import { Problem } from "./api.js";
import { isSelected, selectAll, showBasket, toggleSelected } from "./basket.js";
import { showChips } from "./chips.js";
import { find, visible } from "./dom.js";
import { lookElsewhere } from "./elsewhere.js";
import { setUpFilters, showFilters, toggle as toggleFilters } from "./filters.js";
import { Grid } from "./grid.js";
import { setUpKeys, showHelp } from "./keys.js";
import { Libraries } from "./libraries.js";
import { Lightbox } from "./lightbox.js";
import { showSummary } from "./order.js";
import { isOwn, keep, recall } from "./own.js";
import { showRefinements } from "./refine.js";
import { PIECE, Results } from "./results.js";
import { change, listen, rememberedScroll, rememberScroll, sameSearch, start, state, wasOpened } from "./state.js";
import { setUpTheme } from "./theme.js";
import { setUpToken } from "./token.js";
import { hideWelcome, showNothing, showWelcome } from "./welcome.js";

const TYPING_MS = 60;
const PATIENCE_MS = 700;

let results = null; // what is shown
let pending = null; // what was asked for last
let typed = 0;
let complaint = 0;
let focusFirst = false; // Enter was pressed
let left = -1; // the picture that was just closed
let fresh = true; // the next letter begins a new page of the history

const libraries = new Libraries({ changed: () => draw() });
const grid = new Grid({ open: (hit) => change(viewOf(hit)), select: chooseHit, isSelected });
const lightbox = new Lightbox({
  step: stepPicture,
  close: closePicture,
  info: () => change({ info: !state().info }, { replace: true }),
  select: toggleSelected,
  like: (hit) => change({ like: hit.id, view: null, q: "" }),
  isSelected,
  hasEncoder: () => libraries.hasEncoder,
});

// --- asking -----------------------------------------------------------------------------------

function setUpBox() {
  const box = find("q");
  box.addEventListener("input", () => {
    clearTimeout(typed);
    focusFirst = false;
    typed = setTimeout(() => {
      change({ q: box.value, like: null, view: null }, { replace: !fresh });
      fresh = false;
    }, TYPING_MS);
  });
  box.addEventListener("change", () => { fresh = true; });
  find("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typed);
    fresh = true;
    focusFirst = true;
    change({ q: box.value, like: null, view: null });
    if (!pending || pending === results) enterGrid();
  });
  find("home").addEventListener("click", (event) => {
    event.preventDefault();
    change({ q: "", like: null, view: null, sort: "relevance", threshold: null, reader: null });
    box.focus();
  });
}

const LOST = "The picture that this address searches with is kept in another browser, or not any more; drop it on the page again.";

async function ask(wanted, scroll) {
  pending?.abandon();
  clearTimeout(complaint);
  if (!wanted.q.trim() && !wanted.reader && !wanted.like) {
    pending = null;
    settle(null, 0);
    return;
  }
  const asked = pending = new Results(wanted);
  find("grid").setAttribute("aria-busy", "true");
  try {
    if (isOwn(wanted.like)) asked.picture = await recall(wanted.like);
    if (isOwn(wanted.like) && !asked.picture) throw new Problem(0, LOST);
    await asked.begin();
  } catch (error) {
    if (error.name === "AbortError" || asked !== pending) return;
    pending = null;
    trouble(error);
    return;
  }
  if (asked === pending) settle(asked, scroll);
}

function settle(answered, scroll) {
  results = answered;
  find("trouble").hidden = true;
  find("grid").removeAttribute("aria-busy");
  grid.show(results);
  window.scrollTo(0, scroll);
  draw();
  enterGrid();
}

async function sayElsewhere(answered) {
  if (answered.elsewhere !== undefined || !libraries.all.length) return;
  answered.elsewhere = null; // it is being asked for
  answered.elsewhere = await lookElsewhere(answered, libraries.all, libraries.current);
  if (answered.elsewhere && answered === results) draw();
}

// What cannot be understood yet may be half typed: the sentence comes when the typing rests.
function trouble(error) {
  find("grid").removeAttribute("aria-busy");
  const show = () => {
    const line = find("trouble");
    line.textContent = error.message;
    line.hidden = false;
    hideWelcome();
  };
  const typing = document.activeElement === find("q") && error.position !== null;
  complaint = setTimeout(show, typing ? PATIENCE_MS : 0);
  if (!typing) {
    results = null;
    grid.show(null);
    draw();
    show();
  }
}

// From the box to the pictures, as soon as those that were asked for are there.
function enterGrid() {
  if (focusFirst) grid.focus(0);
  focusFirst = false;
}

async function askWithPicture(file) {
  const name = await keep(file);
  find("q").value = "";
  change({ q: "", like: name, view: null });
}

// --- showing ----------------------------------------------------------------------------------

function draw() {
  const answer = results?.answer ?? null;
  showChips(results);
  showRefinements(results);
  showFilters(results, libraries.current);
  showSummary(results, libraries);
  showBasket(results);
  const warnings = answer?.warnings ?? [];
  find("warnings").hidden = !warnings.length;
  find("warnings").textContent = warnings.join(" ");
  const told = (answer?.explanations ?? []).map(explained);
  find("explanations").hidden = !told.length;
  find("explanations").textContent = told.join("\n");
  if (!answer) showWelcome(libraries.current, () => libraries.openPanel());
  else if (!answer.total) {
    showNothing(answer, results.elsewhere);
    sayElsewhere(results);
  } else hideWelcome();
  if (!find("trouble").hidden) hideWelcome();
  document.title = state().q ? `${state().q} · Sightread` : "Sightread";
  drawPicture();
}

// What an entity was taken to look like, and who says so.
function explained(one) {
  const who = one.model ? `${one.source}, ${one.model}` : one.source;
  const used = one.joined ? "searched with" : "not searched with";
  return `${visible(one.term)}: ${visible(one.text)} (${visible(who)}; ${used})`;
}

function drawPicture() {
  const { view, at, info } = state();
  const index = view && results ? results.indexOf(view) : -1;
  if (index < 0) {
    const piece = Math.floor(at / PIECE);
    const somewhere = view && at !== null && results && at < results.total;
    if (somewhere && !results.has(piece)) {
      results.load(piece).then(draw, trouble);
      return;
    }
    lightbox.hide();
    if (left >= 0) grid.focus(left);
    left = -1;
    return;
  }
  lightbox.show(results.at(index), { info, library: state().library, index, total: results.total });
}

function show(now, before, travelled) {
  if (now.q !== find("q").value && document.activeElement !== find("q")) find("q").value = now.q;
  else if (travelled) find("q").value = now.q;
  if (travelled || !sameSearch(now, before)) {
    const same = results && sameSearch(now, results.asked);
    if (now.library !== before.library && libraries.all.length) libraries.load();
    if (!same) {
      ask(now, travelled ? rememberedScroll() : 0);
      return;
    }
  }
  grid.markSelected();
  draw();
}

// --- one picture after another ----------------------------------------------------------------

async function stepPicture(by) {
  const next = results.indexOf(state().view) + by;
  if (next < 0 || next >= results.total) return;
  await results.load(Math.floor(next / PIECE));
  change(viewOf(results.at(next)), { replace: true });
  for (const near of [next + 1, next - 1]) if (near >= 0 && near < results.total) results.load(Math.floor(near / PIECE));
}

const viewOf = (hit) => ({ view: hit.id, at: results.indexOf(hit.id) });

function closePicture() {
  left = results ? results.indexOf(state().view) : -1;
  if (wasOpened()) history.back();
  else change({ view: null, info: false }, { replace: true });
}

function chooseHit(hit, range) {
  const from = results.indexOf(state().selected.at(-1));
  const to = results.indexOf(hit.id);
  if (!range || from < 0) {
    toggleSelected(hit);
    return;
  }
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const between = [];
  for (let index = low; index <= high; index += 1) if (results.at(index)) between.push(results.at(index));
  selectAll(between);
}

const shownHit = () => (lightbox.open ? lightbox.hit : grid.hasFocus() ? grid.currentHit() : null);

function keys() {
  const one = (inPicture, inGrid) => () => (lightbox.open ? inPicture() : inGrid());
  const nothing = () => {};
  setUpKeys({
    search: () => {
      if (lightbox.open) closePicture();
      find("q").focus();
      find("q").select();
    },
    help: showHelp,
    left: one(() => stepPicture(-1), () => grid.step(-1)),
    right: one(() => stepPicture(1), () => grid.step(1)),
    up: one(nothing, () => grid.stepRow(-1)),
    down: one(nothing, () => grid.stepRow(1)),
    first: one(nothing, () => grid.focus(0)),
    last: one(nothing, () => grid.focus(Infinity)),
    open: () => !lightbox.open && grid.hasFocus() && change(viewOf(grid.currentHit())),
    close: one(closePicture, () => toggleFilters(false)),
    select: () => toggleSelected(shownHit()),
    info: () => shownHit() && change({ ...viewOf(shownHit()), info: lightbox.open ? !state().info : true }, { replace: lightbox.open }),
    like: () => shownHit() && change({ like: shownHit().id, view: null, q: "" }),
    closer: one(() => lightbox.stage.zoom(1.4), nothing),
    farther: one(() => lightbox.stage.zoom(1 / 1.4), nothing),
    whole: one(() => lightbox.stage.zoom(0), nothing),
    turn: one(() => lightbox.stage.turn(), nothing),
    filters: one(nothing, () => toggleFilters()),
    library: one(nothing, () => libraries.openPanel()),
  });
}

async function begin() {
  setUpTheme();
  setUpBox();
  setUpFilters();
  keys();
  setUpAlike(askWithPicture);
  find("help").addEventListener("click", showHelp);
  window.addEventListener("pagehide", rememberScroll);
  await setUpToken();
  listen(show);
  start();
  if (!state().q && matchMedia("(pointer: fine)").matches) find("q").focus();
  await libraries.load().catch(trouble);
}

begin();
