// The one answer read by @alicloud/credentials and by ali-oss, before and after its keys are over.
import { createRequire } from "node:module";
import OSS from "ali-oss";
import { note, results, say, store } from "./house.mjs";

const { default: Credential, Config } = createRequire(import.meta.url)("@alicloud/credentials");
const { SERVER, TOKEN, RELAY, WISH } = process.env;

// What a frontend writes, from here...
const vend = async () => {
  const answer = await fetch(`${SERVER}${WISH}`, { headers: { Authorization: `Bearer ${TOKEN}` } });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.json();
};

const { Lease, ...keys } = await vend();
const client = new OSS({
  accessKeyId: keys.AccessKeyId,
  accessKeySecret: keys.AccessKeySecret,
  stsToken: keys.SecurityToken,
  bucket: Lease.Bucket,
  region: `oss-${Lease.Region}`,
  endpoint: Lease.Endpoint,
  sldEnable: Lease.Style === "path",
  cname: Lease.Style === "cname",
  authorizationV4: true,
  refreshSTSToken: vend, // as it is: what ali-oss does not know stays in Lease
  refreshSTSTokenInterval: Date.parse(Lease.RefreshAfter) - Date.parse(Lease.ServerTime),
});
// ...to here. The rest puts and gets, and looks at what came of it.

const uri = new Credential(new Config({ type: "credentials_uri", credentialsURI: `${RELAY}${WISH}` }));

const work = async (bucket, name) => {
  await bucket.put(name, Buffer.from(name));
  return String((await bucket.get(name)).content);
};

const readers = {
  "@alicloud/credentials": async (name) => {
    const { accessKeyId, accessKeySecret, securityToken } = await uri.getCredential();
    const bucket = store({
      AccessKeyId: accessKeyId,
      AccessKeySecret: accessKeySecret,
      SecurityToken: securityToken,
    });
    return { id: accessKeyId, text: await work(bucket, name) };
  },
  "ali-oss": async (name) => {
    const text = await work(client, name);
    return { id: client.options.accessKeyId, text };
  },
};

const all = async (moment) => {
  for (const [reader, read] of Object.entries(readers)) {
    await note(`${reader} ${moment}`, () => read(`users/alice/readers/${reader} ${moment}`));
  }
};

const place = ({ bucket, region, endpoint, sldEnable }) =>
  JSON.stringify({ bucket, region, endpoint, sldEnable });

await all("first");
const before = place(client.options);
await fetch(`${RELAY}/later`);
await note("ali-oss too early", () => work(client, "users/alice/readers/early"));
client.options.refreshSTSTokenInterval = 0; // the interval is over, too
await all("second");
results["same place"] = before === place(client.options);

say();
