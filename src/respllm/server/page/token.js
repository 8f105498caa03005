/** The token of a service that asks for one. It is kept in memory only. */

import { el, freshId } from "./dom.js";

/** @type {Promise<string>|null} */
let open = null;

/**
 * Ask for the token; several requests that need it share one dialogue.
 * @param {boolean} refused the one before was not accepted
 * @returns {Promise<string>} "" if none was given
 */
export function askForToken(refused) {
  open ??= shown(refused).finally(() => (open = null));
  return open;
}

function shown(refused) {
  const id = freshId("token");
  const input = el("input", { id, type: "password", autocomplete: "off", required: true, autofocus: true });
  const dialog = el(
    "dialog",
    { "aria-labelledby": `${id}-title` },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: `${id}-title` }, "This service asks for a token"),
      refused && el("p", { class: "problem", role: "alert" }, "That token was not accepted."),
      el("p", {}, "Whoever runs the service can give it to you. It is forgotten when the page closes."),
      el("label", { for: id }, "Token"),
      input,
      el(
        "div",
        { class: "buttons" },
        el("button", { class: "primary", value: "use" }, "Use it"),
        el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel"),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "use" ? input.value.trim() : "");
    });
  });
}
