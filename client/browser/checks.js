// Checks: whether clock and bucket are as this page needs them, and the rule to add if not.

const TOLERANCE = 60_000; // milliseconds that two clocks may differ; OSS bears 900,000
const METHODS = ["GET", "HEAD", "PUT", "POST"];
const EXPOSED = [
  "ETag", "Last-Modified", "Content-Length", "Content-Range", "Date", "x-oss-request-id",
  "x-oss-hash-crc64ecma", "x-oss-version-id", "x-oss-next-append-position", "x-oss-server-time",
  "x-oss-err", "x-oss-ec",
];

// What ali-oss and the conditions send. Nobody signed it, so OSS refuses each of these requests;
// what counts is that the browser lets them out, and the answer in.
const HEADERS = Object.fromEntries(
  [
    "authorization", "content-type", "if-match", "if-modified-since", "if-none-match",
    "if-unmodified-since", "x-oss-content-sha256", "x-oss-date", "x-oss-forbid-overwrite",
    "x-oss-security-token", "x-oss-user-agent",
  ].map((name) => [name, "check"]),
);

// Judges the clock. The offset is the server's time less ours, in milliseconds.
export function clock(offset) {
  const off = Math.abs(offset);
  if (off <= TOLERANCE) return { good: true, text: "clock-ok" };
  const minutes = Math.round(off / 60_000);
  const filling = { hours: Math.floor(minutes / 60), minutes: minutes % 60 };
  return { good: false, text: "clock-bad", ahead: offset < 0, filling };
}

// Asks the bucket what a script of this page may send it.
export async function cors(lease, fetch = globalThis.fetch) {
  const asked = METHODS.map((method) => passes(fetch, method, addressOf(lease, method)));
  const refused = (await Promise.all(asked)).flatMap((passed, at) => (passed ? [] : METHODS[at]));
  if (refused.length === 0) return { good: true, text: "cors-ok" };
  if (refused.length < METHODS.length)
    return { good: false, text: "cors-methods", methods: refused.join(", "), mendable: true };
  const there = await answers(fetch, addressOf(lease, "GET"));
  return there
    ? { good: false, text: "cors-missing", mendable: true }
    : { good: false, text: "cors-unreachable" };
}

// Writes the bucket's rule for a page, as `sts-server cors` does.
export function rule(origin) {
  const lines = [
    ["AllowedOrigin", origin],
    ...["GET", "HEAD", "PUT", "POST", "DELETE"].map((method) => ["AllowedMethod", method]),
    ["AllowedHeader", "*"],
    ...EXPOSED.map((name) => ["ExposeHeader", name]),
    ["MaxAgeSeconds", "600"],
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<CORSConfiguration>",
    "  <CORSRule>",
    ...lines.map(([name, value]) => `    <${name}>${value}</${name}>`),
    "  </CORSRule>",
    "  <ResponseVary>true</ResponseVary>",
    "</CORSConfiguration>",
  ].join("\n");
}

// Writes milliseconds as hours, minutes and seconds.
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const two = (number) => String(number % 60).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60))}:${two(seconds)}`;
}

// Gives an address in the bucket, below what the lease reaches.
function addressOf({ endpoint, style, bucket, prefix }, method) {
  const base = new URL(endpoint);
  if (style === "virtual") base.hostname = `${bucket}.${base.hostname}`;
  if (style === "path") base.pathname = `/${bucket}/`;
  // A POST to a name would be one that OSS may take for another; to the bucket it is a form's.
  const name = method === "POST" ? "" : `${prefix}${prefix.endsWith("/") ? "cors-check" : ""}`;
  return new URL(name.split("/").map(encodeURIComponent).join("/"), base).href;
}

const QUIET = { cache: "no-store", credentials: "omit", redirect: "error" };

async function passes(fetch, method, address) {
  try {
    await fetch(address, { ...QUIET, method, headers: HEADERS });
    return true;
  } catch {
    return false;
  }
}

// Whether there is an answer at all, even one that scripts may not read.
async function answers(fetch, address) {
  try {
    await fetch(address, { ...QUIET, redirect: "follow", mode: "no-cors" });
    return true;
  } catch {
    return false;
  }
}
