// The one dialog for everything that is not a picture.

import { button, el, find } from "./dom.js";

let opener = null;

export function openPanel(title, ...content) {
  const root = find("panel");
  root.setAttribute("aria-label", title);
  root.replaceChildren(
    el("div", { class: "bar" }, el("h2", {}, title), button("×", closePanel, { "aria-label": "Close", class: "close" })),
    el("div", { class: "content" }, ...content),
  );
  if (!root.open) {
    opener = document.activeElement;
    root.showModal();
    root.addEventListener("close", () => opener?.focus(), { once: true });
  }
  return root;
}

export function closePanel() {
  find("panel").close();
}

export const panelIsOpen = () => find("panel").open;
