/** The fields of a question about one recording. */

import { appendDms } from "./form.js";

/**
 * @param {import("./types.js").Recording} recording
 * @param {{question: import("./types.js").Asked, dms: import("./types.js").Dms}} what
 * @returns {FormData}
 */
export function asked(recording, { question, dms }) {
  const body = new FormData();
  body.append("audio", recording.blob, recording.name);
  body.append("name", recording.name);
  appendQuestion(body, question);
  appendDms(body, dms);
  return body;
}

/** @param {FormData} body @param {import("./types.js").Asked} question */
export function appendQuestion(body, question) {
  for (const [name, value] of Object.entries(question)) body.append(name, value);
}
