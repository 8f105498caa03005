/** Record: one button, a level, a timer. Space or Enter stops, Escape throws away. */

import { announce, el } from "./dom.js";
import { Microphone } from "./microphone.js";
import { clock } from "./wording.js";
import { showProblem } from "./problems.js";

const LONGEST = 60;
const QUIETEST_DB = -60;
const LOUD = 0.99;

/**
 * @param {HTMLElement} place
 * @param {HTMLElement} problems where problems are shown
 * @param {number} longest seconds that the service takes
 * @param {(blob: Blob) => void} onRecorded
 */
export function buildRecorder(place, problems, longest, onRecorded) {
  const limit = Math.min(LONGEST, longest);
  /** @type {Microphone|null} */
  let microphone = null;
  let began = 0;
  let timer = 0;

  const label = el("span", {}, "Record");
  const button = el("button", { type: "button", class: "record", onclick: () => (microphone ? stop() : start()) },
    el("span", { class: "dot", "aria-hidden": "true" }), label);
  const fill = el("span");
  const meter = el("div", {
    class: "meter", role: "meter", "aria-label": "Level", "aria-valuemin": QUIETEST_DB,
    "aria-valuemax": 0, "aria-valuenow": QUIETEST_DB, "aria-valuetext": "silent",
  }, fill);
  const time = el("span", { class: "time" });
  const level = el("span", { class: "level" });
  const running = el("div", { class: "running", hidden: true }, meter,
    el("p", { class: "small" }, time, level),
    el("p", { class: "small keys" }, el("kbd", {}, "Space"), " stops, ", el("kbd", {}, "Esc"), " throws away"));
  const idle = el("p", { class: "small" }, `With this device's microphone, up to ${limit} s.`);
  place.replaceChildren(el("h2", {}, "Record a sound"), button, running, idle);
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && microphone) discard();
  });

  async function start() {
    if (button.getAttribute("aria-disabled")) return; // the question for the microphone stands open
    showProblem(problems);
    button.setAttribute("aria-disabled", "true");
    try {
      microphone = await Microphone.open(show, stop);
    } catch (error) {
      showProblem(problems, error);
      return;
    } finally {
      button.removeAttribute("aria-disabled");
    }
    began = performance.now();
    timer = setInterval(tick, 250);
    tick();
    dress(true);
    announce(`Recording. Space stops, Escape throws away. At most ${limit} seconds.`);
  }

  function tick() {
    const seconds = (performance.now() - began) / 1000;
    time.textContent = `${clock(seconds)} of ${clock(limit)}`;
    if (seconds >= limit) stop();
  }

  function show(peak) {
    const db = Math.max(QUIETEST_DB, 20 * Math.log10(peak || 1e-9));
    const words = peak >= LOUD ? "too loud" : db < -40 ? "very quiet" : "good level";
    fill.style.transform = `scaleX(${1 - db / QUIETEST_DB})`;
    meter.classList.toggle("loud", peak >= LOUD);
    meter.setAttribute("aria-valuenow", String(Math.round(db)));
    meter.setAttribute("aria-valuetext", `${Math.round(db)} decibels, ${words}`);
    level.textContent = words;
  }

  async function stop() {
    const stopped = end();
    if (stopped) onRecorded(await stopped.stop());
  }

  function discard() {
    end()?.close();
    announce("The recording was thrown away.");
    button.focus();
  }

  function end() {
    const ended = microphone;
    microphone = null;
    clearInterval(timer);
    dress(false);
    return ended;
  }

  function dress(recording) {
    label.textContent = recording ? "Stop" : "Record";
    button.classList.toggle("on", recording);
    running.hidden = !recording;
    idle.hidden = recording;
    if (recording) button.focus();
  }
}
