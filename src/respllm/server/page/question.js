/** What is asked: a task of the model, or another condition, which nobody has tested. */

import { el, freshId } from "./dom.js";

const OTHER = "other";

/**
 * @param {HTMLElement} place
 * @param {{tasks: import("./types.js").Task[], free_condition: {sounds: string[]}}} offered
 * @param {() => void} onChange
 */
export function buildQuestion(place, offered, onChange) {
  const id = freshId("task");
  const groups = Map.groupBy(offered.tasks, (task) => task.condition);
  const select = el("select", { id, required: true, "aria-describedby": `${id}-note`, onchange: changed },
    el("option", { value: "" }, "Choose a question"),
    ...[...groups].map(([label, tasks]) => el("optgroup", { label },
      ...tasks.map((task) => el("option", { value: task.id }, `${asWords(task)} (${task.id}, ${task.dataset})`)))),
    el("option", { value: OTHER }, "Another condition\u2026"));
  const note = el("div", { class: "note", id: `${id}-note` });
  const condition = el("input", { type: "text", id: `${id}-condition`, maxlength: 100, autocomplete: "off", oninput: onChange });
  const sound = el("select", { id: `${id}-sound`, onchange: changed },
    ...offered.free_condition.sounds.map((value) => el("option", { value }, value)));
  const other = el("div", { hidden: true },
    el("p", { class: "unvalidated" }, el("strong", {}, "UNVALIDATED. "),
      "The model was never tested on what you write here. Its answer is a score, without a verdict."),
    el("div", { class: "field" }, el("label", { for: condition.id }, "Condition"), condition),
    el("div", { class: "field" }, el("label", { for: sound.id }, "Heard in"), sound));
  place.replaceChildren(el("div", { class: "field" }, el("label", { for: id }, "Ask about"), select), note, other);

  const task = () => offered.tasks.find((one) => one.id === select.value);

  function changed() {
    other.hidden = select.value !== OTHER;
    note.replaceChildren(...(task() ? tested(task()) : []));
    onChange();
  }

  return {
    /** @returns {import("./types.js").Asked|null} null: nothing chosen yet */
    get value() {
      if (task()) return { task: task().id };
      const words = condition.value.trim().replace(/\s+/g, " ");
      return select.value === OTHER && words ? { condition: words, sound: sound.value } : null;
    },
    /** @param {string} taskId */
    choose(taskId) {
      select.value = taskId;
      changed();
    },
    get asksLocation() {
      return task() ? task().asks_location : select.value === OTHER && /lung/.test(sound.value);
    },
    /** Go to what is still to be chosen. */
    focus() {
      (select.value === OTHER ? condition : select).focus();
    },
  };
}

/** "COPD from lung sounds". @param {{condition: string, sound: string}} task */
export const asWords = (task) => `${task.condition} from ${task.sound}`;

function tested(task) {
  const { auroc } = task;
  const learned = task.trained ? "The model learned this question." : "The model never learned this question.";
  const result = auroc
    ? [`${learned} On people it had not heard: AUROC `, el("strong", {}, auroc.value.toFixed(2)),
      ` (95% interval ${auroc.low.toFixed(2)}\u2013${auroc.high.toFixed(2)}; ${auroc.n_subjects} people, ${auroc.n_positive} of them yes). 0.5 is guessing.`]
    : [`${learned} It was not tested on it here.`];
  return [
    el("p", { class: "small" }, ...result),
    !task.calibrated && el("p", { class: "small" }, "Not calibrated: there will be a number, but no verdict."),
  ].filter(Boolean);
}
