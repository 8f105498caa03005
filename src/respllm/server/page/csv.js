/** Answers of a cohort as a CSV file that a spreadsheet opens without running anything. */

const COLUMNS = {
  row: (line) => line.row,
  name: (line) => line.name,
  task: (line) => line.task?.id,
  condition: (line) => line.task?.condition,
  verdict: (line) => line.verdict?.answer,
  calibrated_probability: (line) => line.calibrated?.probability,
  calibrated_low: (line) => line.calibrated?.low,
  calibrated_high: (line) => line.calibrated?.high,
  probability: (line) => line.probability,
  log_odds: (line) => line.log_odds,
  log_odds_of_audio: (line) => line.contributions?.audio,
  log_odds_of_text: (line) => line.contributions?.text,
  validated: (line) => line.task?.validated,
  means_nothing: (line) => line.means_nothing,
  warnings: (line) => [...(line.warnings ?? []), ...(line.notes ?? [])].join("; "),
  refused_because: (line) => line.reason,
  model_id: (line) => line.model_id,
};

/**
 * @param {{answers: object[], refusals: object[]}} run
 * @param {string} notice a last column of every row, so that it travels with each number
 * @returns {string}
 */
export function asCsv({ answers, refusals }, notice) {
  const rows = [...answers, ...refusals].sort((a, b) => a.row - b.row);
  return [
    [...Object.keys(COLUMNS), "notice"],
    ...rows.map((line) => [...Object.values(COLUMNS).map((value) => value(line)), notice]),
  ].map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  // A spreadsheet would compute a text that begins like this.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
