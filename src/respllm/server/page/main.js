/** Starts the page: asks the service what it offers, then builds the two views. */

import { ask } from "./api.js";
import { byId } from "./dom.js";
import { buildModelCard } from "./model_card.js";
import { buildPerson } from "./person.js";
import { showProblem } from "./problems.js";

const SIMULATED = {
  refused: "This model learned from simulated people only. It answers for the simulated examples; it does not answer for real recordings.",
  "means nothing": "This model learned from simulated people only. What it says about a real recording means nothing.",
};

/** What the cohort is built from, when it is first looked at. @type {object|null} */
let cohortOffers = null;

async function start() {
  try {
    showView();
    const [model, tasks, words, examples] = await Promise.all(
      ["/v1/model", "/v1/tasks", "/v1/form", "/v1/examples"].map((path) => ask(path)));
    const simulated = SIMULATED[model.real_input];
    byId("simulated").hidden = !simulated;
    byId("simulated").textContent = simulated ?? "";
    buildPerson({ model, tasks, words, examples });
    cohortOffers = { model, tasks };
    buildModelCard(byId("model-card"), model);
    await showView();
    document.body.dataset.ready = "";
  } catch (error) {
    showProblem(byId("start-problem"), error, start);
  }
}

async function showView() {
  const cohort = location.hash === "#cohort";
  byId("person").hidden = cohort;
  byId("cohort").hidden = !cohort;
  for (const [id, here] of [["to-person", !cohort], ["to-cohort", cohort]]) {
    if (here) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
  document.title = `respllm${cohort ? ", a cohort" : ""}: research only, not a diagnosis`;
  if (!cohort || !cohortOffers) return;
  const offers = cohortOffers;
  cohortOffers = null;
  (await import("./cohort.js")).buildCohort(offers);
}

addEventListener("hashchange", () => {
  showView();
  scrollTo({ top: 0 });
});
start();
