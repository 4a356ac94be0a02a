// What becomes of failures: who hears of them, when it is tried again, and what they say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LeaseError } from "../../../client/browser/leases.js";
import { LIFE, Page, body, refusal, settled } from "./house.mjs";

const down = () => new TypeError("Failed to fetch");
const failing = async (page) => {
  const error = await page.get().then(assert.fail, (raised) => raised);
  assert.ok(error instanceof LeaseError);
  assert.doesNotMatch(error.message, /osk_alice|server's own words/);
  return error;
};

test("while the lease serves, a failed refresh is nobody's trouble, and is put off longer each time", async () => {
  const page = new Page();
  await page.get();
  page.answers = Array.from({ length: 9 }, down);
  const attempts = [];
  for (page.seconds = LIFE / 2; page.seconds < LIFE / 2 + 20; page.seconds += 0.5) {
    const before = page.asked.length;
    assert.equal((await page.get()).accessKeyId, "STS.1");
    await settled();
    if (page.asked.length > before) attempts.push(page.seconds - LIFE / 2);
  }
  assert.deepEqual(attempts, [0, 0.5, 1.5, 3.5, 7.5, 15.5]);
  assert.deepEqual(page.waits, []);
});

test("what the server asks for is kept to, but not beyond the lease's end", async () => {
  const page = new Page();
  await page.get();
  page.seconds = LIFE / 2;
  page.answers = [refusal(429, "TooManyRequests", { "Retry-After": "9999" })];
  await page.get();
  await settled();
  page.seconds = LIFE - 301;
  assert.equal((await page.get()).accessKeyId, "STS.1");
  assert.equal(page.asked.length, 2);
  page.seconds = LIFE - 299;
  assert.equal((await page.get()).accessKeyId, "STS.3");
});

test("without a lease what may pass is tried three times; all who wait get the same error", async () => {
  const page = new Page();
  page.answers = [down(), down(), down()];
  const errors = await Promise.all(Array.from({ length: 20 }, () => failing(page)));
  assert.equal(new Set(errors).size, 1);
  assert.equal(errors[0].code, "Unreachable");
  assert.match(errors[0].message, /https:\/\/sts\.example\.com.*network.*allow_origins/);
  assert.deepEqual(page.waits, [0.5, 1]);
  assert.equal((await page.get()).accessKeyId, "STS.4"); // no error is remembered
});

test("what passed is not heard of", async () => {
  const page = new Page();
  page.answers = [down(), refusal(503, "UpstreamUnavailable", { "Retry-After": "2" })];
  assert.equal((await page.get()).accessKeyId, "STS.3");
  assert.deepEqual(page.waits, [0.5, 2]);
});

test("nobody is kept waiting for long", async () => {
  const page = new Page();
  page.answers = [refusal(429, "TooManyRequests", { "Retry-After": "6" })];
  const { code, retryAfter } = await failing(page);
  assert.deepEqual([code, retryAfter, page.waits], ["TooManyRequests", 6, []]);
});

for (const [status, code, expected] of [
  [400, "InvalidArgument", "InvalidArgument"],
  [401, "Unauthenticated", "Unauthenticated"],
  [401, undefined, "Unauthenticated"],
  [403, "GrantDenied", "GrantDenied"],
  [403, "CallerNotAllowed", "CallerNotAllowed"],
  [403, "constructor", "GrantDenied"],
  [404, undefined, "Refused"],
  [502, "UpstreamRefused", "UpstreamRefused"],
]) {
  test(`${status} ${code} is ${expected}, and is not tried again`, async () => {
    const page = new Page();
    page.answers = [refusal(status, code)];
    const error = await failing(page);
    assert.deepEqual([error.code, error.status, error.requestId], [expected, status, "R-2"]);
    assert.match(error.message, /^https:\/\/sts\.example\.com .+: .+ \(HTTP \d+, request R-2\)$/);
    assert.equal(page.asked.length, 1);
  });
}

test("a page of somebody else's is no refusal of the server's", async () => {
  const page = new Page();
  const page500 = () => new Response("<html>token", { status: 500, headers: { "Retry-After": "x" } });
  page.answers = [page500(), page500(), page500()];
  const { code, requestId, retryAfter, message } = await failing(page);
  assert.deepEqual([code, requestId, retryAfter], ["ServerUnavailable", "", null]);
  assert.doesNotMatch(message, /token/);
});

test("a token function that fails is named, and its error is the cause", async () => {
  const cause = new Error("signed out");
  const error = await failing(new Page({ token: () => Promise.reject(cause) }));
  assert.deepEqual([error.code, error.cause], ["TokenUnavailable", cause]);
});

for (const token of ["", "osk_alice\nX: y", "osk_alice ", "ä", 7.5, {}]) {
  test(`no token: ${JSON.stringify(token)}`, async () => {
    const page = new Page({ token });
    assert.equal((await failing(page)).code, "InvalidArgument");
    assert.equal(page.asked.length, 0);
  });
}

const changed = (change) => {
  const answer = body();
  change(answer, answer.Lease);
  return answer;
};

for (const [name, change] of [
  ["AccessKeyId", (answer) => delete answer.AccessKeyId],
  ["AccessKeySecret", (answer) => (answer.AccessKeySecret = "a b")],
  ["SecurityToken", (answer) => (answer.SecurityToken = 1)],
  ["ServerTime", (answer) => delete answer.Lease],
  ["ServerTime", (answer) => (answer.Lease = null)],
  ["Expiration", (answer) => (answer.Expiration = "soon")],
  ["RefreshAfter", (_, lease) => (lease.RefreshAfter = 7)],
  ["Bucket", (_, lease) => (lease.Bucket = "a.example/")],
  ["Region", (_, lease) => (lease.Region = "x@y")],
  ["Style", (_, lease) => (lease.Style = "other")],
  ["Endpoint", (_, lease) => (lease.Endpoint = "http://oss.example.com")],
  ["Endpoint", (_, lease) => (lease.Endpoint = "oss")],
]) {
  test(`an answer that is no lease: ${name} ${change}`, async () => {
    const page = new Page();
    page.answers = [changed(change)];
    const error = await failing(page);
    assert.equal(error.code, "BadLease");
    assert.match(error.message, new RegExp(`: ${name} is missing or wrong`));
  });
}

for (const [name, change] of [
  ["has no time", (answer) => (answer.Expiration = "2026-13-45T00:00:00Z")],
  ["ends before it begins", (answer) => (answer.Expiration = answer.LastUpdated)],
  ["is nearly over", (answer) => (answer.Expiration = "2026-11-22T11:00:59Z")],
]) {
  test(`a new lease that ${name} is not used`, async () => {
    const page = new Page();
    page.answers = [changed(change)];
    assert.equal((await failing(page)).code, "BadLease");
  });
}

test("a server that does not say when to refresh means half of the life", async () => {
  const page = new Page();
  page.answers = [changed((_, lease) => delete lease.RefreshAfter)];
  const { issuedAt, refreshAt, expiresAt } = await page.get();
  assert.equal(refreshAt - issuedAt, expiresAt - refreshAt);
});

test("a server with nothing better than a stale lease is not asked again and again", async () => {
  const page = new Page();
  page.answers = [changed((answer, lease) => (lease.RefreshAfter = answer.LastUpdated))];
  await page.get();
  page.seconds = 0.4;
  await page.get();
  assert.equal(page.asked.length, 1);
});
