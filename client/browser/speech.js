// Speech: puts texts into the page, in one language, and says them again when that changes.
// All of it is text: nothing here, or anywhere in the page, makes HTML of a string.
import { TEXTS } from "./texts.js";

const values = new WeakMap(); // what an element's text is filled with
let language = navigator.language.startsWith("zh") ? "zh-CN" : "en";

// Gives a text. Moments and numbers are written as the language does.
export function say(key, filling = {}) {
  return TEXTS[language][key].replace(/\{([\w-]+)\}/g, (_, name) => written(filling[name]));
}

// Makes an element say a text from now on.
export function show(element, key, filling = {}) {
  element.dataset.text = key;
  values.set(element, filling);
  element.textContent = say(key, filling);
}

// Makes an element say nothing, or what is nobody's to translate, such as a file's name.
export function quote(element, text = "") {
  delete element.dataset.text;
  element.textContent = plain(text);
}

// Says everything in another language, or for the first time.
export function speak(chosen = language) {
  language = chosen;
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]"))
    element.textContent = say(element.dataset.text, values.get(element));
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", say(element.dataset.label, values.get(element)));
  for (const button of document.querySelectorAll(".languages button"))
    button.setAttribute("aria-pressed", String(button.lang === language));
}

// Writes out what would not be seen, or would turn the letters around it: a name that reads as
// another one. What such a name is remains in the fields.
export function plain(text) {
  const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
  return text.replace(unseen, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// Makes an element. What stands in it is an element or a text.
export function make(tag, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
}

// Makes an element that says a text.
export function saying(tag, key, filling = {}, properties = {}) {
  const element = make(tag, properties);
  show(element, key, filling);
  return element;
}

// Makes an element whose name for those who do not see it is a text.
export function labelled(element, key, filling = {}) {
  element.dataset.label = key;
  values.set(element, filling);
  element.setAttribute("aria-label", say(key, filling));
  return element;
}

function written(value) {
  if (value instanceof Date)
    return value.toLocaleString(language, { dateStyle: "medium", timeStyle: "medium" });
  if (typeof value === "number") return value.toLocaleString(language);
  if (value instanceof Said) return say(value.key);
  return plain(String(value ?? ""));
}

// A text that is filled into another one.
export class Said {
  constructor(key) {
    this.key = key;
  }
}
