// The page: sign in with a key, choose a grant, see its lease, and work with it. Nothing is stored:
// the key is a variable here, and to sign out is to load the page anew.
import { clock, cors, rule, span } from "./checks.js";
import { Journal, meaning } from "./journal.js";
import { createLeases, createOss } from "./leases.js";
import { make, plain, quote, Said, saying, show, speak } from "./speech.js";
import { alone, Work } from "./work.js";

const LONGEST = 120_000; // milliseconds that one request to the bucket may take
const SHOWN = 14; // characters of a key id, which is no secret

const find = (id) => document.getElementById(id);
const server = new URL(".", location.href);
const journal = new Journal(find("log"));
const lines = { clock: make("li"), cors: make("li"), etag: make("li") };
const wanting = new Set(); // checks that the bucket's rule would mend

let current = null; // of the grant that was chosen last: leases, lease, work

async function signIn() {
  const key = find("key").value.trim();
  quote(find("alarm"));
  if (!isSecureContext) return alarm("not-secure");
  if (!/^[!-~]+$/.test(key)) return alarm("key-bad");
  if (!globalThis.OSS) return alarm("sdk-missing");
  let answer;
  try {
    answer = await ask(new URL("v1/grants", server), {
      headers: { Authorization: `Bearer ${key}` },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
  } catch {
    return alarm("server-down");
  }
  const body = await answer.json().catch(() => ({}));
  const seconds = Number(answer.headers.get("Retry-After")) || 1;
  if (answer.status === 401) return alarm("key-wrong");
  if (answer.status === 429) return alarm("server-slow-down", { seconds });
  if (answer.status !== 200)
    return alarm("server-refused", { code: body.Code ?? answer.status, message: body.Message });
  find("key").value = "";
  find("sign-in").hidden = true;
  find("desk").hidden = find("sign-out").hidden = false;
  judgeClock(Date.parse(answer.headers.get("Date")) - Date.now());
  offer(key, body);
  find("grants-title").focus();
}

function alarm(text, filling) {
  show(find("alarm"), text, filling);
  find("key").focus();
}

// Asks the server, and writes it down.
async function ask(address, options) {
  const request = `GET ${new URL(address).pathname}`;
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    journal.refuse(request);
    throw error;
  }
  const body = await answer.clone().json().catch(() => ({}));
  if (!answer.ok) journal.refuse(request, { status: answer.status, code: body.Code });
  else if (body.Expiration)
    journal.note(request, 200, { text: "lease-got", filling: { until: new Date(body.Expiration) } });
  else journal.note(request, 200, { text: "grants-got" });
  return answer;
}

function offer(key, { Grants: grants = [], Refused: refused = [] }) {
  for (const { Name: name, Prefix: prefix, Actions: actions } of grants) {
    const radio = make("input", { type: "radio", name: "grant", value: name });
    radio.addEventListener("change", () => choose(key, name));
    const about = make("small", {}, plain(`${prefix || "*"} · ${actions.join(", ")}`));
    find("grants").append(make("label", { className: "grant" }, radio, make("b", {}, plain(name)), about));
  }
  if (grants.length === 0) find("grants").append(saying("p", "grants-none"));
  for (const { Name: name, Message: message } of refused)
    find("refused").append(saying("li", "grant-refused", { name, message }));
}

async function choose(key, grant) {
  current?.work?.close();
  const mine = (current = {});
  quote(find("alarm"));
  for (const id of ["lease", "upload", "download", "objects"]) find(id).hidden = true;
  judge("etag", null, "etag-open");
  judge("cors", null, "cors-open");
  find("check-again").disabled = true;
  mine.leases = createLeases({ server: server.href, grant, token: key, fetch: ask });
  try {
    mine.lease = await mine.leases.get();
  } catch (error) {
    if (mine === current) alarm(meaning(error.status, error.code));
    return;
  }
  const oss = await createOss(globalThis.OSS, mine.leases, { timeout: LONGEST });
  if (mine !== current) return;
  judgeClock(mine.lease.offset);
  showLease(mine.lease);
  mine.work = new Work(oss, mine.lease, journal, (shown) => judgeEtag(mine, shown));
  await check(mine);
  if (mine === current) find("check-again").disabled = false;
}

// Looks whether the bucket lets this page in. Only then anything is asked of it unbidden.
async function check(mine) {
  judge("cors", null, "cors-asking");
  const { good, text, mendable, ...filling } = await cors(mine.lease);
  if (mine !== current) return;
  judge("cors", good, text, { filling, mendable });
  if (!mine.open) mine.work.open();
  mine.open = true;
  if (!good) return;
  await mine.work.list();
  await mine.work.look();
}

function judgeClock(offset) {
  if (Number.isNaN(offset)) return;
  const { good, text, ahead, filling } = clock(offset);
  const way = new Said(ahead ? "ahead" : "behind");
  judge("clock", good, text, { filling: { ...filling, way } });
}

function judgeEtag(mine, shown) {
  if (mine === current) judge("etag", shown, shown ? "etag-ok" : "etag-bad", { mendable: !shown });
}

// Says how a check came out: good, bad, or null while nobody knows.
function judge(name, good, text, { filling, mendable = false } = {}) {
  const mark = good === null ? "check-open" : good ? "check-ok" : "check-bad";
  lines[name].className = mark;
  lines[name].replaceChildren(saying("b", mark), saying("span", text, filling));
  if (mendable) wanting.add(name);
  else wanting.delete(name);
  find("rule").hidden = wanting.size === 0;
}

function showLease(lease) {
  find("lease").hidden = false;
  find("lease-bucket").textContent = `${lease.bucket} (${lease.region})`;
  quote(find("lease-prefix"), lease.prefix || "*");
  quote(find("lease-actions"), lease.actions.join(", "));
  find("lease-key").textContent = `${lease.accessKeyId.slice(0, SHOWN)}…`;
  show(find("lease-refresh"), "moment", { moment: new Date(lease.refreshAt) });
  show(find("lease-expires"), "moment", { moment: new Date(lease.expiresAt) });
  find("lease-left").textContent = span(lease.expiresAt - Date.now());
}

// The lease that is shown is the one that is used, though it may have been renewed meanwhile.
function tick() {
  if (!current?.work) return;
  try {
    current.lease = current.leases.held();
  } catch {
    // It is nearly over; the next request gets another one.
  }
  showLease(current.lease);
}

function start() {
  const languages = [...document.querySelectorAll(".languages button")];
  for (const button of languages)
    button.addEventListener("click", () => {
      history.replaceState(null, "", `#${button.lang}`);
      speak(button.lang);
    });
  find("checks").append(...Object.values(lines));
  for (const name of Object.keys(lines)) judge(name, null, `${name}-open`);
  find("rule-text").textContent = rule(location.origin);
  find("rule-command").textContent = `sts-server cors --origin ${location.origin}`;
  find("copy-rule").hidden = !navigator.clipboard;
  find("copy-rule").addEventListener("click", async () => {
    await navigator.clipboard.writeText(rule(location.origin));
    show(find("copy-rule"), "copied");
  });
  find("key-form").addEventListener("submit", (event) => alone(event, signIn));
  find("check-again").addEventListener("click", () => check(current));
  find("sign-out").addEventListener("click", () => location.reload());
  // Whoever comes back to the page by the browser's history signs in again.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  // A file that misses its place must not be opened in place of the page.
  for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault());
  addEventListener("unhandledrejection", ({ reason }) => alarm("something", { name: reason?.name }));
  const wished = location.hash.slice(1);
  speak(languages.some(({ lang }) => lang === wished) ? wished : undefined);
  setInterval(tick, 1000);
  find("key").focus();
}

start();
