/** A probability and its interval on one scale from 0 to 1. */

import { el, svg } from "./dom.js";
import { probability } from "./wording.js";

const LINE = 26;

/**
 * @param {import("./types.js").Answer} answer
 * @returns {HTMLElement}
 */
export function buildScale({ probability: raw, calibrated }) {
  const percent = (p) => `${100 * p}%`;
  const drawing = svg("svg", { class: "scale", height: 58, role: "img", "aria-label": inWords(raw, calibrated) },
    svg("line", { class: "axis", x1: 0, x2: "100%", y1: LINE, y2: LINE }));
  for (const p of [0, 0.25, 0.5, 0.75, 1]) {
    drawing.append(svg("line", { class: "axis", x1: percent(p), x2: percent(p), y1: LINE - 4, y2: LINE + 4 }));
    const label = p === 0 ? "0 no" : p === 1 ? "yes 1" : String(p);
    drawing.append(svg("text", { x: percent(p), y: LINE + 28, "text-anchor": p === 0 ? "start" : p === 1 ? "end" : "middle" }, label));
  }
  if (calibrated) {
    const width = Math.max(0.004, calibrated.high - calibrated.low);
    drawing.append(
      svg("rect", { class: "interval", x: percent(calibrated.low), width: percent(width), y: LINE - 9, height: 18, rx: 4 }),
      svg("circle", { class: "raw", cx: percent(raw), cy: LINE, r: 5 }),
      svg("circle", { class: "point", cx: percent(calibrated.probability), cy: LINE, r: 7 }));
  } else drawing.append(svg("circle", { class: "raw alone", cx: percent(raw), cy: LINE, r: 7 }));
  return el("div", { class: "scaled" }, drawing, calibrated && legend());
}

function legend() {
  const key = (kind, words) => el("span", {}, el("i", { class: `key ${kind}` }), words);
  return el("p", { class: "small legend", "aria-hidden": "true" }, key("point", "calibrated"), key("interval", "its interval"),
    key("raw", "as the model gives it"));
}

function inWords(raw, calibrated) {
  const given = `as the model gives it ${probability(raw)}`;
  if (!calibrated) return `On a scale from 0, no, to 1, yes: ${given}, not calibrated`;
  const { low, high } = calibrated;
  return `On a scale from 0, no, to 1, yes: calibrated ${probability(calibrated.probability)}, ` +
    `interval ${probability(low)} to ${probability(high)}; ${given}`;
}
