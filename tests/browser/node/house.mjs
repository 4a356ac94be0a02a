// A page without a browser: a clock that is moved by hand, and a vending server that is a function.
import { createLeases } from "../../../client/browser/leases.js";

export const START = Date.UTC(2026, 10, 22, 11);
export const LIFE = 3600;
const HALF_A_SECOND = 500; // ServerTime is cut, and leases.js adds what that costs on average

const wire = (seconds) => new Date(START + seconds * 1000).toISOString().replace(/\.\d+/, "");

// The body of an answer, `at` seconds after the start by the server's clock.
export const body = (at = 0, number = 1, life = LIFE) => ({
  Code: "Success",
  StatusCode: 200,
  AccessKeyId: `STS.${number}`,
  AccessKeySecret: `secret${number}`,
  SecurityToken: `token${number}`,
  Expiration: wire(at + life),
  LastUpdated: wire(at),
  Lease: {
    Bucket: "examplebucket",
    Region: "cn-hangzhou",
    Endpoint: "https://oss-cn-hangzhou.aliyuncs.com",
    Style: "virtual",
    Prefix: "users/alice/",
    Actions: ["get", "put"],
    RefreshAfter: wire(at + life / 2),
    ServerTime: wire(at),
    RequestId: "R-1",
  },
});

export const refusal = (status, Code, headers = {}) =>
  new Response(JSON.stringify({ Code, detail: "the server's own words", RequestId: "R-2" }), {
    status,
    headers,
  });

// Holds what was asked and how long was waited; `answers` are given first, then leases.
export class Page {
  seconds = 0;
  off = 0; // what its clock is ahead of the server's
  asked = [];
  waits = [];
  answers = [];

  constructor(options = {}) {
    this.leases = createLeases({
      server: "https://sts.example.com",
      grant: "uploads",
      token: "osk_alice",
      now: () => START + HALF_A_SECOND + (this.seconds + this.off) * 1000,
      random: () => 0,
      pause: async (milliseconds) => this.waits.push(milliseconds / 1000),
      fetch: async (url, how) => this.answer(url, how),
      ...options,
    });
  }

  get() {
    return this.leases.get();
  }

  async answer(url, how) {
    this.asked.push({ url: new URL(url), ...how });
    const number = this.asked.length;
    await null; // an answer takes its time
    const given = this.answers.shift();
    if (given instanceof Error) throw given;
    if (given instanceof Response) return given;
    return Response.json(given ?? body(this.seconds, number));
  }
}

export const ids = (leases) => leases.map((lease) => lease.accessKeyId);
export const settled = () => new Promise((resolve) => setImmediate(resolve));
