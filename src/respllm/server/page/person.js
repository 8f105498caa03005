/** One person: recordings, what is stated, the question, the answers. */

import { ask, request } from "./api.js";
import { buildAnswerCard } from "./answer_card.js";
import { confirmed } from "./confirming.js";
import { announce, byId, el, goTo } from "./dom.js";
import { buildExamples } from "./examples.js";
import { exportSession } from "./exporting.js";
import { buildForm } from "./form.js";
import { buildOpening } from "./opening.js";
import { plainProblem, showProblem } from "./problems.js";
import { buildQuestion } from "./question.js";
import { buildRecordingCard } from "./recording_card.js";
import { buildRecorder } from "./recorder.js";
import { asked } from "./request.js";
import { inShort } from "./result.js";
import { add, clear, recordings, remove } from "./session.js";
import { count } from "./wording.js";

const NOT_STATED = { age: null, gender: null, medical_history: null, symptoms: null, recording_location: null };

/** @param {{model: any, tasks: any, words: any, examples: any}} service what the service offers */
export function buildPerson({ model, tasks, words, examples }) {
  const problems = byId("intake-problem");
  const askProblem = byId("ask-problem");
  const askButton = byId("ask");
  /** @type {Map<import("./types.js").Recording, ReturnType<typeof buildRecordingCard>>} */
  const heardCards = new Map();
  /** @type {Map<import("./types.js").Recording, ReturnType<typeof buildAnswerCard>>} */
  const answerCards = new Map();
  const form = buildForm(byId("dms-fields"), words, changed);
  const question = buildQuestion(byId("question-fields"), tasks, changed);

  const refused = model.real_input === "refused";
  if (refused) takeExamplesOnly();
  else {
    buildRecorder(byId("record"), problems, model.limits.max_seconds, (blob) => take(blob));
    buildOpening(byId("file"), problems, model.limits, (file) => take(file, file.name));
  }
  const known = examples.examples.filter((example) => tasks.tasks.some((task) => task.id === example.task));
  buildExamples(byId("examples"), known, tryExample);
  byId("new-person").addEventListener("click", newPerson);
  byId("export").addEventListener("click", () => exportSession(model, recordings));
  byId("asking").addEventListener("submit", (event) => {
    event.preventDefault();
    askAll();
  });
  changed();

  /** Nothing is offered that the service refuses. */
  function takeExamplesOnly() {
    const [intake, own] = [byId("examples").parentElement, byId("record")];
    intake.classList.add("only-examples");
    intake.prepend(byId("examples"));
    byId("file").remove();
    own.replaceChildren(el("h2", {}, "Your own recordings"),
      el("p", { class: "small" }, "This model takes none: it was trained on simulated recordings only."),
      el("p", { class: "small" }, "Serve a model trained on real recordings to record or open a sound here. Or start the service with ",
        el("code", {}, "--allow-simulated-model"), " to try it and see numbers that mean nothing."));
  }

  async function take(blob, name) {
    const { title } = await hear(add(blob, name));
    if (title.isConnected) goTo(title);
  }

  async function hear(recording) {
    const card = buildRecordingCard(recording, {
      onRemove: () => drop(recording),
      onAgain: recording.blob instanceof File || recording.example ? null : () => again(recording),
    });
    heardCards.set(recording, card);
    byId("recordings").append(card.card);
    arrange();
    await card.listen();
    return card;
  }

  function drop(recording) {
    remove(recording);
    for (const cards of [heardCards, answerCards]) {
      cards.get(recording)?.card.remove();
      cards.delete(recording);
    }
    arrange();
    announce(`${recording.name} was removed.`);
    (recordings.length ? byId("heard-title") : document.querySelector(".intake button")).focus();
  }

  function again(recording) {
    drop(recording);
    document.querySelector("#record button").click();
  }

  async function newPerson() {
    if (!(await mayLose())) return;
    forget();
    document.querySelector(".intake button").focus();
    scrollTo({ top: 0 });
  }

  async function mayLose() {
    const own = recordings.filter((recording) => !recording.example).length;
    return !own || confirmed("Begin with a new person?", `${count(own, "recording")} and what you entered will be gone.`, "Begin anew");
  }

  function forget() {
    for (const recording of [...recordings]) {
      for (const cards of [heardCards, answerCards]) {
        cards.get(recording)?.card.remove();
        cards.delete(recording);
      }
    }
    clear();
    form.value = NOT_STATED;
    showProblem(problems);
    showProblem(askProblem);
    arrange();
  }

  async function tryExample(example) {
    if (!(await mayLose())) return;
    forget();
    const recording = await fetched(example);
    if (!recording) return;
    question.choose(example.task);
    form.value = { ...NOT_STATED, ...example.dms };
    await hear(recording);
    if (recordings.includes(recording)) await askAll();
  }

  async function fetched(example) {
    announce(`Fetching ${example.title}.`);
    try {
      const response = await request(`/v1/examples/${encodeURIComponent(example.id)}`);
      return add(await response.blob(), example.title, example);
    } catch (error) {
      showProblem(problems, error, () => tryExample(example));
      return null;
    }
  }

  async function askAll() {
    showProblem(askProblem);
    if (!form.check()) return;
    const what = { question: question.value, dms: form.value };
    if (!what.question) {
      showProblem(askProblem, plainProblem("There is no question yet", "choose one, or write a condition"));
      return question.focus();
    }
    const usable = recordings.filter((recording) => recording.heard?.usable);
    if (!usable.length) {
      return showProblem(askProblem, plainProblem("There is no recording that an answer can be based on", "record or open another"));
    }
    if (askButton.getAttribute("aria-disabled")) return;
    askButton.setAttribute("aria-disabled", "true");
    askButton.textContent = "Asking\u2026";
    const outcomes = await Promise.allSettled(usable.map((recording) => askOne(recording, what)));
    askButton.removeAttribute("aria-disabled");
    askButton.textContent = "Ask the model";
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed) showProblem(askProblem, failed.reason, askAll);
    const answered = usable.filter((recording, i) => outcomes[i].status === "fulfilled" && answerCards.has(recording));
    if (!answered.length) return;
    announce(answered.map((recording) => `${recording.name}. ${inShort(recording.answer)}`).join(" "));
    if (!failed) goTo(answered.length === 1 ? answerCards.get(answered[0]).title : byId("answers-title"));
  }

  async function askOne(recording, what) {
    const answer = await ask("/v1/predict", { body: asked(recording, what) });
    if (!recordings.includes(recording)) return; // removed meanwhile
    Object.assign(recording, { answer, asked: what, attribution: null });
    const card = buildAnswerCard(recording);
    const old = answerCards.get(recording);
    answerCards.set(recording, card);
    if (old) old.card.replaceWith(card.card);
    else byId("answer-cards").insertBefore(card.card, nextAnswer(recording));
    arrange();
    changed();
  }

  /** Answers stand in the order of the recordings, whichever came first. */
  function nextAnswer(recording) {
    const later = recordings.slice(recordings.indexOf(recording) + 1).find((other) => answerCards.has(other));
    return later ? answerCards.get(later).card : null;
  }

  function arrange() {
    byId("heard").hidden = byId("asking").hidden = !recordings.length;
    byId("answers").hidden = !answerCards.size;
    byId("answer-cards").classList.toggle("alone", answerCards.size === 1);
    byId("recordings").classList.toggle("alone", recordings.length === 1);
  }

  function changed() {
    form.askLocation(question.asksLocation);
    const now = JSON.stringify({ question: question.value, dms: form.value });
    answerCards.forEach((card, recording) => card.setStale(JSON.stringify(recording.asked) !== now));
  }
}
