/** The answer for one recording, where it comes from on demand, and whether it is out of date. */

import { ask } from "./api.js";
import { announce, el } from "./dom.js";
import { showProblem } from "./problems.js";
import { asked } from "./request.js";
import { buildResult } from "./result.js";

/**
 * @param {import("./types.js").Recording} recording answered
 * @returns {{card: HTMLElement, title: HTMLElement, setStale: (stale: boolean) => void}}
 */
export function buildAnswerCard(recording) {
  const title = el("h3", { tabindex: -1 }, recording.name);
  const stale = el("p", { class: "stale", hidden: true }, "Given before the last change. Ask again for an answer to what stands there now.");
  const where = el("div", { class: "where" });
  const show = el("button", { type: "button", class: "quiet", onclick: attribute }, "Show where in the sound and in which words");
  where.append(show);
  const card = el("article", { class: "card answer" }, title, stale, buildResult(recording.answer, recording.example), where);

  async function attribute() {
    const problem = el("div");
    where.replaceChildren(el("p", { class: "small", role: "status" }, "Tracing the answer back\u2026"), problem);
    try {
      const { answer } = recording;
      const found = await ask("/v1/attribute", { body: asked(recording, recording.asked) });
      if (recording.answer === answer) recording.attribution = found; // or another question was asked
      const { buildAttribution } = await import("./attribution.js");
      const drawn = buildAttribution(found, recording.heard);
      drawn.tabIndex = -1;
      where.replaceChildren(drawn);
      drawn.focus({ preventScroll: true });
      announce(drawn.querySelector(".strip").getAttribute("aria-label"));
    } catch (error) {
      where.replaceChildren(show, problem);
      showProblem(problem, error, attribute);
    }
  }

  return { card, title, setStale: (old) => (stale.hidden = !old) };
}
