/** The microphone, as it sounds: no echo cancelling, no noise suppression, no automatic level. */

import { plainProblem } from "./problems.js";
import { wav } from "./wav.js";

const REFUSED = {
  NotAllowedError: [
    "The microphone is not allowed",
    "allow it for this page in the browser's address bar, then press Record again; or open a file",
  ],
  NotFoundError: ["There is no microphone", "connect one, then press Record again; or open a file"],
  NotReadableError: [
    "The microphone cannot be used",
    "close other programs that use it, then press Record again; or open a file",
  ],
};

export class Microphone {
  /**
   * Ask for the microphone and begin to record.
   * @param {(peak: number) => void} onLevel largest absolute sample since the last call, full scale 1
   * @param {() => void} onLost the microphone was unplugged
   * @returns {Promise<Microphone>}
   * @throws {import("./api.js").Problem} insecure page, denied, none, in use
   */
  static async open(onLevel, onLost) {
    if (!window.isSecureContext || !navigator.mediaDevices) {
      throw plainProblem(
        "Browsers allow the microphone on secure pages only",
        "open this page by https, or on the computer that runs the service at http://127.0.0.1; or open a file",
      );
    }
    const microphone = new Microphone();
    try {
      microphone.stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
      await microphone.#begin(onLevel, onLost);
    } catch (error) {
      microphone.close();
      const words = REFUSED[error.name] ?? ["The microphone cannot be used", "open a file instead"];
      throw plainProblem(...words);
    }
    return microphone;
  }

  /** @type {Float32Array[]} */
  #blocks = [];

  async #begin(onLevel, onLost) {
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule("/page/recorder-worklet.js");
    await this.context.resume();
    this.node = new AudioWorkletNode(this.context, "recorder", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.node.port.onmessage = ({ data }) => {
      if (data === null) return this.ended?.();
      this.#blocks.push(data);
      onLevel(data.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
    };
    this.stream.getAudioTracks()[0].addEventListener("ended", onLost);
    this.context.createMediaStreamSource(this.stream).connect(this.node);
  }

  /** End, and give what was recorded. @returns {Promise<Blob>} */
  async stop() {
    await new Promise((resolve) => {
      this.ended = resolve;
      this.node.port.postMessage("end");
      setTimeout(resolve, 500); // a context that the browser suspended does not reply
    });
    const blob = wav(this.#blocks, this.context.sampleRate);
    this.close();
    return blob;
  }

  /** Release the microphone. */
  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    if (this.context && this.context.state !== "closed") this.context.close();
  }
}
