// One fresh lease for a whole page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLeases } from "../../../client/browser/leases.js";
import { LIFE, Page, body, ids, settled } from "./house.mjs";

const many = (page, count = 20) => Promise.all(Array.from({ length: count }, () => page.get()));

test("nothing is sent before somebody asks", () => assert.equal(new Page().asked.length, 0));

test("many who ask at once get one lease, by one request", async () => {
  const page = new Page();
  const leases = await many(page);
  assert.equal(new Set(leases).size, 1);
  assert.equal(page.asked.length, 1);
});

test("the lease is all that ali-oss needs, in this device's time", async () => {
  const page = new Page();
  page.off = 7200;
  const lease = await page.get();
  const begun = Date.UTC(2026, 10, 22, 13);
  assert.deepEqual(
    { ...lease },
    {
      accessKeyId: "STS.1",
      bucket: "examplebucket",
      region: "cn-hangzhou",
      endpoint: "https://oss-cn-hangzhou.aliyuncs.com",
      style: "virtual",
      prefix: "users/alice/",
      actions: ["get", "put"],
      issuedAt: begun,
      refreshAt: begun + 1_800_000,
      expiresAt: begun + 3_600_000,
      offset: -7_200_000,
      requestId: "R-1",
    },
  );
  assert.deepEqual([lease.accessKeySecret, lease.securityToken], ["secret1", "token1"]);
  assert.ok(Object.isFrozen(lease));
});

test("secrets go with no JSON and no copy", async () => {
  const lease = await new Page().get();
  assert.doesNotMatch(JSON.stringify([lease, { ...lease }]), /secret1|token1/);
});

test("the request shows the token to nobody else, and nothing is kept of it", async () => {
  const page = new Page({ prefix: "users/alice/a b", actions: ["get", "put"], duration: 900 });
  await page.get();
  const [{ url, headers, signal, ...how }] = page.asked;
  assert.equal(
    url.href,
    "https://sts.example.com/v1/credentials/uploads?prefix=users%2Falice%2Fa+b&actions=get%2Cput&duration=900",
  );
  assert.deepEqual(headers, { Authorization: "Bearer osk_alice" });
  assert.deepEqual(how, {
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  assert.ok(signal);
});

test("a fresh lease is handed out, a stale one while one request is under way, a dead one never", async () => {
  const page = new Page();
  await page.get();
  page.seconds = LIFE / 2 - 1;
  assert.deepEqual(ids(await many(page)), Array(20).fill("STS.1"));
  assert.equal(page.asked.length, 1);
  page.seconds = LIFE / 2;
  assert.deepEqual(ids(await many(page)), Array(20).fill("STS.1"));
  await settled();
  assert.equal(page.asked.length, 2);
  assert.deepEqual(ids(await many(page)), Array(20).fill("STS.2"));
  page.seconds += LIFE - 299;
  assert.deepEqual(ids(await many(page)), Array(20).fill("STS.3"));
  assert.equal(page.asked.length, 3);
});

test("a tab that slept for a day asks first; no timer would have told it", async () => {
  const page = new Page();
  await page.get();
  page.seconds = 86_400;
  assert.deepEqual(ids(await many(page)), Array(20).fill("STS.2"));
});

for (const off of [-7200, 7200]) {
  test(`a clock that is ${off} seconds ahead changes nothing`, async () => {
    const page = new Page();
    page.off = off;
    await page.get();
    page.seconds = LIFE / 2 - 1;
    assert.equal((await page.get()).accessKeyId, "STS.1");
    page.seconds = LIFE - 299;
    assert.equal((await page.get()).accessKeyId, "STS.2");
  });
}

test("a clock that is set back while the page is open makes the lease worthless", async () => {
  const page = new Page();
  await page.get();
  page.seconds = LIFE - 600;
  page.off = -7200;
  const lease = await page.get();
  assert.deepEqual([lease.accessKeyId, lease.offset], ["STS.2", 7_200_000]);
});

test("a clock that is corrected by seconds does not", async () => {
  const page = new Page();
  await page.get();
  page.off = -29;
  assert.equal((await page.get()).accessKeyId, "STS.1");
});

test("a key that OSS did not take is named to the server, once", async () => {
  const page = new Page();
  const lease = await page.get();
  page.leases.rejected(lease);
  page.leases.rejected(lease);
  assert.deepEqual(ids(await many(page)), Array(20).fill("STS.2"));
  page.leases.rejected(lease); // somebody who is late
  assert.equal((await page.get()).accessKeyId, "STS.2");
  page.leases.rejected(await page.get(), { code: "ClockSkewed" }); // its key is good
  await page.get();
  assert.deepEqual(
    page.asked.map(({ url }) => url.search),
    ["", "?refused=STS.1", ""],
  );
});

test("a key that is refused while the same one is on its way is named in another request", async () => {
  const page = new Page();
  const lease = await page.get();
  page.seconds = LIFE / 2;
  page.answers = [body(0, 1)];
  await page.get(); // stale: the next one is being fetched
  page.leases.rejected(lease);
  assert.equal((await page.get()).accessKeyId, "STS.3");
  assert.equal(page.asked[2].url.search, "?refused=STS.1");
});

test("the lease at hand can be shown without a request", async () => {
  const page = new Page();
  assert.throws(() => page.leases.held(), { code: "NoLease" });
  assert.equal(await page.get(), page.leases.held());
  page.seconds = LIFE;
  assert.throws(() => page.leases.held(), { code: "NoLease" });
  assert.equal(page.asked.length, 1);
});

test("jitter delays a refresh by a tenth of the way to the end", async () => {
  const page = new Page({ random: () => 1 });
  await page.get();
  page.seconds = LIFE / 2 + 149;
  await page.get();
  assert.equal(page.asked.length, 1);
  page.seconds += 1;
  await page.get();
  assert.equal(page.asked.length, 2);
});

test("a token is asked for anew each time, and may be missing", async () => {
  const tokens = ["one", Promise.resolve("two"), undefined];
  const page = new Page({ token: () => tokens.shift() });
  for (let turn = 0; turn < 3; turn++) {
    await page.get();
    page.seconds += LIFE;
  }
  assert.deepEqual(
    page.asked.map(({ headers }) => headers.Authorization),
    ["Bearer one", "Bearer two", undefined],
  );
});

for (const server of [
  "http://sts.example.com",
  "http://localhost.example.com",
  "http://1270.0.0.1",
  "ftp://sts.example.com",
  "javascript:alert(1)",
  "sts.example.com",
  "",
  undefined,
]) {
  test(`the server cannot be ${server}`, () =>
    assert.throws(() => createLeases({ server, grant: "a" }), { code: "InvalidArgument" }));
}

for (const [server, asked] of [
  ["https://a.example/", "https://a.example/v1/credentials/a%2Fb"],
  ["https://a.example/sts", "https://a.example/sts/v1/credentials/a%2Fb"],
  ["https://a.example/sts//?x=1#y", "https://a.example/sts/v1/credentials/a%2Fb"],
  ["http://localhost:8000", "http://localhost:8000/v1/credentials/a%2Fb"],
  ["http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/credentials/a%2Fb"],
  ["http://[::1]:8000", "http://[::1]:8000/v1/credentials/a%2Fb"],
]) {
  test(`the server can be ${server}`, async () => {
    const page = new Page({ server, grant: "a/b" });
    await page.get();
    assert.equal(page.asked[0].url.href, asked);
  });
}

test("http to another machine is allowed to those who ask for it", async () => {
  const page = new Page({ server: "http://sts.intern", allowHttp: true });
  assert.equal((await page.get()).accessKeyId, "STS.1");
});
