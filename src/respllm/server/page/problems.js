/** Problems where they happened, in words, with what to do next. */

import { Problem, aborted } from "./api.js";
import { el } from "./dom.js";
import { sentence } from "./wording.js";

/**
 * Show a problem in a place; without one, clear the place.
 * @param {HTMLElement} place
 * @param {unknown} [error] a `Problem`, anything thrown, or nothing
 * @param {() => void} [again] offers "Try again"
 */
export function showProblem(place, error, again) {
  place.replaceChildren();
  if (!error || aborted(error)) return;
  if (!(error instanceof Problem)) console.error(error);
  const problem =
    error instanceof Problem
      ? error
      : new Problem(0, { title: "The page failed", next_step: "reload it; if it fails again, report it" });
  place.append(
    el(
      "div",
      { class: "problem", role: "alert" },
      el("p", {}, el("strong", {}, sentence(problem.message))),
      problem.detail && el("p", {}, sentence(problem.detail)),
      problem.expected && el("p", {}, `Expected: ${sentence(problem.expected)}`),
      problem.nextStep && el("p", {}, `Next: ${sentence(problem.nextStep)}`),
      again && el("button", { type: "button", class: "quiet", onclick: () => (showProblem(place), again()) }, "Try again"),
    ),
  );
}

/** @param {string} title @param {string} [nextStep] @param {string} [detail] */
export const plainProblem = (title, nextStep = "", detail = "") =>
  new Problem(400, { title, detail, next_step: nextStep });
