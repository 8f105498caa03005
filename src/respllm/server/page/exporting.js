/** Everything of this session as one JSON document, without the sound itself. */

import { download } from "./dom.js";

/**
 * @param {Record<string, any>} model as `GET /v1/model` says
 * @param {import("./types.js").Recording[]} recordings
 */
export function exportSession(model, recordings) {
  const { card: _card, ...described } = model;
  const document = {
    notice: model.notice,
    exported_at: new Date().toISOString(),
    model: described,
    recordings: recordings.map(({ name, example, heard, asked, answer, attribution }) => ({
      name,
      simulated_example: example && { id: example.id, true_answer: example.true_answer },
      heard: heard && withoutPictures(heard),
      asked,
      answer,
      attribution,
    })),
  };
  download(`respllm-${document.exported_at.slice(0, 19).replaceAll(":", "")}.json`, "application/json", `${JSON.stringify(document, null, 2)}\n`);
}

function withoutPictures({ waveform: _waveform, spectrogram: _spectrogram, ...heard }) {
  return heard;
}
