// The libraries: which there are, what they hold, how indexing goes, what failed.

import { call, post, url } from "./api.js";
import { button, el, find, visible } from "./dom.js";
import { closePanel, openPanel, panelIsOpen } from "./panel.js";
import { change, state } from "./state.js";
import { counted, day, duration, number, size } from "./words.js";

const GOING = ["running", "stopping"];
const SHOWN_FAILURES = 200;

export class Libraries {
  constructor({ changed }) {
    this.changed = changed;
    this.all = [];
    this.run = null;
    this.events = null;
    find("shelf").addEventListener("click", () => this.openPanel());
    find("library").addEventListener("change", (event) =>
      change({ library: event.target.value, view: null, like: null, selected: [] }));
  }

  async load() {
    this.all = (await call("/api/libraries")).libraries;
    const chooser = find("library");
    chooser.hidden = this.all.length < 2;
    chooser.replaceChildren(...this.all.map((one) =>
      el("option", { value: one.name, selected: one === this.current }, visible(one.name))));
    if (GOING.includes(this.current?.indexing)) this.follow();
    this.changed();
  }

  get current() {
    return this.all.find((one) => one.name === state().library) ?? this.all[0] ?? null;
  }

  get hasEncoder() {
    return (this.current?.spaces ?? []).some((space) => space.serving && space.pictures);
  }

  // --- indexing ------------------------------------------------------------------------------

  follow() {
    this.events?.close();
    const library = this.current?.name;
    this.events = new EventSource(url("/api/index/events", { library }));
    this.events.onmessage = (event) => this.take(JSON.parse(event.data));
  }

  take(run) {
    const ended = this.run && GOING.includes(this.run.state) && !GOING.includes(run.state);
    this.run = run;
    this.drawProgress();
    if (panelIsOpen()) this.drawRun();
    if (GOING.includes(run.state)) return;
    this.events.close();
    if (ended) this.load().then(() => panelIsOpen() && this.openPanel());
  }

  drawProgress() {
    const bar = find("progress");
    const going = GOING.includes(this.run?.state);
    bar.hidden = !going;
    if (!going) return;
    const { done = 0, seen = 0 } = this.run.progress ?? {};
    const share = seen ? done / seen : 0;
    bar.firstElementChild.style.transform = `scaleX(${share})`;
    bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }

  async begin(path, body) {
    await this.tell(async () => {
      this.run = await post(path, { library: this.current.name, ...body });
      this.follow();
      this.drawProgress();
      this.drawRun();
    });
  }

  async tell(work) {
    const note = find("panel").querySelector(".note");
    note.textContent = "";
    try {
      await work();
    } catch (error) {
      note.textContent = error.message;
    }
  }

  // --- the panel -----------------------------------------------------------------------------

  async openPanel() {
    const library = this.current;
    if (!library) return;
    openPanel(
      this.all.length > 1 ? `Library ${visible(library.name)}` : "Library",
      this.facts(library),
      el("div", { class: "run" }),
      el("p", { class: "note", role: "alert" }),
      el("div", { class: "failures" }),
    );
    this.drawRun();
    if (library.failed) await this.tell(() => this.showFailures());
  }

  facts(library) {
    const known = {
      Pictures: `${number(library.pictures)} in ${counted(library.files, "file")}`,
      Words: number(library.words),
      Failed: library.failed ? counted(library.failed, "file") : "none",
      Indexed: library.last_indexed_at ? day(library.last_indexed_at) : "never",
      Encoders: library.spaces.map((one) => `${one.space} (${number(one.pictures)})`).join(", "),
      Size: size(library.size_bytes),
      Place: library.library,
    };
    const rows = Object.entries(known).filter(([, value]) => value);
    return el("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [
      el("dt", {}, name), el("dd", {}, visible(value)),
    ]));
  }

  drawRun() {
    const root = find("panel").querySelector(".run");
    if (!root) return;
    const going = GOING.includes(this.run?.state);
    root.replaceChildren(...(going ? this.goingRun() : this.restingRun()));
  }

  goingRun() {
    const progress = this.run.progress;
    const parts = progress
      ? [`${number(progress.done)} of ${number(progress.seen)}${progress.walked ? "" : "+"} files`]
      : ["Starting"];
    if (progress?.pictures_per_s > 0) parts.push(`${progress.pictures_per_s.toPrecision(3)} pictures/s`);
    if (progress?.seconds_left) parts.push(`${duration(progress.seconds_left)} left`);
    if (progress?.failed) parts.push(`${number(progress.failed)} failed`);
    const stopping = this.run.state === "stopping";
    const stop = () => this.tell(() => post("/api/index/stop", { library: this.current.name }));
    const meter = el("progress", { max: progress?.seen || 1, value: progress?.done ?? 0, "aria-label": "Indexing" });
    return [
      meter,
      el("p", {}, parts.join(" · ")),
      button(stopping ? "Finishing what is in hand…" : "Stop", stop, { disabled: stopping }),
    ];
  }

  restingRun() {
    const parts = [];
    if (this.run?.state === "failed") parts.push(el("p", { role: "alert" }, visible(this.run.error)));
    if (this.run?.report) {
      const { new: fresh, failed, seconds } = this.run.report;
      parts.push(el("p", {}, `${counted(fresh, "new picture")} read in ${duration(seconds)}${failed ? `, ${counted(failed, "file")} failed` : ""}.`));
    }
    const folders = this.current.folders;
    if (folders.length) {
      parts.push(button("Bring up to date", () => this.begin("/api/index", { folders: [] }), { class: "main" }));
      parts.push(el("p", { class: "quiet" }, folders.map(visible).join(", ")));
    } else {
      parts.push(el("p", { class: "quiet" }, "Start the service with --folder DIR to index from here, or run `sightread index`."));
    }
    return parts;
  }

  async showFailures() {
    const library = this.current.name;
    const answer = await call(url("/api/failed", { library, k: SHOWN_FAILURES }));
    const root = find("panel").querySelector(".failures");
    if (!root || !answer.total) return;
    const items = answer.failures.map((one) => el("li", {}, el("code", {}, visible(one.path)), el("span", {}, visible(one.reason))));
    const rest = answer.total - answer.failures.length;
    root.replaceChildren(
      el("h3", {}, `${counted(answer.total, "file")} could not be read`),
      this.current.folders.length ? button("Try again", () => this.begin("/api/failed/retry", {})) : "",
      el("ul", {}, ...items),
      rest > 0 ? el("p", { class: "quiet" }, `and ${counted(rest, "other")}; sightread status --failed lists all`) : "",
    );
  }

  close() {
    closePanel();
  }
}
