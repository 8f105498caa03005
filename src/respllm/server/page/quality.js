/** What a recording is good for, in words, before anything is predicted. */

import { duration, sentence } from "./wording.js";

/** What to do about each thing the service may find. */
const ADVICE = [
  [/clipped/i, "The sound was too loud for the microphone. Lower its level or move it away, and record again."],
  [/mostly silent/i, "Most of it is silence. Begin closer to the sound, and record again."],
  [/^short|too short/i, "Record for a few seconds."],
  [/quiet/i, "Move the microphone closer, or raise its level, and record again."],
  [/silent/i, "Check that the microphone is on and not muted, and record again."],
  [/offset/i, "The microphone adds a constant voltage. Try another microphone or cable."],
];

/**
 * @param {import("./types.js").Heard} heard
 * @returns {{level: "good"|"care"|"bad", title: string, sentences: string[]}}
 */
export function quality(heard) {
  if (!heard.usable) {
    return { level: "bad", title: "No answer can be based on this", sentences: withAdvice([heard.reason]) };
  }
  if (heard.warnings.length) {
    return { level: "care", title: "Usable, with care", sentences: withAdvice(heard.warnings) };
  }
  return {
    level: "good",
    title: "Good to use",
    sentences: [`${duration(heard.sound_seconds)} of sound, not clipped, loud enough (peak ${Math.round(heard.peak_dbfs)} dB of full scale).`],
  };
}

function withAdvice(findings) {
  return findings.map((finding) => {
    const advice = ADVICE.find(([pattern]) => pattern.test(finding));
    const said = /next:|record again/i.test(finding);
    return [sentence(finding), !said && advice?.[1]].filter(Boolean).join(" ");
  });
}
