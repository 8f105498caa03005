/** One answer: the verdict first, then the number and its interval, then what it rests on. */

import { buildContributions } from "./contributions.js";
import { el } from "./dom.js";
import { count, probability, sentence } from "./wording.js";
import { asWords } from "./question.js";
import { buildScale } from "./scale.js";

const VERDICTS = {
  yes: "The model says yes",
  no: "The model says no",
  abstains: "The model does not say",
};

/**
 * @param {import("./types.js").Answer} answer
 * @param {import("./types.js").Example|null} example its true answer is known
 * @returns {HTMLElement}
 */
export function buildResult(answer, example) {
  return el("div", { class: "result" },
    answer.means_nothing && el("p", { class: "nothing" },
      el("strong", {}, "This number means nothing about this person."), " The model was trained on simulated recordings only."),
    !answer.task.validated && el("p", { class: "unvalidated" }, el("strong", {}, "UNVALIDATED. "),
      "Nobody has tested this model on this question."),
    el("div", { class: "said" },
      el("div", { class: "saying" },
        el("p", { class: "asked" }, asWords(answer.task)),
        verdict(answer),
        number(answer),
        buildScale(answer),
        truth(example, answer)),
      answer.contributions && buildContributions(answer.contributions)),
    remarks(answer),
    prompt(answer));
}

/** For a list or a screen reader. @param {import("./types.js").Answer} answer */
export function inShort(answer) {
  const p = answer.calibrated?.probability ?? answer.probability;
  const said = answer.verdict ? VERDICTS[answer.verdict.answer] : "No verdict";
  return `${asWords(answer.task)}: ${said}, ${answer.calibrated ? "calibrated" : "uncalibrated"} probability ${probability(p)}.`;
}

function verdict({ verdict: given, why_uncalibrated: why }) {
  if (!given) return el("p", { class: "verdict" }, el("strong", {}, "No verdict"), el("span", { class: "small" }, why && sentence(why)));
  return el("p", { class: `verdict ${given.answer}` }, el("strong", {}, VERDICTS[given.answer]),
    el("span", { class: "small" }, sentence(given.text)));
}

function number({ probability: raw, calibrated }) {
  if (!calibrated) {
    return el("p", { class: "number" }, el("strong", {}, probability(raw)), el("span", { class: "small" }, "as the model gives it, not calibrated"));
  }
  const { low, high, n_positive: positive, n_negative: negative } = calibrated;
  return el("p", { class: "number" }, el("strong", {}, probability(calibrated.probability)),
    el("span", { class: "small" }, `calibrated probability, between ${probability(low)} and ${probability(high)} (${calibrated.interval}; ` +
      `from ${unit(calibrated.unit)} of ${positive} people with yes and ${negative} with no). The model itself gives ${probability(raw)}.`));
}

const unit = (name) => ({ subject: "all sounds", recording: "recordings", clip: "clips" })[name] ?? name;

function truth(example, answer) {
  if (!example || example.true_answer === null || example.task !== answer.task.id) return null;
  const told = { 0: "no", 1: "yes", false: "no", true: "yes" }[String(example.true_answer)] ?? String(example.true_answer);
  return el("p", { class: "small truth" }, "This simulated person's true answer: ", el("strong", {}, told), ".");
}

function remarks({ warnings, notes, familiarity }) {
  const list = [
    familiarity && el("li", { class: familiarity.unusual ? "care" : null }, `More unusual than ${Math.round(familiarity.percentile)}% of held-out people's recordings.`),
    ...warnings.map((text) => el("li", { class: "care" }, sentence(text))),
    ...notes.map((text) => el("li", {}, sentence(text))),
  ].filter(Boolean);
  return list.length > 0 && el("ul", { class: "remarks" }, ...list);
}

function prompt({ prompt: read, clips, model_id: model }) {
  const part = (name, text) => [el("dt", {}, name), el("dd", {}, text || "nothing")];
  return el("details", { class: "prompt" }, el("summary", {}, "The exact words the model read"),
    el("dl", {}, ...part("Task", read.task), ...part("Person", read.dms), ...part("Audio", read.audio),
      ...part("Model", `${model}; ${count(clips, "clip")} heard`)));
}
