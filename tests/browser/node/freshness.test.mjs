// The table that Python runs, too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { judge, nextAttempt } from "../../../client/browser/freshness.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url)));
const { states, next_attempts } = read("freshness.json");

for (const { name, now, issued, refresh_after, expiry, jitter, state } of states) {
  test(name, () => assert.equal(judge(now, issued, refresh_after, expiry, jitter), state));
}

for (const { name, now, failures, jitter, retry_after, at } of next_attempts) {
  test(name, () => assert.equal(nextAttempt(now, failures, jitter, retry_after), at));
}

test("there are cases in it", () => assert.ok(states.length > 40 && next_attempts.length > 10));
