/** The recordings of one person. They live in this page's memory and nowhere else. */

/** @type {import("./types.js").Recording[]} */
export const recordings = [];

let made = 0;

/**
 * @param {Blob} blob
 * @param {string} [name] without one: "Recording 1", "Recording 2", ...
 * @param {import("./types.js").Example|null} [example]
 * @returns {import("./types.js").Recording}
 */
export function add(blob, name, example = null) {
  const id = ++made;
  const url = URL.createObjectURL(blob);
  const recording = { id, name: name ?? `Recording ${id}`, blob, url, example, heard: null, answer: null, asked: null, attribution: null };
  recordings.push(recording);
  return recording;
}

/** Forget one. @param {import("./types.js").Recording} recording */
export function remove(recording) {
  URL.revokeObjectURL(recording.url);
  recordings.splice(recordings.indexOf(recording), 1);
}

/** Forget all. */
export function clear() {
  while (recordings.length) remove(recordings[0]);
  made = 0;
}
