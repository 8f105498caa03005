/** The answers of a cohort in a table that sorts, and the rows that were refused. */

import { announce, el } from "./dom.js";
import { probability, sentence, signed } from "./wording.js";

const SHOWN = 200;
const VERDICTS = { yes: "yes", no: "no", abstains: "does not say" };

/** Columns: heading, what it sorts by, what it shows. */
const COLUMNS = [
  ["Row", (a) => a.row, (a) => String(a.row)],
  ["Recording", (a) => a.name, (a) => a.name],
  ["Verdict", (a) => a.verdict?.answer ?? "", (a) => (a.verdict ? VERDICTS[a.verdict.answer] : "none")],
  ["Calibrated", (a) => a.calibrated?.probability ?? -1, (a) => (a.calibrated ? probability(a.calibrated.probability) : "\u2013")],
  ["Interval", (a) => (a.calibrated ? a.calibrated.high - a.calibrated.low : -1),
    (a) => (a.calibrated ? `${probability(a.calibrated.low)}\u2013${probability(a.calibrated.high)}` : "\u2013")],
  ["As the model gives it", (a) => a.probability, (a) => probability(a.probability)],
  ["Sound", (a) => a.contributions?.audio ?? 0, (a) => (a.contributions ? signed(a.contributions.audio) : "\u2013")],
  ["Stated", (a) => a.contributions?.text ?? 0, (a) => (a.contributions ? signed(a.contributions.text) : "\u2013")],
  ["To know", (a) => a.warnings.length, (a) => a.warnings.join("; ")],
];

/**
 * @param {HTMLElement} place
 * @returns {{answer: (line: any) => void, refusal: (line: any) => void, end: () => void}}
 */
export function buildCohortTable(place) {
  const answers = [];
  let by = 0;
  let down = false;
  let shown = SHOWN;
  let waiting = 0;
  const headings = COLUMNS.map(([name], i) =>
    el("th", { scope: "col" }, el("button", { type: "button", onclick: () => sort(i) }, name, el("span", { class: "order", "aria-hidden": "true" }))));
  const body = el("tbody");
  const more = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => ((shown += SHOWN), draw()) });
  const refused = el("ul", { class: "refused" });
  const refusals = el("div", { hidden: true }, el("h3", {}, "Refused"), refused);
  const unvalidated = el("p", { class: "unvalidated", hidden: true }, el("strong", {}, "UNVALIDATED. "), "Nobody has tested this model on this question.");
  const nothing = el("p", { class: "nothing", hidden: true }, el("strong", {}, "These numbers mean nothing about these people."));
  place.replaceChildren(nothing, unvalidated,
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Answers" },
      el("table", {}, el("caption", {}, "Research only. Not a diagnosis. Sound and Stated in log-odds: above 0 towards yes."),
        el("thead", {}, el("tr", {}, ...headings)), body)), more, refusals);
  mark();

  return {
    answer(line) {
      answers.push(line);
      nothing.hidden &&= !line.means_nothing;
      unvalidated.hidden &&= line.task.validated;
      waiting ||= requestAnimationFrame(draw);
    },
    refusal({ row, name, reason }) {
      refusals.hidden = false;
      refused.append(el("li", {}, el("strong", {}, `Row ${row}, ${name}: `), sentence(reason)));
    },
    end: draw,
  };

  function sort(column) {
    down = column === by ? !down : false;
    by = column;
    mark();
    draw();
    announce(`Sorted by ${COLUMNS[by][0]}, ${down ? "descending" : "ascending"}.`);
  }

  function mark() {
    headings.forEach((heading, i) => {
      if (i === by) heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
    });
  }

  function draw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    const [, key] = COLUMNS[by];
    const sign = down ? -1 : 1;
    const sorted = [...answers].sort((a, b) => sign * compare(key(a), key(b)) || a.row - b.row);
    body.replaceChildren(...sorted.slice(0, shown).map((answer) =>
      el("tr", {}, ...COLUMNS.map(([name, , text]) =>
        el(name === "Recording" ? "th" : "td", { scope: name === "Recording" ? "row" : null, class: name === "Verdict" ? `said-${answer.verdict?.answer}` : null }, text(answer))))));
    more.hidden = answers.length <= shown;
    more.textContent = `Show more (${answers.length - shown} are not shown)`;
  }
}

const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
