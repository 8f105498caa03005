/** The visible wait for a service whose queue is full. */

import { announce, byId, el } from "./dom.js";

/** How often a request is sent before the page gives up. */
export const PATIENCE = 8;

/**
 * Count down, then go on.
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<boolean>} whether to ask again; false: stopped
 */
export function waitShown(seconds, signal) {
  return new Promise((resolve) => {
    const left = el("span", {}, String(seconds));
    const stop = el("button", { type: "button", class: "quiet", onclick: () => end(false) }, "Stop waiting");
    const bar = el(
      "div",
      { class: "waiting", role: "group", "aria-label": "Waiting for the service" },
      el("p", {}, "The service is busy. Next try in ", left, " s."),
      stop,
    );
    const ends = Date.now() + 1000 * seconds;
    const timer = setInterval(() => {
      const rest = Math.ceil((ends - Date.now()) / 1000);
      left.textContent = String(Math.max(0, rest));
      if (rest <= 0) end(true);
    }, 200);
    const end = (again) => {
      clearInterval(timer);
      signal?.removeEventListener("abort", abort);
      bar.remove();
      resolve(again);
    };
    const abort = () => end(false);
    signal?.addEventListener("abort", abort);
    byId("waiting").append(bar);
    announce(`The service is busy. Trying again in ${seconds} seconds.`);
  });
}
