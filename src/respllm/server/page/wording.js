/** Numbers and sentences, written the same everywhere on the page. */

/** A probability. @param {number} p */
export function probability(p) {
  if (p > 0 && p < 0.005) return "under 0.01";
  if (p < 1 && p > 0.995) return "over 0.99";
  return p.toFixed(2);
}

/** With its sign; a true minus. @param {number} value */
export function signed(value) {
  const digits = Math.abs(value).toFixed(2);
  if (Number(digits) === 0) return "0.00";
  return `${value > 0 ? "+" : "\u2212"}${digits}`;
}

/** Which answer log-odds speak for. @param {number} value */
export function towards(value) {
  if (Math.abs(value) < 0.005) return "neither way";
  return value > 0 ? "towards yes" : "towards no";
}

/** @param {number} seconds */
export const duration = (seconds) =>
  seconds < 60 ? `${seconds.toFixed(1)} s` : `${clock(seconds)} min`;

/** Minutes and seconds. @param {number} seconds */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** @param {number} bytes */
export const size = (bytes) =>
  bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** @param {number} hz */
export const hertz = (hz) => (hz < 1000 ? `${Math.round(hz)} Hz` : `${+(hz / 1000).toFixed(1)} kHz`);

/** @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** With a capital and a full stop. @param {string} text */
export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
