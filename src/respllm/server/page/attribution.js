/** Where in the sound, and in which words, an answer comes from. */

import { NO, YES, grey } from "./colours.js";
import { bars } from "./contributions.js";
import { el, svg } from "./dom.js";
import { soundFigure } from "./figure.js";
import { duration, signed, towards } from "./wording.js";
import { height } from "./spectrogram.js";

const STRONGEST = 6;
const BINS = 512;

/**
 * @param {import("./types.js").Attribution} attribution
 * @param {import("./types.js").Heard} heard
 * @returns {HTMLElement}
 */
export function buildAttribution(attribution, heard) {
  const { seconds } = heard.spectrogram;
  const laid = layOut(attribution.clips, seconds);
  const largest = Math.max(1e-12, ...laid.flatMap(({ values }) => values.map(Math.abs)));
  const overlay = el("canvas", { class: "overlay", "aria-hidden": "true" });
  tint(overlay, laid, heard.spectrogram, largest);
  const strip = el("div", { class: "strip", role: "img", "aria-label": soundInWords(laid, seconds) }, ...laid.map((band) => drawnBand(band, largest)));
  const { figure } = soundFigure(heard, { colours: grey, waveform: false, layers: [overlay], below: [strip] });
  return el("div", { class: "attribution" },
    el("h4", {}, "Where in the sound"),
    figure,
    el("p", { class: "small" }, swatch("yes"), " towards yes, ", swatch("no"), " towards no. ", soundInWords(laid, seconds)),
    ...words(attribution.words),
    el("p", { class: "small" }, `${attribution.method}. Compared with: ${attribution.baseline}`));
}

/**
 * Values of overlapping clips as one row per band over the recording: where clips overlap, their mean.
 * @returns {{name: string, low_hz: number, high_hz: number, values: number[]}[]}
 */
function layOut(clips, seconds) {
  /** @type {Map<string, any>} */
  const bands = new Map();
  for (const clip of clips) {
    for (const band of clip.bands) {
      const row = bands.get(band.name) ?? { ...band, sum: Array(BINS).fill(0), n: Array(BINS).fill(0) };
      bands.set(band.name, row);
      for (let bin = 0; bin < BINS; bin++) {
        const at = ((bin + 0.5) / BINS) * seconds - clip.seconds_start;
        const value = band.values[Math.floor(at / band.seconds_per_value)];
        if (at < 0 || at > clip.seconds_stop - clip.seconds_start || value === undefined) continue;
        row.sum[bin] += value;
        row.n[bin] += 1;
      }
    }
  }
  return [...bands.values()].map(({ name, low_hz, high_hz, sum, n }) => ({
    name, low_hz, high_hz, values: sum.map((value, bin) => (n[bin] ? value / n[bin] : 0)),
  }));
}

function tint(canvas, laid, spectrogram, largest) {
  const rows = 64;
  canvas.width = BINS;
  canvas.height = rows;
  const image = canvas.getContext("2d").createImageData(BINS, rows);
  for (const band of laid) {
    const top = Math.round(rows * (1 - height(spectrogram, band.high_hz)));
    const bottom = Math.round(rows * (1 - height(spectrogram, band.low_hz)));
    for (let y = top; y < bottom; y++) {
      band.values.forEach((value, x) => {
        image.data.set([...(value > 0 ? YES : NO), (170 * Math.abs(value)) / largest], 4 * (y * BINS + x));
      });
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function drawnBand({ values }, largest) {
  const path = (part) => `M0 0${values.map((value, x) => `L${x} ${(-part(value) / largest).toFixed(3)}L${x + 1} ${(-part(value) / largest).toFixed(3)}`).join("")}L${BINS} 0Z`;
  return svg("svg", { viewBox: `0 -1.05 ${BINS} 2.1`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "yes", d: path((v) => Math.max(0, v)) }), svg("path", { class: "no", d: path((v) => Math.min(0, v)) }),
    svg("line", { x1: 0, x2: BINS, y1: 0, y2: 0 }));
}

function soundInWords(laid, seconds) {
  const found = laid.map(({ name, values }) => {
    const at = values.reduce((best, value, bin) => (Math.abs(value) > Math.abs(values[best]) ? bin : best), 0);
    return `${laid.length > 1 ? `${name}: s` : "S"}trongest towards ${values[at] > 0 ? "yes" : "no"} at ${duration((at / BINS) * seconds)}`;
  });
  return `${found.join("; ")}.`;
}

function words(all) {
  if (!all.length) return [];
  const largest = Math.max(1e-12, ...all.map(({ value }) => Math.abs(value)));
  const strongest = [...all].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, STRONGEST);
  return [
    el("h4", {}, "In which words"),
    bars(strongest.map(({ word, value }) => [word, value])),
    el("details", {}, el("summary", {}, "All words"),
      el("p", { class: "tinted" }, ...all.flatMap(({ word, part, value }) => {
        const tinted = el("span", { class: value > 0 ? "yes" : "no", title: `${part}: ${signed(value)} ${towards(value)}` }, word);
        tinted.style.setProperty("--share", `${Math.round((45 * Math.abs(value)) / largest)}%`);
        return [tinted, " "];
      }))),
  ];
}

const swatch = (kind) => el("i", { class: `key ${kind}`, "aria-hidden": "true" });
