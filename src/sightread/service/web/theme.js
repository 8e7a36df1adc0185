// Light or dark: as the system says, or as somebody chose.

import { find } from "./dom.js";

const NAME = "sightread-theme";

export function setUpTheme() {
  apply(stored());
  find("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = dark ? "light" : "dark";
    apply(next);
    try {
      localStorage.setItem(NAME, next);
    } catch { /* without storage the choice lasts as long as the page */ }
  });
}

function stored() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}

function apply(theme) {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}
