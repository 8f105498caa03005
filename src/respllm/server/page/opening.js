/** Open a recording: by a button, or dropped. */

import { el } from "./dom.js";
import { size } from "./wording.js";
import { plainProblem, showProblem } from "./problems.js";

/**
 * @param {HTMLElement} place
 * @param {HTMLElement} problems where problems are shown
 * @param {{max_upload_bytes: number, formats: string|string[]}} limits
 * @param {(file: File) => void} onFile
 */
export function buildOpening(place, problems, limits, onFile) {
  const formats = [limits.formats].flat().join(", ");
  const input = el("input", { type: "file", accept: "audio/*,video/webm,.flac,.opus,.m4a,.webm,.amr", multiple: true,
    class: "visually-hidden", id: "audio-file", onchange: () => take(input.files) });
  place.replaceChildren(
    el("h2", {}, "Open a file"),
    input,
    el("label", { for: "audio-file", class: "button" }, "Choose a recording"),
    el("p", { class: "small" }, `Or drop it on this page. ${formats}; up to ${size(limits.max_upload_bytes)}.`),
  );

  const main = document.body;
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  main.addEventListener("dragover", (event) => {
    if (!holdsFiles(event) || place.closest("[hidden]")) return;
    event.preventDefault();
    place.classList.add("over");
  });
  main.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) place.classList.remove("over");
  });
  main.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault(); // else the browser leaves the page for the file
    place.classList.remove("over");
    if (!place.closest("[hidden]")) take(event.dataTransfer.files);
  });

  function take(files) {
    showProblem(problems);
    for (const file of files) {
      const wrong = refusal(file);
      if (wrong) showProblem(problems, wrong);
      else onFile(file);
    }
    input.value = ""; // so that the same file can be opened again
  }

  function refusal(file) {
    if (!file.size) return plainProblem("The file is empty", "choose another recording", file.name);
    if (file.size <= limits.max_upload_bytes) return null;
    return plainProblem(
      `The file is too large: ${size(file.size)}`,
      `choose a recording of at most ${size(limits.max_upload_bytes)}`,
      file.name,
    );
  }
}
