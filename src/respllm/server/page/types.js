/**
 * What the service sends and what the page keeps. Types only; no module loads this file.
 *
 * @typedef {object} Dms What a person stated. null: not stated; an empty list: stated none.
 * @property {number|string|null} age years, or a band as the data state it
 * @property {string|null} gender
 * @property {string[]|null} medical_history
 * @property {string[]|null} symptoms
 * @property {string|null} recording_location
 *
 * @typedef {object} Task
 * @property {string} id
 * @property {string} condition
 * @property {string} sound
 * @property {string} dataset
 * @property {boolean} trained
 * @property {boolean} calibrated
 * @property {{value: number, low: number, high: number, n_subjects: number, n_positive: number}|null} auroc
 * @property {boolean} asks_location
 *
 * @typedef {{task: string}|{condition: string, sound: string}} Asked
 *
 * @typedef {object} Example
 * @property {string} id
 * @property {string} title
 * @property {string} task
 * @property {string} sound
 * @property {number} seconds
 * @property {Partial<Dms>} dms
 * @property {number|boolean|string|null} true_answer
 *
 * @typedef {object} Spectrogram
 * @property {number} frames
 * @property {number} bands
 * @property {number} seconds
 * @property {number} low_hz
 * @property {number} high_hz
 * @property {Uint8Array} values time-major, the lowest band first
 *
 * @typedef {object} Heard
 * @property {number} seconds
 * @property {number} sound_seconds
 * @property {number|null} peak_dbfs null: digital silence
 * @property {number|null} rms_dbfs
 * @property {number} clipped_fraction
 * @property {boolean} usable
 * @property {string|null} reason
 * @property {string[]} warnings
 * @property {number} clips
 * @property {{low: number[], high: number[]}} waveform
 * @property {Spectrogram} spectrogram
 *
 * @typedef {object} Answer
 * @property {string} name
 * @property {{id: string, condition: string, sound: string, validated: boolean}} task
 * @property {number} probability
 * @property {number} log_odds
 * @property {{probability: number, low: number, high: number, interval: string, unit: string, n_positive: number, n_negative: number}|null} calibrated
 * @property {string} why_uncalibrated
 * @property {{answer: "yes"|"no"|"abstains", level: number, text: string}|null} verdict
 * @property {{base: number, audio: number, text: number, unit: string, method: string}|null} contributions
 * @property {{percentile: number, unusual: boolean}|null} familiarity percentile from 0 to 100
 * @property {string[]} warnings
 * @property {string[]} notes
 * @property {boolean} means_nothing
 * @property {number} clips
 * @property {{task: string, dms: string, audio: string}} prompt
 * @property {string} model_id
 * @property {string} notice
 *
 * @typedef {object} AttributedClip
 * @property {number} seconds_start
 * @property {number} seconds_stop
 * @property {{name: string, low_hz: number, high_hz: number, seconds_per_value: number, values: number[]}[]} bands
 *
 * @typedef {object} Attribution
 * @property {AttributedClip[]} clips
 * @property {{word: string, part: string, value: number}[]} words
 * @property {string} unit
 * @property {string} method
 * @property {string} baseline
 *
 * @typedef {object} Recording One recording of the person, for as long as the page is open.
 * @property {number} id
 * @property {string} name
 * @property {Blob} blob
 * @property {string} url
 * @property {Example|null} example
 * @property {Heard|null} heard
 * @property {Answer|null} answer
 * @property {{question: Asked, dms: Dms}|null} asked what the answer was given for
 * @property {Attribution|null} attribution
 */
export {};
