// Work: uploads, listings and downloads with one lease, each of them with its line in the journal.
import { getIf } from "./leases.js";
import { labelled, make, plain, quote, saying, show } from "./speech.js";

const PAGE = 100; // objects a listing
const LEAST_PART = 100 * 1024; // bytes; a smaller object goes up in one request
const MOST_PART = 1024 * 1024;
const FORBID = "x-oss-forbid-overwrite";
const CONDITIONS = [
  { title: "If-None-Match", argument: "ifNoneMatch", from: "etag" },
  { title: "If-Modified-Since", argument: "ifModifiedSince", from: "modified" },
  { title: "If-Match", argument: "ifMatch", from: "etag" },
  { title: "If-Unmodified-Since", argument: "ifUnmodifiedSince", from: "modified" },
].map((condition) => ({ ...condition, id: condition.title.toLowerCase() }));

const find = (id) => document.getElementById(id);

export class Work {
  #oss;
  #lease;
  #journal;
  #etagShown;
  #seen = new Map(); // by name: an object's ETag and date when it was last seen
  #file = null;
  #next = null; // where the listing goes on
  #turn = 0; // of the listing that counts: the last one asked for
  #over = new AbortController();

  // `etagShown` is told with each answer whether the bucket shows ETags to this page.
  constructor(oss, lease, journal, etagShown) {
    this.#oss = oss;
    this.#lease = lease;
    this.#journal = journal;
    this.#etagShown = etagShown;
  }

  // Shows what the lease allows.
  open() {
    const { prefix, actions } = this.#lease;
    find("upload").hidden = !actions.includes("put");
    find("download").hidden = !actions.includes("get");
    find("objects").hidden = !(actions.includes("list") && this.#folder);
    for (const id of ["upload-name", "download-name"]) find(id).value = prefix;
    for (const id of ["rows", "upload-said", "download-said"]) find(id).replaceChildren();
    find("more").hidden = true;
    show(find("objects-count"), "objects-none");
    this.#drawConditions();
    this.#take(null);
    this.#on("file", "change", ({ target }) => this.#take(target.files[0] ?? null));
    this.#on("drop", "drop", (event) => this.#take(event.dataTransfer.files[0] ?? null));
    this.#on("upload-form", "submit", (event) => alone(event, () => this.#upload()));
    this.#on("download-form", "submit", (event) => alone(event, () => this.#download()));
    this.#on("download-name", "input", () => this.#fill());
    this.#on("list", "click", () => this.list());
    this.#on("more", "click", () => this.#listMore());
  }

  // Lets go of the page's controls: another grant has been chosen.
  close() {
    this.#over.abort();
  }

  // Lists from the beginning, if the lease allows it.
  async list() {
    this.#next = null;
    find("rows").replaceChildren();
    if (!find("objects").hidden) await this.#listMore();
  }

  // Reads the head of one object, to learn whether the bucket shows ETags.
  async look() {
    const [name] = this.#seen.keys();
    if (name === undefined || !this.#lease.actions.includes("get")) return;
    await this.#tell(`HEAD ${name}`, null, async () => {
      const { res } = await this.#oss.head(name);
      this.#etagShown(Boolean(res.headers.etag));
      return { text: "looked", filling: { bytes: Number(res.headers["content-length"]) } };
    });
  }

  get #folder() {
    return this.#lease.prefix === "" || this.#lease.prefix.endsWith("/");
  }

  async #listMore() {
    const turn = ++this.#turn;
    const query = { prefix: this.#lease.prefix, "max-keys": PAGE };
    if (this.#next !== null) query["continuation-token"] = this.#next;
    const listed = await this.#tell(`GET ?list-type=2&prefix=${query.prefix}`, null, async () => {
      const { objects, nextContinuationToken } = await this.#oss.listV2(query);
      const found = objects ?? [];
      const filling = { count: found.length };
      return { found, next: nextContinuationToken ?? null, text: "listed", filling };
    });
    if (listed === null || turn !== this.#turn || this.#over.signal.aborted) return;
    this.#next = listed.next;
    find("more").hidden = listed.next === null;
    for (const object of listed.found) this.#row(object);
    const count = find("rows").children.length;
    show(find("objects-count"), count ? "objects-count" : "objects-none", { count });
  }

  async #upload() {
    const name = find("upload-name").value;
    const file = this.#file;
    if (file === null) return show(find("file-name"), "file-none");
    const fresh = find("forbid").checked;
    const text = fresh ? "stored-new" : "stored";
    const request = `PUT ${name}${fresh ? ` (${FORBID})` : ""}`;
    const done = await this.#tell(request, "upload-said", async () => {
      const answer = await this.#send(name, file, fresh ? { [FORBID]: "true" } : {});
      this.#etagShown(Boolean(answer.etag ?? answer.res.headers.etag));
      return { text, filling: { bytes: file.size } };
    });
    if (done !== null && !this.#over.signal.aborted) await this.list();
  }

  async #send(name, file, headers) {
    let begun = null; // an upload in parts
    const progress = (share, checkpoint) => {
      begun = checkpoint ?? begun;
      this.#progress(share);
    };
    const partSize = Math.min(MOST_PART, Math.max(LEAST_PART, Math.ceil(file.size / 20)));
    this.#progress(0);
    try {
      return await this.#oss.multipartUpload(name, file, { headers, parallel: 3, partSize, progress });
    } catch (error) {
      this.#progress(0);
      if (error.code === "EtagHidden") this.#etagShown(false);
      // Parts of what will never be an object would stay, and be paid for.
      if (begun) await this.#oss.abortMultipartUpload(name, begun.uploadId).catch(() => {});
      throw error;
    }
  }

  async #download() {
    const name = find("download-name").value;
    const asked = CONDITIONS.filter(({ id }) => find(`use-${id}`).checked);
    const conditions = asked.map(({ argument, id }) => [argument, find(id).value.trim()]);
    const titles = asked.map(({ title }) => title).join(", ");
    await this.#tell(`GET ${name}${titles && ` (${titles})`}`, "download-said", async () => {
      const answer = await getIf(this.#oss, name, Object.fromEntries(conditions));
      if (answer.status === 412) throw { status: 412, code: "PreconditionFailed" };
      if (answer.status === 304) return { status: 304 };
      this.#etagShown(answer.etag !== null);
      this.#saw(name, answer.etag, answer.lastModified);
      this.#fill();
      save(name, answer.content);
      return { text: "fetched", filling: { bytes: answer.content.length } };
    });
  }

  // Does something, and writes down what came of it; gives null if it failed.
  async #tell(request, where, act) {
    const near = where === null ? null : find(where);
    near?.replaceChildren();
    try {
      const result = await act();
      this.#journal.note(request, result.status ?? 200, { ...result, near });
      return result;
    } catch (error) {
      this.#journal.refuse(request, error, near);
      return null;
    }
  }

  #take(file) {
    this.#file = file;
    quote(find("file-name"), file?.name);
    this.#progress(0);
    if (file !== null && this.#folder) find("upload-name").value = this.#lease.prefix + file.name;
  }

  #progress(share) {
    find("progress").value = share;
    show(find("progress-label"), "progress", { percent: Math.round(share * 100) });
  }

  #row({ name, size, lastModified, etag }) {
    const modified = new Date(lastModified);
    this.#saw(name, etag, modified.toUTCString());
    const choose = labelled(saying("button", "choose", {}, { type: "button" }), "choose-name", { name });
    choose.addEventListener("click", () => this.#choose(name), { signal: this.#over.signal });
    const cell = (key, shown) => {
      const head = saying("span", key, {}, { className: "head", ariaHidden: "true" });
      return make("td", {}, head, shown);
    };
    const row = make("tr", {}, make("th", { scope: "row" }, plain(name)));
    row.append(
      cell("size", saying("span", "number", { number: size })),
      cell("modified", saying("span", "moment", { moment: modified })),
      cell("etag", make("code", {}, plain(String(etag)))),
      make("td", {}, choose),
    );
    find("rows").append(row);
  }

  #choose(name) {
    find("download-name").value = name;
    this.#fill();
    find("download-name").focus();
  }

  #saw(name, etag, modified) {
    this.#seen.set(name, { etag: etag ?? "", modified: modified ?? "" });
  }

  #drawConditions() {
    const rows = CONDITIONS.map(({ id, title }) => {
      const box = make("input", { type: "checkbox", id: `use-${id}` });
      const value = make("input", { id, spellcheck: false, ariaLabel: title });
      const hint = saying("p", id, {}, { className: "hint", id: `${id}-hint` });
      box.setAttribute("aria-describedby", hint.id);
      box.addEventListener("change", () => (value.required = box.checked));
      const label = make("label", { className: "check" }, box, ` ${title}`);
      return make("div", { className: "condition" }, label, value, hint);
    });
    find("conditions").replaceChildren(find("conditions").firstElementChild, ...rows);
    this.#fill();
  }

  // Fills the conditions in from what was last seen of the object that is named.
  #fill() {
    const known = this.#seen.get(find("download-name").value);
    for (const { id, from } of CONDITIONS) find(id).value = known?.[from] ?? "";
    show(find("seen"), known ? "seen" : "seen-nothing", known);
  }

  #on(id, type, listener) {
    find(id).addEventListener(type, listener, { signal: this.#over.signal });
  }
}

// Does what a form asks for, once at a time.
export async function alone(event, act) {
  event.preventDefault();
  const button = event.target.querySelector("[type=submit]");
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true"; // it keeps the focus, which `disabled` would lose
  try {
    await act();
  } finally {
    button.ariaDisabled = null;
  }
}

// Hands a file to the person. Its type lets no browser show it here, where the keys are.
function save(name, content) {
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  make("a", { href: address, download: name.split("/").pop() || "object" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
