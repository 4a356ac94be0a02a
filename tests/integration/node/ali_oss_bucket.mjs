// ali-oss with the whole bucket, by V1 or V4: does everything once, prints one JSON object.
import { createHash } from "node:crypto";
import { text as whole } from "node:stream/consumers";
import { Readable } from "node:stream";
import { note, results, say, status, store, text } from "./house.mjs";

const { ENDPOINT, BUCKET, PREFIX, LEASE, V4 } = process.env;
const lease = JSON.parse(LEASE);

const connect = () => store(lease, { authorizationV4: V4 === "yes" });
const client = connect();

const sum = (bytes) => createHash("md5").update(bytes).digest("hex");
const fetched = async (url, init) => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000), ...init });
  return { status: answer.status, text: await answer.text() };
};
const refused = (answer) => ({
  status: answer.status,
  code: /<Code>(.*)<.Code>/.exec(answer.text)[1],
});

const key = `${PREFIX}ä b+c.txt`;
const hello = () => Buffer.from("hello");

// Streams.
await note("putStream", () => client.putStream(key, Readable.from([hello(), hello()])), status);
await note("putStream of a length", () =>
  client.putStream(`${key}.long`, Readable.from([hello()]), { contentLength: 5 }), status);
await note("getStream", async () => {
  const { res, stream } = await client.getStream(key);
  return { status: res.status, text: await whole(stream) };
});
await note("getStream of a range", async () => {
  const { res, stream } = await client.getStream(key, { headers: { Range: "bytes=3-6" } });
  return { status: res.status, text: await whole(stream) };
});

// Large objects: the first try stops after two parts, and a new client goes on from its checkpoint.
const large = Buffer.alloc(5 * 128 * 1024 + 17, "0123456789abcdef~");
const name = `${PREFIX}large`;
const wish = {
  partSize: 128 * 1024,
  parallel: 1,
  meta: { who: "node" },
  mime: "text/x-large",
  headers: { "x-oss-tagging": "a=1", "x-oss-object-acl": "private" },
};
let checkpoint;
try {
  await client.multipartUpload(name, large, {
    ...wish,
    progress: (share, reached) => {
      checkpoint = reached;
      if (reached.doneParts.length === 2) client.cancel();
    },
  });
} catch (error) {
  results["upload stopped"] = { name: error.name, parts: checkpoint.doneParts.length };
}
client.resetCancelFlag();
await note("uploads", () => client.listUploads({ prefix: name }), (answer) => ({
  status: answer.res.status,
  known: answer.uploads.map((upload) => upload.uploadId === checkpoint.uploadId),
}));
await note("parts", () => client.listParts(name, checkpoint.uploadId), (answer) => ({
  status: answer.res.status,
  sizes: answer.parts.map((part) => Number(part.Size)),
}));
let sent = 0;
await note("upload resumed", () => connect().multipartUpload(name, large, {
  ...wish,
  parallel: 3,
  headers: { "x-oss-forbid-overwrite": "true" },
  checkpoint,
  progress: (share, reached) => {
    if (reached) sent += 1;
  },
}), (answer) => ({ ...status(answer), sent }));
await note("large", () => client.get(name), (answer) => ({
  status: answer.res.status,
  whole: sum(answer.content) === sum(large),
  type: answer.res.headers["content-type"],
  meta: answer.res.headers["x-oss-meta-who"],
}));
await note("no uploads", () => client.listUploads({ prefix: name }), (answer) => ({
  left: answer.uploads.length,
}));
await note("abort", async () => {
  const { uploadId } = await client.initMultipartUpload(`${name}.not`);
  checkpoint = { ...checkpoint, uploadId, doneParts: [], name: `${name}.not` };
  return client.abortMultipartUpload(`${name}.not`, uploadId);
}, status);
try {
  await client.multipartUpload(`${name}.not`, large, { ...wish, parallel: 3, checkpoint });
} catch (error) {
  results["upload aborted"] = { name: error.name };
}
await note("small as one", () => client.multipartUpload(`${name}.small`, hello()), status);
await note("uploadPartCopy", () => client.multipartUploadCopy(
  `${name}.copy`,
  { sourceKey: name, sourceBucketName: BUCKET },
  { partSize: 256 * 1024, parallel: 2 },
), status);
await note("large copy", () => client.get(`${name}.copy`), (answer) => ({
  whole: sum(answer.content) === sum(large),
}));

// Copies.
const head = (await client.head(key)).res.headers;
const modified = head["last-modified"];
const past = new Date(Date.parse(modified) - 60_000).toUTCString();
const copy = (headers) => () => client.copy(`${key}.copy`, key, { headers });
const copied = (answer) => ({ status: answer.res.status, same: answer.data?.etag === head.etag });
await note("copy", () => client.copy(`${key}.copy`, key), copied);
await note("copy if-match holds", copy({ "If-Match": head.etag }), copied);
await note("copy if-match fails", copy({ "If-Match": '"0"' }), copied);
await note("copy if-none-match holds", copy({ "If-None-Match": '"0"' }), copied);
await note("copy if-none-match fails", copy({ "If-None-Match": head.etag }), status);
await note("copy if-modified-since holds", copy({ "If-Modified-Since": past }), copied);
await note("copy if-modified-since fails", copy({ "If-Modified-Since": modified }), status);
await note("copy if-unmodified-since holds", copy({ "If-Unmodified-Since": modified }), copied);
await note("copy if-unmodified-since fails", copy({ "If-Unmodified-Since": past }), copied);
await note("copy of nothing", () => client.copy(`${key}.copy`, `${key}.missing`), copied);
await note("putMeta", async () => {
  await client.putMeta(key, { who: "again" });
  return client.head(key);
}, (answer) => ({ ...status(answer), meta: answer.meta }));

// Appends.
const log = `${PREFIX}log`;
const next = (answer) => ({ ...status(answer), next: answer.nextAppendPosition });
await note("append", () => client.append(log, hello()), next);
await note("append more", () => client.append(log, hello(), { position: "5" }), next);
await note("append elsewhere", () => client.append(log, hello(), { position: "3" }), status);
await note("append to what was put", () => client.append(key, hello(), { position: "10" }), status);
await note("appended", () => client.get(log), text);

// Tags and links.
await note("tags", async () => {
  await client.putObjectTagging(key, { who: "node", "a b": "c+d" });
  return client.getObjectTagging(key);
}, (answer) => ({ status: answer.status, tags: answer.tag }));
await note("symlink", async () => {
  await client.putSymlink(`${PREFIX}link`, key, {});
  return client.getSymlink(`${PREFIX}link`);
}, (answer) => ({ ...status(answer), known: answer.targetName === key }));
await note("through the symlink", () => client.get(`${PREFIX}link`), text);

// Listings.
const folder = `${PREFIX}list/`;
for (const leaf of ["a", "b ü+", "c/1", "c/2", "d"]) await client.put(folder + leaf, hello());
const short = (found) => found.slice(folder.length);
const listed = (answer) => ({
  status: answer.res.status,
  names: answer.objects.map((object) => short(object.name)),
  prefixes: (answer.prefixes ?? []).map(short),
  owned: answer.objects.every((object) => Boolean(object.owner?.id)),
  more: answer.isTruncated,
});
const level = { prefix: folder, delimiter: "/" };
const first = { ...level, "max-keys": 2 };
await note("list", () => client.list({ ...first }), listed);
await note("list on", async () => {
  const { nextMarker } = await client.list({ ...first });
  return client.list({ ...level, marker: nextMarker });
}, listed);
await note("listV2", () => client.listV2({ ...first, "fetch-owner": "true" }), listed);
await note("listV2 on", async () => {
  const { nextContinuationToken } = await client.listV2({ ...first });
  const next = { "continuation-token": nextContinuationToken };
  return client.listV2({ ...level, "fetch-owner": "true", ...next });
}, listed);
await note("listV2 without owners", () => client.listV2({ ...level }), listed);
const after = { ...level, "start-after": `${folder}c/2`, "fetch-owner": "true" };
await note("listV2 after", () => client.listV2(after), listed);

// URLs, for anybody's fetch.
await note("signatureUrlV4", async () => fetched(await client.signatureUrlV4("GET", 60, {}, key)));
await note("signatureUrlV4 with more", async () => {
  const headers = { "x-oss-meta-who": "url", host: new URL(ENDPOINT).host };
  const url = await client.signatureUrlV4("PUT", 60, { headers }, `${key}.url`, ["host"]);
  // Bytes, for fetch gives a text a content type of its own, which V4 signs.
  const body = Buffer.from("by url");
  const put = await fetched(url, { method: "PUT", body, headers: { "x-oss-meta-who": "url" } });
  const { meta } = await client.head(`${key}.url`);
  return { status: put.status, meta };
});
await note("signatureUrlV4 with a query", async () => {
  const queries = { "response-content-type": "text/x-asked" };
  const url = await client.signatureUrlV4("GET", 60, { queries }, key);
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  await answer.text();
  return { status: answer.status, type: answer.headers.get("content-type") };
});
await note("signatureUrlV4 for another method", async () =>
  fetched(await client.signatureUrlV4("GET", 60, {}, key), { method: "DELETE" }), refused);
await note("asyncSignatureUrl", async () => fetched(await client.asyncSignatureUrl(key)));
await note("asyncSignatureUrl too late", async () =>
  fetched(await client.asyncSignatureUrl(key, { expires: -60 })), refused);
await note("asyncSignatureUrl to put", async () => {
  const type = { "Content-Type": "text/x-url" };
  const url = await client.asyncSignatureUrl(`${key}.url`, { method: "PUT", ...type });
  const put = await fetched(url, { method: "PUT", body: "by url", headers: type });
  const { res } = await client.head(`${key}.url`);
  return { status: put.status, type: res.headers["content-type"] };
});
await note("asyncSignatureUrl spoilt", async () => {
  const url = await client.asyncSignatureUrl(key);
  return fetched(url.replace(/Expires=(\d+)/, (_, end) => `Expires=${Number(end) + 1}`));
}, refused);

// All gone, by name.
await note("deleteMulti", async () => {
  const { objects } = await client.listV2({ prefix: PREFIX, "max-keys": 100 });
  const names = objects.map((object) => object.name);
  const gone = await client.deleteMulti(names);
  return { status: gone.res.status, all: gone.deleted.length === names.length };
});
await note("emptied", () => client.listV2({ prefix: PREFIX }), (answer) => ({
  left: answer.objects.length,
}));

say();
