/** Waveform and spectrogram above one time axis. */

import { el, svg } from "./dom.js";
import { described, draw, frequencyTicks, timeTicks } from "./spectrogram.js";

/**
 * @param {import("./types.js").Heard} heard
 * @param {{colours?: Uint8ClampedArray, waveform?: boolean, layers?: Node[], below?: Node[]}} [options]
 *   `layers` lie over the spectrogram, `below` between it and the time axis
 * @returns {{figure: HTMLElement, plot: HTMLElement}} `plot` spans the time axis exactly
 */
export function soundFigure(heard, { colours, waveform = true, layers = [], below = [] } = {}) {
  const { spectrogram } = heard;
  const canvas = el("canvas", { role: "img", "aria-label": described(spectrogram) });
  draw(canvas, spectrogram, colours);
  const frequencies = el("div", { class: "frequencies", "aria-hidden": "true" },
    ...frequencyTicks(spectrogram).map(({ label, at }) => placed(el("span", {}, label), "bottom", at)));
  const times = el("div", { class: "times", "aria-hidden": "true" },
    ...timeTicks(spectrogram.seconds).map(({ label, at }) => placed(el("span", {}, label), "left", at)),
    el("span", { class: "unit" }, "s"));
  const plot = el("div", { class: "plot" }, waveform && drawnWaveform(heard.waveform),
    el("div", { class: "picture" }, canvas, ...layers, frequencies), ...below);
  return { figure: el("div", { class: "sound" }, plot, times), plot };
}

function placed(element, side, at) {
  element.style[side] = `${100 * at}%`;
  return element;
}

function drawnWaveform({ low, high }) {
  const n = high.length;
  const peak = Math.max(1e-3, ...high, ...low.map((v) => -v));
  const points = [
    ...high.map((v, x) => `${x} ${(-v / peak).toFixed(3)}`),
    ...low.map((v, x) => `${n - 1 - x} ${(-low[n - 1 - x] / peak).toFixed(3)}`),
  ];
  return svg("svg", { class: "waveform", viewBox: `0 -1.05 ${Math.max(1, n - 1)} 2.1`, preserveAspectRatio: "none",
    "aria-hidden": "true" }, svg("path", { d: `M${points.join("L")}Z` }));
}
