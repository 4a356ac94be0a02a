// ali-oss with leases. It is passed in: this file depends on no version of it.

import { LeaseError } from "./errors.js";

const KEY_REFUSED = /^(SecurityTokenExpired|InvalidSecurityToken|InvalidAccessKeyId)$/;

// Older ones do not ask for keys before their second request, unless this is there.
const FRESHENED = { value: 1, writable: true };

export async function createOss(OSS, leases, options = {}) {
  const keys = (lease) => ({
    accessKeyId: lease.accessKeyId,
    accessKeySecret: lease.accessKeySecret,
    stsToken: lease.securityToken,
    amendTimeSkewed: lease.offset, // ali-oss dates its requests by it
  });
  const cors = `sts-server cors --origin ${globalThis.location?.origin ?? "URL"}`;
  const failures = {
    ClockSkewed: "OSS and the vending server differ about the time: tell its operator",
    EtagHidden: `the bucket's CORS rule does not expose ETag: ${cors}`,
    OssUnreachable: `no answer from OSS: no network, or no CORS rule for this page: ${cors}`,
  };
  const failure = (code, more) => new LeaseError(code, failures[code], more);
  const first = await leases.get();

  class LeasedOss extends OSS {
    async request(params, again = true) {
      let lease;
      // ali-oss asks this before each attempt, its own retries included, if its interval is over.
      const refreshSTSToken = async () => {
        lease = await leases.get();
        return Object.assign(this.options, keys(lease)) && keys(lease);
      };
      // Options of its own: parallel requests never meet each other's keys half-way.
      const one = Object.create(this, {
        options: { value: { ...this.options, refreshSTSToken } },
        stsTokenFreshTime: FRESHENED,
        // It would come here again and again when OSS finds its clock wrong.
        request: { value: () => Promise.reject(failure("ClockSkewed")) },
      });
      try {
        const result = await super.request.call(one, params);
        const part = params.subres?.partNumber && params.content;
        if (part && !result.res.headers.etag) throw failure("EtagHidden");
        return result;
      } catch (error) {
        if (error.status === -1) throw failure("OssUnreachable", { status: -1, cause: error });
        const ours = error.code === "ClockSkewed" || KEY_REFUSED.test(error.code);
        if (!ours || !again || params.stream) throw error;
        leases.rejected(lease, error);
        return this.request(params, false);
      }
    }

    // ali-oss itself would name the old key here and sign with the new one.
    async signatureUrlV4(...wish) {
      const value = { ...this.options, ...keys(await leases.get()), refreshSTSToken: null };
      return super.signatureUrlV4.apply(Object.create(this, { options: { value } }), wish);
    }
  }

  const client = new LeasedOss({
    authorizationV4: true,
    bucket: first.bucket,
    region: `oss-${first.region}`,
    endpoint: first.endpoint,
    sldEnable: first.style === "path",
    cname: first.style === "cname",
    ...options,
    ...keys(first),
    refreshSTSToken: async () => keys(await leases.get()),
    refreshSTSTokenInterval: -Infinity,
  });
  return Object.defineProperty(client, "stsTokenFreshTime", FRESHENED);
}

const CONDITION = /^if(None)?Match$|^if(Unm|M)odifiedSince$/;

export async function getIf(oss, name, conditions = {}, options = {}) {
  const headers = { ...options.headers };
  for (const [condition, value] of Object.entries(conditions)) {
    if (!CONDITION.test(condition)) {
      throw new LeaseError("InvalidArgument", "a condition is called ifMatch, ifNoneMatch and so on");
    }
    const header = condition.replace(/[A-Z]/g, "-$&");
    if (value != null) headers[header] = value.toUTCString?.() ?? value;
  }
  try {
    const { res, content } = await oss.get(name, { ...options, headers });
    if (res.status === 304) return { status: 304 };
    const { etag = null, "last-modified": lastModified = null } = res.headers;
    return { status: 200, content, etag, lastModified };
  } catch (error) {
    if (error.status === 412) return { status: 412 };
    throw error;
  }
}

export async function putNew(oss, name, data, options = {}) {
  const headers = { ...options.headers, "x-oss-forbid-overwrite": "true" };
  try {
    const { res } = await oss.put(name, data, { ...options, headers });
    return { status: 200, etag: res.headers.etag ?? null };
  } catch (error) {
    if (error.code === "FileAlreadyExists") return { status: 409 };
    throw error;
  }
}
