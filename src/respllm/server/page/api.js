/** The service. Every failure is a `Problem` that a person can act on. */

import { askForToken } from "./token.js";
import { PATIENCE, waitShown } from "./waiting.js";

/** What went wrong, in words (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status 0: no answer at all
   * @param {{title?: string, detail?: string, where?: string, expected?: string, next_step?: string}} told
   */
  constructor(status, told) {
    super(told.title || "Something went wrong");
    this.status = status;
    this.detail = told.detail ?? "";
    this.expected = told.expected ?? "";
    this.nextStep = told.next_step ?? "";
  }
}

const GONE = {
  title: "The service does not answer",
  detail: "What you recorded and entered is still here.",
  next_step: "check that respllm serve is running and that you are connected, then try again",
};
const WORDS = {
  401: { title: "This service asks for a token", next_step: "ask whoever runs it, then try again" },
  403: { title: "The service refuses this", next_step: "open the page at the address it was given for" },
  413: { title: "The file is too large", next_step: "send a shorter recording" },
  415: { title: "The service cannot read this file", next_step: "send wav, flac, mp3, ogg, m4a or webm" },
  429: { title: "The service is busy", next_step: "try again in a minute" },
  503: { title: "The service is shutting down or not ready", next_step: "try again in a minute" },
};

let token = "";

/**
 * Ask the service; wait and ask again where it is busy, ask for the token where it wants one.
 * @param {string} path
 * @param {{body?: FormData, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} a good one
 */
export async function request(path, { body, signal } = {}) {
  for (let tries = 1; ; tries++) {
    const sent = token;
    const response = await sendOnce(path, body, signal);
    if (response.ok) return response;
    const problem = await told(response);
    if (response.status === 401) {
      // Another request may have brought the token meanwhile.
      if (sent === token) token = await askForToken(sent !== "");
      if (!token) throw problem;
    } else if (response.status === 429 && tries < PATIENCE) {
      const seconds = Number(response.headers.get("retry-after")) || 1;
      if (!(await waitShown(seconds, signal))) throw problem;
    } else throw problem;
  }
}

/** The JSON of an answer. @returns {Promise<any>} */
export async function ask(path, options) {
  const response = await request(path, options);
  try {
    return await response.json();
  } catch (error) {
    if (aborted(error)) throw error;
    throw new Problem(0, GONE);
  }
}

/** Each object of a stream of JSON lines. @param {Response} response */
export async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      if (aborted(error)) throw error;
      throw new Problem(0, { ...GONE, detail: "The answers stopped coming. Those above are complete." });
    }
    const parts = (rest + (read.value ?? "")).split("\n");
    rest = read.done ? "" : parts.pop();
    for (const part of parts) if (part.trim()) yield JSON.parse(part);
    if (read.done) return;
  }
}

/** Whether someone stopped it on purpose. */
export const aborted = (error) => error instanceof DOMException && error.name === "AbortError";

async function sendOnce(path, body, signal) {
  try {
    return await fetch(path, {
      method: body ? "POST" : "GET",
      body,
      signal,
      headers: token ? { authorization: `Bearer ${token}` } : {},
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (aborted(error)) throw error;
    throw new Problem(0, GONE);
  }
}

/** @param {Response} response */
async function told(response) {
  const known = WORDS[response.status] ?? {
    title: response.status < 500 ? "The service refuses this" : "The service failed",
    next_step: response.status < 500 ? "" : "try again; if it fails again, tell whoever runs the service",
  };
  let document = {};
  if (response.headers.get("content-type")?.includes("json")) {
    document = await response.json().catch(() => ({}));
  }
  const texts = Object.entries(document).filter(([, value]) => typeof value === "string" && value);
  return new Problem(response.status, { ...known, ...Object.fromEntries(texts) });
}
