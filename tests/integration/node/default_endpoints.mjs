// SDKs with a key, a region and no endpoint, over HTTPS; and other places of a bucket. One JSON object.
import { createRequire } from "node:module";
import OSS from "ali-oss";
import { note, say, status, store, text } from "./house.mjs";

const { default: Credential, Config } = createRequire(import.meta.url)("@alicloud/credentials");
const { BUCKET, REGION, ROLE, ACCESS_KEY_ID, ACCESS_KEY_SECRET, PLAIN_ENDPOINT } = process.env;

const key = { accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET };
const names = (answer) => ({
  status: answer.res.status,
  names: answer.objects.map((object) => object.name),
});
const versions = { V1: false, V4: true };

for (const [version, authorizationV4] of Object.entries(versions)) {
  const common = { ...key, bucket: BUCKET, region: REGION, timeout: 10_000, authorizationV4 };
  const clients = {
    "default endpoint": new OSS({ ...common, secure: true }),
    "internal endpoint": new OSS({ ...common, secure: true, internal: true }),
    "virtual host": store(
      { AccessKeyId: ACCESS_KEY_ID, AccessKeySecret: ACCESS_KEY_SECRET },
      { authorizationV4, sldEnable: false },
    ),
    // Both send the host of the default endpoint, the second one beside a bucket in the path.
    address: new OSS({ ...common, endpoint: PLAIN_ENDPOINT }),
    "address and path": new OSS({ ...common, endpoint: PLAIN_ENDPOINT, sldEnable: true }),
  };
  for (const [name, client] of Object.entries(clients)) {
    const object = `node/${name}, ${version} ä+b`;
    await note(`${name}, ${version}: put`, () => client.put(object, Buffer.from("hello")), status);
    await note(`${name}, ${version}: get`, () => client.get(object), text);
    await note(`${name}, ${version}: list`, () => client.listV2({ prefix: object }), names);
    await note(`${name}, ${version}: copy`, () => client.copy(`${object} 2`, object), status);
    await note(`${name}, ${version}: delete both`, () =>
      client.deleteMulti([object, `${object} 2`]), status);
    if (name.startsWith("address")) continue; // it signs no URL for an address
    await note(`${name}, ${version}: URL`, async () => {
      const url = authorizationV4
        ? await client.signatureUrlV4("GET", 60, undefined, object)
        : client.signatureUrl(object);
      const { host, pathname } = new URL(url);
      return { host: host.replace(/:\d+$/, ""), key: decodeURIComponent(pathname.slice(1)) === object };
    });
  }
}

const temporary = (keys) => ({ temporary: keys.AccessKeyId.startsWith("STS.") });
await note("STS", async () => (await new OSS.STS(key).assumeRole(ROLE)).credentials, temporary);
const role = { type: "ram_role_arn", ...key, roleArn: ROLE, roleSessionName: "alice" };
await note("credentials", async () => {
  const { accessKeyId } = await new Credential(new Config(role)).getCredential();
  return { AccessKeyId: accessKeyId };
}, temporary);

say();
