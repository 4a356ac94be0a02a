// ali-oss and a bucket of its own, as its owner: versions, tags, ACL, CORS. One JSON object.
import { note, results, say, status, store, text } from "./house.mjs";

const { ACCESS_KEY_ID, ACCESS_KEY_SECRET, V4 } = process.env;
const bucket = `node-versions-${V4 === "yes" ? "v4" : "v1"}`;
const client = store(
  { AccessKeyId: ACCESS_KEY_ID, AccessKeySecret: ACCESS_KEY_SECRET },
  { authorizationV4: V4 === "yes", bucket },
);
const versionOf = (answer) => answer.res.headers["x-oss-version-id"];

// The bucket.
await note("putBucket", () => client.putBucket(bucket), status);
await note("listBuckets", () => client.listBuckets({ prefix: bucket }), (answer) =>
  ({ ...status(answer), names: answer.buckets.map(({ name }) => name) }));
await note("getBucketInfo", () => client.getBucketInfo(bucket), (answer) =>
  ({ ...status(answer), name: answer.bucket.Name }));
await note("getBucketLocation", () => client.getBucketLocation(bucket), ({ location }) => ({ location }));
await note("putBucketACL", () => client.putBucketACL(bucket, "public-read"), status);
await note("getBucketACL", () => client.getBucketACL(bucket), ({ acl }) => ({ acl }));
await note("putBucketTags", () => client.putBucketTags(bucket, { team: "a b", ü: "" }), status);
await note("getBucketTags", () => client.getBucketTags(bucket), ({ tag }) => ({ tag }));
await note("deleteBucketTags", () => client.deleteBucketTags(bucket), status);
await note("no bucket tags", () => client.getBucketTags(bucket), ({ tag }) => ({ tag }));
const rule = { allowedOrigin: "*", allowedMethod: ["GET", "PUT"], allowedHeader: "*", maxAgeSeconds: "9" };
await note("putBucketCORS", () => client.putBucketCORS(bucket, [rule]), status);
await note("getBucketCORS", () => client.getBucketCORS(bucket), ({ rules }) => ({
  methods: rules.map(({ allowedMethod }) => allowedMethod),
}));
await note("deleteBucketCORS", () => client.deleteBucketCORS(bucket), status);
await note("no bucket CORS", () => client.getBucketCORS(bucket), status);

// Versions.
await note("putBucketVersioning", () => client.putBucketVersioning(bucket, "Enabled"), status);
await note("getBucketVersioning", () => client.getBucketVersioning(bucket), ({ versionStatus }) => ({ versionStatus }));
const first = versionOf(await client.put("a", Buffer.from("first")));
const second = versionOf(await client.put("a", Buffer.from("second")));
results.put = { both: Boolean(first && second && first !== second) };
const forbid = { headers: { "x-oss-forbid-overwrite": "true" } };
await note("forbid-overwrite says nothing here", () => client.put("b", Buffer.from("b"), forbid), status);
await note("nor again", () => client.put("b", Buffer.from("b"), forbid), status);
await note("get", () => client.get("a"), text);
await note("get the first", () => client.get("a", { versionId: first }), text);
await note("head the first", () => client.head("a", { versionId: first }), (answer) =>
  ({ ...status(answer), same: versionOf(answer) === first }));
await note("getObjectMeta", () => client.getObjectMeta("a", { versionId: first }), (answer) =>
  ({ ...status(answer), length: answer.res.headers["content-length"] }));
await note("get another", () => client.get("a", { versionId: "CAEQnothing" }), text);
await note("copy the first", () => client.copy("c", "a", { versionId: first }), status);
await note("get the copy", () => client.get("c"), text);
await note("putObjectTagging", () => client.putObjectTagging("a", { k: "v" }, { versionId: first }), status);
await note("getObjectTagging", () => client.getObjectTagging("a", { versionId: first }), ({ tag }) => ({ tag }));
await note("other tags", () => client.getObjectTagging("a"), ({ tag }) => ({ tag }));
await note("deleteObjectTagging", () => client.deleteObjectTagging("a", { versionId: first }), status);
await note("putACL", () => client.putACL("a", "private", { versionId: first }), status);
await note("getACL", () => client.getACL("a", { versionId: first }), ({ acl }) => ({ acl }));
await note("restore", () => client.restore("a"), status);
await note("delete", () => client.delete("a"), (answer) =>
  ({ ...status(answer), marker: answer.res.headers["x-oss-delete-marker"] }));
await note("gone", () => client.get("a"), text);
await note("getBucketVersions", () => client.getBucketVersions(), ({ objects, deleteMarker }) => ({
  versions: objects.map(({ name, isLatest }) => [name, isLatest]),
  markers: deleteMarker.map(({ name }) => name),
}));
await note("delete the marker", async () => {
  const { deleteMarker } = await client.getBucketVersions();
  return client.delete("a", { versionId: deleteMarker[0].versionId });
}, status);
await note("back", () => client.get("a"), text);

// All of it removed, as clean-up code does it.
await note("deleteMulti", async () => {
  const { objects } = await client.getBucketVersions();
  return client.deleteMulti(objects.map(({ name, versionId }) => ({ key: name, versionId })));
}, (answer) => ({ ...status(answer), count: answer.deleted.length }));
await note("deleteBucket", () => client.deleteBucket(bucket), status);
await note("no bucket", () => client.getBucketInfo(bucket), status);

say();
