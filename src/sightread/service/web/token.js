// A service that others can reach wants a token. The page exchanges it for a cookie, once.

import { onMissingToken, post } from "./api.js";
import { button, el, find } from "./dom.js";
import { closePanel, openPanel } from "./panel.js";

export async function setUpToken() {
  const given = /^#token=(.+)$/.exec(location.hash);
  if (given) {
    history.replaceState(history.state, "", location.pathname + location.search);
    await post("/api/session", { token: decodeURIComponent(given[1]) }).catch(() => {});
  }
  let asking = null;
  onMissingToken(() => {
    asking ??= ask().finally(() => { asking = null; });
    return asking;
  });
}

function ask() {
  return new Promise((resolve) => {
    const field = el("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
    const note = el("p", { class: "note", role: "alert" });
    const form = el("form", { class: "token", submit: async (event) => {
      event.preventDefault();
      try {
        await post("/api/session", { token: field.value });
        closePanel();
        resolve(true);
      } catch (error) {
        note.textContent = error.message;
      }
    } }, el("label", { for: "token" }, "Token of this service"), field, button("Go on", () => {}, { type: "submit", class: "main" }), note);
    openPanel("Who are you?", form);
    find("panel").addEventListener("close", () => resolve(false), { once: true });
    field.focus();
  });
}
