// Whether a lease is used, used while it is replaced, or not used: no clock, nothing of the page.
// tests/vectors/freshness.json is the table. All in seconds on one clock, jitter from 0 to 1.

const LEAST_MARGIN = 60; // seconds before expiry from which on no request is started
const MOST_MARGIN = 300; // seconds of margin that are enough for any lease
const SHARE = 0.1; // of a life as margin; of the time from stale to dead that refreshes spread over
const MOST_DELAY = 60; // seconds between attempts at the most

export const deadAfter = (issued, expiry) =>
  expiry - Math.max(LEAST_MARGIN, Math.min(SHARE * (expiry - issued), MOST_MARGIN));

export function staleFrom(issued, refreshAfter, expiry, jitter = 0) {
  const start = refreshAfter ?? issued + (expiry - issued) / 2;
  const end = deadAfter(issued, expiry);
  return start >= end ? end : start + SHARE * jitter * (end - start);
}

export function judge(now, issued, refreshAfter, expiry, jitter = 0) {
  if (now > deadAfter(issued, expiry)) return "dead";
  return now >= staleFrom(issued, refreshAfter, expiry, jitter) ? "stale" : "fresh";
}

export function nextAttempt(now, failures, jitter, retryAfter) {
  const span = Math.min(2 ** Math.min(failures - 1, 16), MOST_DELAY);
  return now + Math.max(span * (0.5 + 0.5 * jitter), retryAfter ?? 0);
}
