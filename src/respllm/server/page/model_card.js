/** What answers: the model in a few facts, and its card. */

import { el } from "./dom.js";

/** @param {HTMLElement} place @param {Record<string, any>} model */
export function buildModelCard(place, model) {
  const facts = {
    Model: model.model_id,
    "Language model": model.llm,
    "Audio encoder": model.encoder,
    Protocol: model.protocol,
    "Trained on": model.simulated ? "simulated people only" : "real recordings",
    "Own recordings": { accepted: "answered", refused: "not answered: simulated examples only", "means nothing": "answered, but the number means nothing" }[model.real_input] ?? model.real_input,
    Version: model.version,
  };
  place.replaceChildren(
    el("dl", { class: "facts" }, ...Object.entries(facts).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value ?? "unknown"))])),
    ...written(model.card ?? ""));
}

/** Markdown's headings, lists, paragraphs and tables, as elements; all else stays text. */
function* written(markdown) {
  for (const block of markdown.replace(/^---\n[\s\S]*?\n---\n/, "").split(/\n\s*\n/)) {
    const text = block.trim();
    const heading = /^#+\s+(.*)/.exec(text);
    if (heading) {
      yield el("h3", {}, plain(heading[1]));
      const rest = text.split("\n").slice(1).join("\n");
      if (rest.trim()) yield* written(rest);
    } else if (/^[-*] /.test(text)) {
      yield el("ul", {}, ...text.split(/\n(?=[-*] )/).map((item) => el("li", {}, plain(item.slice(2)))));
    } else if (/^\|/.test(text) || text.startsWith("```")) {
      yield el("pre", { tabindex: 0 }, text);
    } else if (text) yield el("p", {}, plain(text));
  }
}

const plain = (text) => text.replace(/\*\*|`/g, "").replace(/^>\s?/gm, "").replace(/\s*\n\s*/g, " ");
