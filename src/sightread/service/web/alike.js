// A picture that is dropped or pasted, to find others like it.

import { find } from "./dom.js";

export function setUpAlike(ask) {
  let inside = 0;
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = (there) => { find("drop").hidden = !there; };
  window.addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    inside += 1;
    show(true);
  });
  window.addEventListener("dragleave", () => {
    inside = Math.max(0, inside - 1);
    if (!inside) show(false);
  });
  window.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    inside = 0;
    show(false);
    if (!carries(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files, ask);
  });
  window.addEventListener("paste", (event) => take(event.clipboardData?.files ?? [], ask, event));
}

function take(files, ask, event = null) {
  const file = [...files][0];
  if (!file) return; // words were pasted: they go where the cursor is
  event?.preventDefault();
  ask(file);
}
