/** What sound and text each brought to the answer, as bars of log-odds. */

import { el } from "./dom.js";
import { signed, towards } from "./wording.js";

/**
 * @param {NonNullable<import("./types.js").Answer["contributions"]>} contributions
 * @returns {HTMLElement}
 */
export function buildContributions({ base, audio, text, method }) {
  const rows = [
    ["Starting point", base],
    ["The sound", audio],
    ["What was stated", text],
    ["Together", base + audio + text],
  ];
  return el("div", { class: "contributions" },
    el("h4", {}, "What it rests on"),
    bars(rows),
    el("p", { class: "small" }, "In log-odds: 0 is even, +1 makes the odds 2.7 times as high. ", method, /[.)]$/.test(method) ? "" : "."));
}

/**
 * Signed bars from one middle line.
 * @param {[string, number][]} rows
 * @returns {HTMLElement}
 */
export function bars(rows) {
  const largest = Math.max(1e-9, ...rows.map(([, value]) => Math.abs(value)));
  return el("ul", { class: "bars" }, ...rows.map(([label, value]) => {
    const bar = el("span", { class: value > 0 ? "length yes" : "length no" });
    bar.style.width = `${(50 * Math.abs(value)) / largest}%`;
    return el("li", {}, el("span", { class: "label" }, label), " ",
      el("span", { class: "track", "aria-hidden": "true" }, bar),
      el("span", { class: "value" }, signed(value), " ", el("span", { class: "small" }, towards(value))));
  }));
}
