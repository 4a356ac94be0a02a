// Short-lived keys to one OSS bucket, kept fresh in a browser. What goes in and out: leases.d.ts.
//
// Whether a lease is used is decided by the clock when somebody asks, never by a timer: a tab may
// sleep for hours.

import { LeaseError, parsed, refusalOf, requestIdOf } from "./errors.js";
import { deadAfter, judge, nextAttempt, staleFrom } from "./freshness.js";

export { LeaseError } from "./errors.js";
export { createOss, getIf, putNew } from "./oss.js";

const MOST_WAIT = 5; // seconds between two attempts while somebody waits
const SET_BACK = 30; // seconds: a clock that goes back by more was set
const VISIBLE = /^[!-~]+$/;
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;

// An address to which keys can be shown, or null.
function secure(text, allowHttp, base) {
  const url = URL.canParse(text, base) ? new URL(text, base) : {};
  const plain = url.protocol === "http:" && (allowHttp || LOOPBACK.test(url.hostname));
  return plain || url.protocol === "https:" ? url : null;
}

// A lease, its times in milliseconds of this device's clock.
function leaseOf(text, midpoint, allowHttp) {
  const body = parsed(text);
  const terms = body.Lease ?? {};
  const wrong = (name) => {
    const what = `${name} is missing or wrong; is this its address?`;
    return new LeaseError("BadLease", `the vending server's answer is no lease: ${what}`);
  };
  const field = (object, name, shape) => {
    if (typeof object[name] === "string" && shape.test(object[name])) return object[name];
    throw wrong(name);
  };
  const time = (object, name) => Date.parse(field(object, name, /^[\d-]{10}T[\d:]{8}Z$/));
  // It is cut to whole seconds: on average it was half a second later.
  const offset = time(terms, "ServerTime") + 500 - midpoint;
  const lease = {
    accessKeyId: field(body, "AccessKeyId", /^[\w.-]+$/),
    bucket: field(terms, "Bucket", /^[a-z\d-]{3,63}$/),
    region: field(terms, "Region", /^[a-z\d-]+$/),
    endpoint: secure(field(terms, "Endpoint", VISIBLE), allowHttp)?.origin,
    style: field(terms, "Style", /^(virtual|path|cname)$/),
    prefix: field(terms, "Prefix", /^/),
    actions: Object.freeze([].concat(terms.Actions ?? []).map(String)),
    issuedAt: time(body, "LastUpdated") - offset,
    refreshAt: null,
    expiresAt: time(body, "Expiration") - offset,
    offset,
    requestId: requestIdOf(terms),
  };
  if (!lease.endpoint) throw wrong("Endpoint");
  const half = (lease.issuedAt + lease.expiresAt) / 2;
  lease.refreshAt = "RefreshAfter" in terms ? time(terms, "RefreshAfter") - offset : half;
  // Not enumerable: JSON, {...lease} and most logs leave them out.
  return Object.defineProperties(lease, {
    accessKeySecret: { value: field(body, "AccessKeySecret", VISIBLE) },
    securityToken: { value: field(body, "SecurityToken", VISIBLE) },
  });
}

const passes = ({ code, status }) =>
  code === "Unreachable" || status === 429 || (status >= 500 && code !== "UpstreamRefused");

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export function createLeases(options) {
  const { server, grant, prefix, actions, duration, token, allowHttp = false } = options;
  const { fetch = globalThis.fetch, now = () => Date.now() } = options;
  const { random = Math.random, pause = sleep } = options;
  const address = secure(server, allowHttp, globalThis.location?.href);
  if (!address) throw new LeaseError("InvalidArgument", "server must be an https address");
  const path = `${address.pathname.replace(/\/+$/, "")}/v1/credentials/${encodeURIComponent(grant)}`;
  const wish = Object.entries({ prefix, actions, duration }).filter(([, value]) => value != null);
  const seconds = () => now() / 1000;
  const times = (lease) => [lease.issuedAt, lease.refreshAt, lease.expiresAt].map((at) => at / 1000);
  const alive = (lease) => judge(seconds(), ...times(lease)) !== "dead";
  let held = null; // the lease
  let quiet = 0; // until when it is handed out without a second thought
  let latest = 0; // the latest time seen
  let failures = 0; // in a row
  let flight = null; // the refresh under way
  let refused = null; // the key that OSS did not take

  async function proof() {
    let bearer = token;
    try {
      if (typeof token === "function") bearer = await token();
    } catch (cause) {
      throw new LeaseError("TokenUnavailable", "the token function failed: sign in", { cause });
    }
    if (bearer == null) return {}; // somebody on the way says who is calling
    if (typeof bearer === "string" && VISIBLE.test(bearer)) return { Authorization: `Bearer ${bearer}` };
    throw new LeaseError("InvalidArgument", "a token is a line of visible ASCII characters");
  }

  async function ask(key) {
    const url = new URL(path, address);
    url.search = new URLSearchParams(key ? [...wish, ["refused", key]] : wish);
    const headers = await proof();
    const asked = now();
    let answer, text, midpoint;
    try {
      answer = await fetch(url.href, {
        headers,
        cache: "no-store",
        credentials: "omit",
        redirect: "error", // followed, it would show the token to whoever is named there
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(30_000),
      });
      midpoint = (asked + now()) / 2;
      text = await answer.text();
    } catch {
      const why = "check network, address, and that its allow_origins names this page's origin";
      throw new LeaseError("Unreachable", `no answer from ${url.origin}: ${why}`);
    }
    if (answer.status !== 200) throw refusalOf(answer, text, url.origin);
    const lease = leaseOf(text, midpoint, allowHttp);
    if (lease.expiresAt > lease.issuedAt && alive(lease)) return lease;
    throw new LeaseError("BadLease", "the new lease is over: is the vending server's clock right?");
  }

  function hold(lease) {
    quiet = staleFrom(...times(lease), random());
    // Stale already: the server has nothing better, and asking at once will not help.
    if (quiet > seconds()) failures = 0;
    else putOff(lease, null);
    lease.refreshAt = quiet * 1000;
    refused = null;
    return (held = Object.freeze(lease));
  }

  function putOff(lease, retryAfter) {
    const again = nextAttempt(seconds(), ++failures, random(), retryAfter);
    const [issued, , expiry] = times(lease);
    quiet = Math.min(again, deadAfter(issued, expiry));
  }

  async function refresh() {
    for (let tries = 1; ; tries++) {
      const key = refused;
      try {
        const lease = await ask(key);
        // If it was refused while this ask, which did not name it, was under way: once more.
        if (refused === key || refused !== lease.accessKeyId) return hold(lease);
      } catch (error) {
        if (held && alive(held)) {
          putOff(held, error.retryAfter);
          return held;
        }
        const wait = nextAttempt(0, tries, random(), error.retryAfter);
        if (tries === 3 || wait > MOST_WAIT || !passes(error)) throw error;
        await pause(wait * 1000);
      }
    }
  }

  const begin = () => (flight ??= refresh().finally(() => (flight = null)));

  return {
    async get() {
      const time = seconds();
      if (time < latest - SET_BACK) held = null; // nobody knows how old the lease is
      latest = time;
      if (held && time < quiet) return held;
      if (!held || !alive(held)) return begin();
      begin().catch(() => {}); // the lease that is there still serves
      return held;
    },
    held() {
      if (held && alive(held)) return held;
      throw new LeaseError("NoLease", "there is no lease at the moment: await get()");
    },
    rejected(lease, { code } = {}) {
      if (held !== lease) return; // somebody has been here before
      held = null;
      if (code !== "ClockSkewed") refused = lease.accessKeyId;
    },
  };
}
