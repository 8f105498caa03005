/** A question before something is lost. */

import { el, freshId } from "./dom.js";

/**
 * @param {string} title
 * @param {string} text
 * @param {string} yes words of the button that goes on
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text, yes) {
  const id = freshId("confirm");
  const dialog = el(
    "dialog",
    { "aria-labelledby": id },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id }, title),
      el("p", {}, text),
      el(
        "div",
        { class: "buttons" },
        el("button", { class: "primary", value: "yes" }, yes),
        el("button", { class: "quiet", value: "", autofocus: true }, "Keep it"),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
