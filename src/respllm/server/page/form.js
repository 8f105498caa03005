/** What the person states: age, gender, history, symptoms, place. All optional. */

import { buildChest } from "./chest.js";
import { buildChips } from "./chips.js";
import { el, freshId } from "./dom.js";

const COMMON_SYMPTOMS = ["cough", "dry cough", "wet cough", "shortness of breath", "fever", "fatigue", "sore throat",
  "chest tightness", "loss of smell or taste"];
const COMMON_HISTORY = ["asthma", "chronic obstructive pulmonary disease", "pneumonia", "diabetes", "hypertension",
  "other lung disease"];
/** Years, or a band as some data state it. */
const AGE = /^(\d{1,3}(\.\d+)?|\d{1,3}\s?[-\u2013]\s?\d{1,3}|\d{1,3}\+)$/;
const OLDEST = 120;

/**
 * @param {HTMLElement} place
 * @param {{genders: string[], symptoms: string[], medical_history: string[], locations: string[]}} words
 * @param {() => void} onChange
 */
export function buildForm(place, words, onChange) {
  const ageId = freshId("age");
  const age = el("input", { type: "text", id: ageId, inputmode: "decimal", maxlength: 9, autocomplete: "off",
    placeholder: "not stated", "aria-describedby": `${ageId}-problem`, oninput: changed });
  const ageProblem = el("p", { class: "small wrong", id: `${ageId}-problem`, "aria-live": "polite" });
  const name = freshId("gender");
  const genders = ["", ...words.genders].map((value) =>
    el("label", {}, el("input", { type: "radio", name, value, checked: value === "", onchange: changed }),
      el("span", {}, value || "Not stated")));
  const symptoms = buildChips("Symptoms", words.symptoms, COMMON_SYMPTOMS, onChange);
  const history = buildChips("Medical history", words.medical_history, COMMON_HISTORY, onChange);
  const location = buildChest(words.locations, onChange);
  place.replaceChildren(
    el("div", { class: "half" },
      el("div", { class: "row" },
        el("div", { class: "field" }, el("label", { for: ageId }, "Age in years"), age, ageProblem),
        el("fieldset", { class: "field" }, el("legend", {}, "Gender"), el("div", { class: "segments" }, ...genders))),
      location.field),
    el("div", { class: "half" }, symptoms.field, history.field),
  );

  function changed() {
    wrongAge();
    onChange();
  }

  function stated() {
    const text = age.value.trim().replace("\u2013", "-");
    if (!AGE.test(text) || text.match(/[\d.]+/g).some((years) => Number(years) > OLDEST)) return null;
    return /^[\d.]+$/.test(text) ? Number(text) : text;
  }

  function wrongAge() {
    const bad = age.value.trim() !== "" && stated() === null;
    age.setAttribute("aria-invalid", String(bad));
    ageProblem.textContent = bad ? `Expected: years from 0 to ${OLDEST} (63), a band (45-64), or nothing.` : "";
    return bad;
  }

  return {
    /** Ask for the place only where the question is about lung sounds. @param {boolean} asked */
    askLocation(asked) {
      location.field.hidden = !asked;
    },
    /** Whether it can be read; if not, goes to what is wrong. */
    check() {
      const wrong = wrongAge();
      if (wrong) age.focus();
      return !wrong;
    },
    /** @returns {import("./types.js").Dms} */
    get value() {
      const gender = place.querySelector(`input[name="${name}"]:checked`).value;
      return {
        age: stated(),
        gender: gender || null,
        medical_history: history.value,
        symptoms: symptoms.value,
        recording_location: location.field.hidden ? null : location.value,
      };
    },
    /** @param {Partial<import("./types.js").Dms>} dms */
    set value(dms) {
      age.value = dms.age ?? "";
      for (const radio of place.querySelectorAll(`input[name="${name}"]`)) {
        radio.checked = radio.value === (dms.gender ?? "");
      }
      history.value = dms.medical_history;
      symptoms.value = dms.symptoms;
      location.value = dms.recording_location;
      wrongAge();
    },
  };
}

/** As fields of a request. @param {FormData} body @param {import("./types.js").Dms} dms */
export function appendDms(body, dms) {
  for (const [name, value] of Object.entries(dms)) {
    if (value === null) continue;
    if (!Array.isArray(value)) body.append(name, String(value));
    else if (!value.length) body.append(name, "none");
    else for (const word of value) body.append(name, word);
  }
}
