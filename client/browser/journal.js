// The journal: a line for each request, with what was answered and what that means.
import { make, plain, saying } from "./speech.js";
import { TEXTS } from "./texts.js";

const MOST = 200; // lines
const SILENT = /^$|Unreachable$/; // codes of what was not answered
const CODE = /^[A-Za-z0-9]{1,60}$/;

// Gives the text that says what a status and an error code mean.
export function meaning(status, code = "") {
  if (CODE.test(code) && Object.hasOwn(TEXTS.en, code)) return code;
  if (!(status > 0)) return "none";
  if (status >= 500) return "5xx";
  return Object.hasOwn(TEXTS.en, String(status)) ? String(status) : "other";
}

export class Journal {
  #list;

  constructor(list) {
    this.#list = list;
  }

  // Writes what went well, or as it should: 304 is an answer. What it says stands `near`, too.
  note(request, status, { text = meaning(status), filling, near } = {}) {
    this.#write(request, () => answer(status, "", text, filling), near);
  }

  // Writes what was refused, or not answered. No word of a server's is repeated but its code.
  refuse(request, error, near) {
    const status = Number(error?.status) || 0;
    const code = CODE.test(error?.code ?? "") ? error.code : "";
    this.#write(request, () => answer(status, code, meaning(status, code)), near);
  }

  #write(request, said, near) {
    const at = new Date();
    const time = make("time", { dateTime: at.toISOString() }, at.toTimeString().slice(0, 8));
    this.#list.prepend(make("li", {}, time, make("code", {}, plain(request)), ...said()));
    while (this.#list.children.length > MOST) this.#list.lastChild.remove();
    near?.replaceChildren(...said());
  }
}

function answer(status, code, text, filling) {
  const kind = status >= 200 && status < 300 ? "good" : status === 304 ? "same" : "bad";
  const className = `status ${kind}`;
  const named = status > 0 ? `${status} ${code}`.trim() : SILENT.test(code) ? "" : code;
  const said = named ? make("b", { className }, named) : saying("b", "no-answer", {}, { className });
  return [said, saying("span", text, filling)];
}
