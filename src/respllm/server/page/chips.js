/** A list that a person states: words to switch on, "none of these", or not asked at all. */

import { el, freshId } from "./dom.js";
import { count } from "./wording.js";

/**
 * @param {string} legend
 * @param {readonly string[]} words all that the model knows
 * @param {readonly string[]} common those shown first
 * @param {() => void} onChange
 */
export function buildChips(legend, words, common, onChange) {
  const id = freshId("chips");
  /** @type {Map<string, HTMLElement>} */
  const chips = new Map();
  const state = el("span", { class: "state", id: `${id}-state` });
  const none = el("button", { type: "button", class: "chip none", "aria-pressed": "false", onclick: pressNone }, "None of these");
  const first = words.filter((word) => common.includes(word));
  const others = words.filter((word) => !common.includes(word));
  const list = el("div", { class: "chips" }, none, ...first.map(chip));
  const more = el("div", { class: "chips", id: `${id}-more`, hidden: true }, ...others.map(chip));
  const unfold = el("button", { type: "button", class: "link", "aria-expanded": "false", "aria-controls": more.id,
    onclick: () => show(more.hidden) });
  const input = el("input", { type: "text", id: `${id}-other`, maxlength: 100, autocomplete: "off", "aria-describedby": `${id}-state`,
    onkeydown: (event) => {
      if (event.key === "Enter") (event.preventDefault(), add());
    } });
  const field = el("fieldset", { "aria-describedby": `${id}-state` },
    el("legend", {}, legend, " ", state), list, others.length > 0 && unfold, more,
    el("div", { class: "adding" }, el("label", { for: input.id }, "In other words"), input,
      el("button", { type: "button", class: "quiet", onclick: add }, "Add")));
  show(false);
  dress();

  return {
    field,
    /** @returns {string[]|null} null: not asked; []: stated none */
    get value() {
      add();
      if (on(none)) return [];
      const stated = [...chips].filter(([, button]) => on(button)).map(([word]) => word);
      return stated.length ? stated : null;
    },
    /** @param {readonly string[]|null|undefined} stated */
    set value(stated) {
      input.value = "";
      press(none, stated?.length === 0);
      chips.forEach((button, word) => press(button, Boolean(stated?.includes(word))));
      stated?.filter((word) => !chips.has(word)).forEach((word) => list.append(chip(word, true)));
      if (others.some((word) => stated?.includes(word))) show(true);
      dress();
    },
  };

  function chip(word, pressed = false) {
    const button = el("button", { type: "button", class: "chip", "aria-pressed": String(pressed === true),
      onclick: () => {
        press(button, !on(button));
        if (on(button)) press(none, false);
        dress();
        onChange();
      } }, word);
    chips.set(word, button);
    return button;
  }

  function pressNone() {
    press(none, !on(none));
    if (on(none)) chips.forEach((button) => press(button, false));
    dress();
    onChange();
  }

  function add() {
    const added = input.value.split(/[,;|]/).map((word) => word.trim().replace(/\s+/g, " ")).filter(Boolean);
    if (!added.length) return;
    input.value = "";
    for (const word of added) {
      if (/^none$/i.test(word)) continue;
      if (chips.has(word)) press(chips.get(word), true);
      else list.append(chip(word, true));
    }
    press(none, false);
    if (added.every((word) => /^none$/i.test(word))) pressNone();
    dress();
    onChange();
  }

  function show(all) {
    more.hidden = !all;
    unfold.setAttribute("aria-expanded", String(all));
    unfold.textContent = all ? "Fewer" : `${others.length} more`;
  }

  function dress() {
    const stated = [...chips.values()].filter(on).length;
    state.textContent = on(none) ? "stated: none" : stated ? count(stated, "stated", "stated") : "not asked";
    state.classList.toggle("set", on(none) || stated > 0);
  }
}

const on = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button, down) => button.setAttribute("aria-pressed", String(down));
