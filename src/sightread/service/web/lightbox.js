// One picture, large, with the reasons why it was found.

import { fileUrl } from "./api.js";
import { button, el, find, visible } from "./dom.js";
import { showDetails } from "./details.js";
import { boxesOf } from "./outline.js";
import { Stage } from "./stage.js";
import { baseName, matchName, number, percent, reasons } from "./words.js";

export class Lightbox {
  constructor({ step, close, info, select, like, isSelected, hasEncoder }) {
    this.handlers = { step, close, info, select, like, isSelected, hasEncoder };
    this.root = find("lightbox");
    this.stage = new Stage({ swipe: step, trouble: () => this.say("The file of this picture is gone or cannot be shown.") });
    this.title = el("h2", {});
    this.why = el("ul", { class: "reasons", "aria-label": "Why it was found" });
    this.note = el("p", { class: "note", role: "alert" });
    this.side = el("aside", { class: "details", "aria-label": "About this picture", hidden: true });
    this.tools = el("div", { class: "actions" });
    this.before = button("‹", () => step(-1), { class: "turn", "aria-label": "Picture before" });
    this.after = button("›", () => step(1), { class: "turn", "aria-label": "Next picture" });
    this.root.append(
      el("div", { class: "bar" }, this.title, this.tools),
      el("div", { class: "body" },
        this.before,
        this.stage.root,
        this.after,
        this.side),
      el("div", { class: "foot" }, this.why, this.note),
    );
    this.root.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    this.hit = null;
  }

  get open() {
    return this.root.open;
  }

  show(hit, { info, library, index, total }) {
    if (!this.root.open) this.root.showModal();
    if (this.hit?.id !== hit.id) {
      this.say("");
      this.stage.show(hit, boxesOf(hit), library);
      this.title.textContent = visible(baseName(hit.path));
      this.title.title = visible(hit.path);
      this.root.setAttribute("aria-label", visible(baseName(hit.path)));
      this.why.replaceChildren(...reasons(hit).map((one) => this.reason(one, hit)));
    }
    const another = this.hit?.id !== hit.id;
    this.hit = hit;
    this.before.disabled = index === 0;
    this.after.disabled = index === total - 1;
    this.drawTools(hit, library, `${number(index + 1)} of ${number(total)}`);
    this.side.hidden = !info;
    if (info && (another || !this.side.firstChild)) {
      showDetails(this.side, hit, library, (boxes) => this.stage.point(boxes));
    }
    if (another) this.side.dataset.id = hit.id;
  }

  drawTools(hit, library, place) {
    const { info, select, like, isSelected, hasEncoder, close } = this.handlers;
    const chosen = isSelected(hit.id);
    this.tools.replaceChildren(
      el("span", { class: "place" }, place),
      hasEncoder() ? button("More like this", () => like(hit)) : "",
      button(chosen ? "Selected" : "Select", () => select(hit), { "aria-pressed": String(chosen) }),
      el("a", { href: fileUrl(hit.id, library), download: "", class: "button" }, "Save"),
      button("Turn", () => this.stage.turn()),
      button("Details", info, { "aria-expanded": String(!this.side.hidden) }),
      button("×", close, { "aria-label": "Close", class: "close" }),
    );
  }

  reason(one, hit) {
    const sure = one.score === null ? "" : hit.probability !== null ? percent(one.score) : one.score.toFixed(2);
    const channel = one.channel === "written" ? "" : one.channel;
    const point = () => this.stage.point(one.boxes);
    return el("li", { class: `reason ${one.match.split(":")[0]}`, mouseenter: point, mouseleave: () => this.stage.point([]) },
      el("b", {}, visible(one.word || one.channel)),
      el("span", {}, [one.word ? channel : "", matchName(one.match), sure].filter(Boolean).join(" · ")));
  }

  say(sentence) {
    this.note.textContent = sentence;
  }

  hide() {
    this.hit = null;
    this.side.replaceChildren();
    if (this.root.open) this.root.close();
  }
}
