// ali-oss's own STS client, and a store made of what it gave: done once, printed as one JSON object.
import OSS from "ali-oss";
import { note, results, say, status, store } from "./house.mjs";

const { STS_ENDPOINT, BUCKET, ROLE, ACCESS_KEY_ID, ACCESS_KEY_SECRET } = process.env;

const connect = (changes = {}) =>
  new OSS.STS({
    endpoint: STS_ENDPOINT,
    accessKeyId: ACCESS_KEY_ID,
    accessKeySecret: ACCESS_KEY_SECRET,
    timeout: 10_000,
    ...changes,
  });

// With what encodeURIComponent leaves alone and RPC does not.
const places = [`acs:oss:*:*:${BUCKET}/sts ä/(!*')`, `acs:oss:*:*:${BUCKET}/sts/*`];
const policy = {
  Version: "1",
  Statement: [{ Effect: "Allow", Action: ["oss:PutObject"], Resource: places }],
};
const assume = (sts, ...rest) => sts.assumeRole(ROLE, ...rest);

const { res, credentials } = await assume(connect(), policy, 900, "alice");
const left = Math.round((Date.parse(credentials.Expiration) - Date.now()) / 1000);
results.assumeRole = {
  status: res.status,
  temporary: credentials.AccessKeyId.startsWith("STS."),
  soon: left > 800 && left <= 900,
};
await note("inside", () => store(credentials).put("sts/a", Buffer.from("a")), status);
await note("outside", () => store(credentials).put("else/a", Buffer.from("a")), status);
await note("no policy", async () => {
  const all = await assume(connect());
  return store(all.credentials).put("else/a", Buffer.from("a"));
}, status);
await note("policy as text", () => assume(connect(), JSON.stringify(policy, null, 2)), status);
await note("wrong secret", () => assume(connect({ accessKeySecret: "wrong" })), status);
await note("unknown key", () => assume(connect({ accessKeyId: "LTAInobody" })), status);
await note("unknown role", () => connect().assumeRole(`${ROLE}-not`), status);
await note("too long", () => assume(connect(), policy, 7200), status);
await note("too short", () => assume(connect(), policy, 60), status);
await note("bad policy", () => assume(connect(), { Version: "2" }), status);
await note("bad session", () => assume(connect(), policy, 900, "a b"), status);

// A store that renews its keys by itself, before its first call.
let asked = 0;
const lasting = store(credentials, {
  refreshSTSTokenInterval: 0,
  refreshSTSToken: async () => {
    asked += 1;
    const next = (await assume(connect(), policy, 900, "alice")).credentials;
    return {
      accessKeyId: next.AccessKeyId,
      accessKeySecret: next.AccessKeySecret,
      stsToken: next.SecurityToken,
    };
  },
});
await note("refreshSTSToken", () => lasting.put("sts/b", Buffer.from("b")), (answer) => ({
  ...status(answer),
  renewed: asked > 0 && lasting.options.stsToken !== credentials.SecurityToken,
}));

say();
