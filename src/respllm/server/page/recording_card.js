/** A recording before it is asked about: its picture, its sound, what it is good for. */

import { ask } from "./api.js";
import { announce, el } from "./dom.js";
import { buildPlayer } from "./player.js";
import { showProblem } from "./problems.js";
import { quality } from "./quality.js";
import { decoded } from "./spectrogram.js";

/**
 * @param {import("./types.js").Recording} recording
 * @param {{onRemove: () => void, onAgain: (() => void)|null}} actions
 * @returns {{card: HTMLElement, title: HTMLElement, listen: () => Promise<void>}}
 */
export function buildRecordingCard(recording, { onRemove, onAgain }) {
  const title = el("h3", { tabindex: -1 }, recording.name);
  const body = el("div", { class: "player waits" }, el("p", { class: "small" }, "Listening\u2026"));
  const verdict = el("div");
  const card = el("article", { class: "card" },
    el("div", { class: "heading" }, title,
      el("div", { class: "buttons" },
        onAgain && el("button", { type: "button", class: "quiet", onclick: onAgain }, "Record again"),
        el("button", { type: "button", class: "quiet", "aria-label": `Remove ${recording.name}`, onclick: onRemove }, "Remove"))),
    body, verdict);

  async function listen() {
    const form = new FormData();
    form.append("audio", recording.blob, recording.name);
    try {
      const heard = await ask("/v1/listen", { body: form });
      recording.heard = { ...heard, spectrogram: decoded(heard.spectrogram) };
    } catch (error) {
      body.replaceChildren();
      body.classList.remove("waits");
      return showProblem(verdict, error, listen);
    }
    const found = quality(recording.heard);
    body.classList.remove("waits");
    body.replaceChildren(buildPlayer(recording));
    verdict.replaceChildren(el("div", { class: `quality ${found.level}` }, el("p", {}, el("strong", {}, found.title)),
      ...found.sentences.map((text) => el("p", {}, text))));
    announce(`${recording.name} was heard. ${found.title}. ${found.sentences.join(" ")}`);
  }

  return { card, title, listen };
}
