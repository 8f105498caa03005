/** Playback with a cursor that moves over the picture. */

import { el, freshId } from "./dom.js";
import { soundFigure } from "./figure.js";

/**
 * @param {import("./types.js").Recording} recording heard
 * @returns {HTMLElement}
 */
export function buildPlayer(recording) {
  const { seconds } = recording.heard.spectrogram;
  const { figure, plot } = soundFigure(recording.heard);
  const cursor = el("div", { class: "cursor", "aria-hidden": "true" });
  plot.append(cursor);

  const audio = new Audio(recording.url);
  audio.preload = "auto";
  const label = el("span", { class: "visually-hidden" }, `Play ${recording.name}`);
  const play = el("button", { type: "button", class: "play", onclick: toggle },
    el("span", { class: "symbol", "aria-hidden": "true" }), label);
  const id = freshId("position");
  const slider = el("input", { type: "range", id, min: 0, max: seconds, step: 0.05, value: 0, oninput: () => seek(slider.value) });
  const time = el("span", { class: "small time" });
  const controls = el("div", { class: "controls" }, play,
    el("label", { for: id, class: "visually-hidden" }, `Position in ${recording.name}, in seconds`), slider, time);
  const player = el("div", { class: "player" }, figure, controls);

  audio.addEventListener("play", () => (dress(), follow()));
  audio.addEventListener("pause", dress);
  audio.addEventListener("ended", dress);
  audio.addEventListener("error", () => {
    controls.replaceChildren(el("p", { class: "small" }, "This browser cannot play this format. The service can hear it."));
    cursor.remove();
  });
  plot.addEventListener("click", (event) => {
    const box = plot.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * seconds);
  });
  show();
  return player;

  function toggle() {
    if (!audio.paused) return audio.pause();
    for (const other of playing) other.pause();
    playing.add(audio);
    audio.play().catch(() => {}); // the error event says why
  }

  function dress() {
    const on = !audio.paused && !audio.ended;
    play.classList.toggle("on", on);
    label.textContent = `${on ? "Pause" : "Play"} ${recording.name}`;
    if (!on) playing.delete(audio);
    show();
  }

  function follow() {
    if (!player.isConnected) audio.pause();
    show();
    if (!audio.paused && !audio.ended) requestAnimationFrame(follow);
  }

  function seek(to) {
    audio.currentTime = Math.min(seconds, Math.max(0, Number(to)));
    show();
  }

  function show() {
    const now = Math.min(seconds, audio.currentTime);
    cursor.style.left = `${(100 * now) / seconds}%`;
    slider.value = String(now);
    slider.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${seconds.toFixed(1)} seconds`);
    time.textContent = `${now.toFixed(1)} / ${seconds.toFixed(1)} s`;
  }
}

/** One recording plays at a time. @type {Set<HTMLAudioElement>} */
const playing = new Set();
