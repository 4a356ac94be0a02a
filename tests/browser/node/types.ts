// Is never run: `tsc --strict` reads it.
import OSS from "ali-oss";
import { createLeases, createOss, getIf, LeaseError, putNew } from "./oss-sts/leases.js";

const leases = createLeases({
  server: "https://sts.example.com",
  grant: "uploads",
  actions: ["get", "put"],
  token: async () => "osk_",
});
const oss: OSS = await createOss(OSS, leases, { timeout: 1000 });
await oss.multipartUpload("a", new File([], "a"), {});

const got = await getIf(oss, "a", { ifNoneMatch: '"1"', ifModifiedSince: new Date() });
if (got.status === 200) console.log(got.content, got.etag?.length);
// @ts-expect-error a 304 has no content
if (got.status === 304) console.log(got.content);
// @ts-expect-error there is no such condition
await getIf(oss, "a", { ifRange: "1" });

const put = await putNew(oss, "a", new Blob());
const known: 200 | 409 = put.status;

const lease = await leases.get();
const left: number = lease.expiresAt - Date.now();
// @ts-expect-error a lease is not to be changed
lease.expiresAt = 0;

try {
  leases.held();
} catch (error) {
  if (error instanceof LeaseError && error.code === "TooManyRequests") console.log(error.retryAfter);
  // @ts-expect-error no such code
  if (error instanceof LeaseError && error.code === "Other") console.log(known, left);
}

// @ts-expect-error it wants a server
createLeases({ grant: "uploads" });
