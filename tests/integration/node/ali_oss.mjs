// ali-oss against the sandbox: does everything once and prints what came of it, as one JSON object.
import { note, results, say, status, store, text } from "./house.mjs";

const { PREFIX, LEASE } = process.env;
const lease = JSON.parse(LEASE);

const connect = (changes) => store(lease, changes);
const client = connect();

const key = `${PREFIX}ä b+c.txt`;
const get = (headers) => () => client.get(key, { headers });

const put = await client.put(key, Buffer.from("hello"), {
  mime: "text/x-greeting",
  meta: { who: "node" },
});
const etag = put.res.headers.etag;
results.put = { status: put.res.status, etag };

await note("get", get({}), text);
await note("head", () => client.head(key), (answer) => ({
  status: answer.res.status,
  etag: answer.res.headers.etag,
  type: answer.res.headers["content-type"],
  meta: answer.meta,
}));
const { "last-modified": modified } = (await client.head(key)).res.headers;
const past = new Date(Date.parse(modified) - 60_000).toUTCString();

await note("list", () => client.listV2({ prefix: PREFIX, "max-keys": 10 }), (answer) => ({
  status: answer.res.status,
  names: answer.objects.map((object) => object.name),
}));

await note("if-match holds", get({ "If-Match": etag }), text);
await note("if-match fails", get({ "If-Match": '"0"' }), text);
await note("if-none-match holds", get({ "If-None-Match": '"0"' }), text);
await note("if-none-match fails", get({ "If-None-Match": etag }), status);
await note("if-modified-since holds", get({ "If-Modified-Since": past }), text);
await note("if-modified-since fails", get({ "If-Modified-Since": modified }), status);
await note("if-unmodified-since holds", get({ "If-Unmodified-Since": modified }), text);
await note("if-unmodified-since fails", get({ "If-Unmodified-Since": past }), text);
await note("head not modified", () => client.head(key, { headers: { "If-None-Match": etag } }), status);

const forbid = { headers: { "x-oss-forbid-overwrite": "true" } };
await note("forbid-overwrite taken", () => client.put(key, Buffer.from("other"), forbid), status);
await note("forbid-overwrite free", () => client.put(`${key}.new`, Buffer.from(""), forbid), status);

await note("outside", () => client.get("users/bob/x"), text);
await note("outside list", () => client.listV2({ prefix: "users/bob/" }), status);
await note("missing", () => client.get(`${PREFIX}missing`), text);
await note("wrong secret", () => connect({ accessKeySecret: "wrong" }).get(key), text);
await note("unknown key", () => connect({ accessKeyId: "STS.nobody" }).get(key), text);
await note("wrong token", () => connect({ stsToken: "wrong" }).get(key), text);
await note("wrong region", () => connect({ region: "oss-cn-beijing" }).get(key), text);

await note("delete", () => client.delete(key), status);
await note("delete new", () => client.delete(`${key}.new`), status);
await note("deleted", get({}), text);

say();
