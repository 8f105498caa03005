/** The model's own log-mel as a picture, its axes, and what it shows in words. */

import { magma } from "./colours.js";
import { duration, hertz } from "./wording.js";

const MOST_COLUMNS = 4096;

/** What `POST /v1/listen` sends, with its values decoded. @returns {import("./types.js").Spectrogram} */
export function decoded(spectrogram) {
  const values = Uint8Array.from(atob(spectrogram.values), (c) => c.charCodeAt(0));
  return { ...spectrogram, values };
}

/**
 * Draw it pixel by pixel; the style sheet stretches it.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./types.js").Spectrogram} spectrogram
 * @param {Uint8ClampedArray} [colours] 256 times red, green, blue
 */
export function draw(canvas, spectrogram, colours = magma) {
  const { frames, bands, values } = spectrogram;
  const columns = Math.min(frames, MOST_COLUMNS);
  canvas.width = columns;
  canvas.height = bands;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, bands);
  for (let x = 0; x < columns; x++) {
    const frame = Math.floor((x * frames) / columns);
    for (let band = 0; band < bands; band++) {
      const at = 4 * ((bands - 1 - band) * columns + x);
      const level = 3 * values[frame * bands + band];
      for (let i = 0; i < 3; i++) image.data[at + i] = colours[level + i];
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

/** Its text alternative: when and where it is loudest. @param {import("./types.js").Spectrogram} s */
export function described(s) {
  const loud = new Float64Array(s.frames);
  const pitch = new Float64Array(s.bands);
  for (let frame = 0; frame < s.frames; frame++) {
    for (let band = 0; band < s.bands; band++) {
      const value = s.values[frame * s.bands + band];
      loud[frame] += value;
      pitch[band] += value;
    }
  }
  const when = (loud.indexOf(Math.max(...loud)) / s.frames) * s.seconds;
  const band = pitch.indexOf(Math.max(...pitch));
  const [low, high] = [bandEdge(s, band), bandEdge(s, band + 2)];
  return `Spectrogram of ${duration(s.seconds)}, ${hertz(s.low_hz)} to ${hertz(s.high_hz)}. ` +
    `Loudest at ${duration(when)}; most sound between ${hertz(low)} and ${hertz(high)}.`;
}

/** Ticks of the frequency axis. @returns {{label: string, at: number}[]} `at`: 0 lowest, 1 highest */
export function frequencyTicks(s) {
  return [100, 500, 1000, 2000, 4000, 8000]
    .filter((hz) => hz >= s.low_hz && hz <= s.high_hz)
    .map((hz) => ({ label: hertz(hz), at: height(s, hz) }));
}

/** Ticks of a time axis of at most eight. @returns {{label: string, at: number}[]} */
export function timeTicks(seconds) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((s) => seconds / s <= 8) ?? 900;
  const ticks = [];
  for (let i = 0; i * step <= seconds * 0.97; i++) {
    ticks.push({ label: String(+(i * step).toFixed(1)), at: (i * step) / seconds });
  }
  return ticks;
}

/** Where a frequency lies on the mel axis, from 0 to 1. */
export function height(s, hz) {
  const [low, high] = [mel(s.low_hz), mel(s.high_hz)];
  return (mel(Math.max(s.low_hz, Math.min(s.high_hz, hz))) - low) / (high - low);
}

function bandEdge(s, edge) {
  const [low, high] = [mel(s.low_hz), mel(s.high_hz)];
  return hz(low + ((high - low) * edge) / (s.bands + 1));
}

// Slaney's scale: linear below 1 kHz, logarithmic above.
const LOG_STEP = Math.log(6.4) / 27;
const mel = (f) => (f < 1000 ? f / (200 / 3) : 15 + Math.log(f / 1000) / LOG_STEP);
const hz = (m) => (m < 15 ? (m * 200) / 3 : 1000 * Math.exp(LOG_STEP * (m - 15)));
