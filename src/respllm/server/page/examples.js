/** Simulated people to try: one click, and the answer follows. */

import { el } from "./dom.js";
import { duration } from "./wording.js";

/**
 * @param {HTMLElement} place
 * @param {import("./types.js").Example[]} offered of questions that the model knows
 * @param {(example: import("./types.js").Example) => void} onChosen
 */
export function buildExamples(place, offered, onChosen) {
  place.replaceChildren(
    el("h2", {}, "Try an example"),
    el(
      "ul",
      { class: "examples" },
      ...offered.map((example) =>
        el(
          "li",
          {},
          el("button", { type: "button", onclick: () => onChosen(example) }, el("span", {}, example.title),
            el("span", { class: "small" }, duration(example.seconds))),
        ),
      ),
    ),
    el("p", { class: "small" }, offered.length
      ? "Simulated people: the sounds are made by a program."
      : "No example asks what this model knows."),
  );
}
