/** Many people at once: a table and a zip file in, a stream of answers out. */

import { aborted, lines, request } from "./api.js";
import { buildCohortTable } from "./cohort_table.js";
import { announce, byId, download, el, goTo } from "./dom.js";
import { plainProblem, showProblem } from "./problems.js";
import { buildQuestion } from "./question.js";
import { appendQuestion } from "./request.js";
import { asCsv } from "./csv.js";
import { count, size } from "./wording.js";

const SHAPE = "audio,person,age,gender,medical_history,symptoms,recording_location\n" +
  "p01.wav,p01,63,F,none,\"cough; fever\",right posterior chest\n" +
  "p02.wav,p02,,M,,,";

/** @param {{model: any, tasks: any}} service */
export function buildCohort({ model, tasks }) {
  const { limits } = model;
  const question = buildQuestion(byId("cohort-question-fields"), tasks, () => {});
  const table = fileField("cohort-table-file", "Table (CSV or TSV)", ".csv,.tsv,text/csv,text/tab-separated-values");
  const recordings = fileField("cohort-zip", "Recordings (zip)", ".zip,application/zip");
  const problem = byId("cohort-problem");
  const progress = byId("cohort-progress");
  byId("cohort-files").append(table.field, recordings.field,
    el("p", { class: "small" }, `At most ${limits.max_table_rows} rows and ${size(limits.max_table_bytes)}. Empty: not stated. "none": stated none.`),
    el("details", {}, el("summary", {}, "What the table looks like"),
      el("pre", { tabindex: 0, "aria-label": "An example of a table" }, SHAPE),
      el("p", { class: "small" }, "The column audio names a file in the zip. Lists are separated by semicolons. Other columns are not read.")));
  byId("cohort-form").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  /** @type {AbortController|null} */
  let running = null;

  async function start() {
    showProblem(problem);
    const wrong = whatIsMissing();
    if (wrong) return showProblem(problem, wrong);
    if (running) return showProblem(problem, plainProblem("A table is being answered", "wait for its end, or cancel it"));
    running = new AbortController();
    const body = new FormData();
    body.append("table", table.file);
    body.append("recordings", recordings.file);
    appendQuestion(body, question.value);
    const run = { rows: 0, answers: [], refusals: [], complete: false };
    const shown = dress(run);
    try {
      const response = await request("/v1/predict/table", { body, signal: running.signal });
      byId("cohort-results").hidden = false;
      goTo(byId("cohort-results-title"));
      for await (const line of lines(response)) shown.take(line);
      if (!run.complete) throw plainProblem("The answers stopped before the end", "start again", "Those below are complete.");
    } catch (error) {
      if (aborted(error)) announce("Cancelled.");
      else showProblem(problem, error, start);
    } finally {
      running = null;
      shown.end();
    }
  }

  function whatIsMissing() {
    if (!table.file) return (table.focus(), plainProblem("There is no table yet", "choose a CSV or TSV file"));
    if (!recordings.file) return (recordings.focus(), plainProblem("There are no recordings yet", "choose a zip file"));
    if (!question.value) return (question.focus(), plainProblem("There is no question yet", "choose one, or write a condition"));
    const bytes = table.file.size + recordings.file.size;
    if (bytes <= limits.max_table_bytes) return null;
    return plainProblem(`The files are too large: ${size(bytes)}`, "divide the cohort into several tables", `At most ${size(limits.max_table_bytes)} together.`);
  }

  function dress(run) {
    const bar = el("progress", { "aria-label": "Recordings answered" });
    const words = el("p", { class: "small" }, "Sending the files\u2026");
    const cancel = el("button", { type: "button", class: "quiet", onclick: () => running?.abort() }, "Cancel");
    progress.replaceChildren(el("div", { class: "progress" }, bar, cancel), words);
    byId("cohort-results").hidden = false;
    byId("cohort-downloads").replaceChildren();
    const results = buildCohortTable(byId("cohort-table"));

    return {
      take(line) {
        if (line.kind === "start") run.rows = line.rows;
        else if (line.kind === "answer") (run.answers.push(line), results.answer(line));
        else if (line.kind === "refusal") (run.refusals.push(line), results.refusal(line));
        else run.complete = line.kind === "end" || run.complete;
        bar.max = Math.max(1, run.rows);
        bar.value = run.answers.length + run.refusals.length;
        words.textContent = `${bar.value} of ${run.rows} rows: ${run.answers.length} answered, ${run.refusals.length} refused.`;
      },
      end() {
        results.end();
        cancel.remove();
        bar.hidden = true;
        const done = `${run.answers.length} answered, ${run.refusals.length} refused`;
        words.textContent = run.complete ? `Done: ${done}.` : `Not complete: ${done} of ${count(run.rows, "row")}.`;
        announce(words.textContent);
        if (run.answers.length + run.refusals.length) offer(run);
      },
    };
  }

  function offer(run) {
    const name = `respllm-cohort-${new Date().toISOString().slice(0, 10)}`;
    const document = { notice: model.notice, model_id: model.model_id, complete: run.complete, answers: run.answers, refusals: run.refusals };
    byId("cohort-downloads").replaceChildren(
      el("button", { type: "button", class: "quiet", onclick: () => download(`${name}.csv`, "text/csv", asCsv(run, model.notice)) }, "Download CSV"),
      el("button", { type: "button", class: "quiet", onclick: () => download(`${name}.json`, "application/json", `${JSON.stringify(document, null, 2)}\n`) }, "Download JSON"));
  }
}

function fileField(id, label, accept) {
  const input = el("input", { type: "file", id, accept });
  return {
    field: el("div", { class: "field" }, el("label", { for: id }, label), input),
    /** @returns {File|undefined} */
    get file() {
      return input.files[0];
    },
    focus: () => input.focus(),
  };
}
