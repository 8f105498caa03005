/** Where a lung sound was recorded: a list in words, and a drawn chest to point at. */

import { el, freshId, svg } from "./dom.js";

/** Places on the drawing, 100 x 120: the person's right is on the left of the front view. */
const OUTLINE = "M38 4v10q-2 5-12 7q-14 3-16 18l-4 40q0 5 4 6l6 2v30h68v-30l6-2q4-1 4-6l-4-40q-2-15-16-18q-10-2-12-7v-10";
const HEIGHTS = { upper: 38, middle: 62, lower: 86 };
const SIDES = { near: 32, far: 68 };

/**
 * @param {readonly string[]} locations the names the model knows
 * @param {() => void} onChange
 */
export function buildChest(locations, onChange) {
  const id = freshId("location");
  const groups = new Map([["Front", []], ["Back", []], ["Side and throat", []]]);
  for (const name of locations) groups.get(group(name)).push(name);
  const select = el("select", { id, onchange: () => (dress(), onChange()) }, el("option", { value: "" }, "Not stated"),
    ...[...groups].filter(([, names]) => names.length).map(([label, names]) =>
      el("optgroup", { label }, ...names.map((name) => el("option", { value: name }, name)))));
  /** @type {Map<string, SVGElement>} */
  const points = new Map();
  const drawing = el("div", { class: "chest", "aria-hidden": "true" }, view("Front", "anterior"), view("Back", "posterior"));
  const field = el("div", { class: "field location" }, el("label", { for: id }, "Place on the chest"), select, drawing,
    el("p", { class: "small" }, "Left and right are the person's own."));

  return {
    field,
    /** @returns {string|null} */
    get value() {
      return select.value || null;
    },
    /** @param {string|null|undefined} name */
    set value(name) {
      if (name && !locations.includes(name)) select.append(el("option", { value: name }, name));
      select.value = name ?? "";
      dress();
    },
  };

  function view(title, aspect) {
    const drawn = svg("svg", { viewBox: "0 0 100 128" }, svg("path", { class: "outline", d: OUTLINE }));
    const left = aspect === "anterior" ? SIDES.far : SIDES.near;
    for (const [side, x] of [["left", left], ["right", 100 - left]]) {
      drawn.append(svg("text", { x, y: 126, class: "side" }, side));
      for (const [level, y] of Object.entries(HEIGHTS)) point(drawn, `${aspect} ${side} ${level}`, x, y);
    }
    if (aspect === "anterior") point(drawn, "trachea", 50, 14);
    return el("figure", {}, drawn, el("figcaption", {}, title));
  }

  function point(drawn, name, x, y) {
    if (!locations.includes(name)) return;
    const dot = svg("circle", { cx: x, cy: y, r: 6, onclick: () => {
      select.value = select.value === name ? "" : name;
      dress();
      onChange();
    } }, svg("title", {}, name));
    points.set(name, dot);
    drawn.append(dot);
  }

  function dress() {
    points.forEach((dot, name) => dot.classList.toggle("on", name === select.value));
  }
}

function group(name) {
  if (/trachea|lateral/.test(name)) return "Side and throat";
  return /anterior/.test(name) ? "Front" : "Back";
}
