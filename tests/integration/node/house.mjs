// What the scripts share: a store made of a lease, and results kept by name.
import OSS from "ali-oss";

const { ENDPOINT, BUCKET, REGION } = process.env;

export const store = (lease, changes = {}) =>
  new OSS({
    endpoint: ENDPOINT,
    bucket: BUCKET,
    region: REGION,
    accessKeyId: lease.AccessKeyId,
    accessKeySecret: lease.AccessKeySecret,
    stsToken: lease.SecurityToken,
    authorizationV4: true,
    sldEnable: true, // path style: the only one in which a name like localhost keeps its bucket
    timeout: 10_000,
    ...changes,
  });

export const results = {};

// Runs one call and keeps what matters of its result, or of its error.
export async function note(name, call, pick = (answer) => answer) {
  try {
    results[name] = pick(await call());
  } catch (error) {
    const { status, code, requestId, message } = error;
    results[name] = { status, code, requestId: Boolean(requestId), message };
  }
}

export const status = (answer) => ({ status: answer.res.status });
export const text = (answer) => ({ status: answer.res.status, text: String(answer.content) });
export const say = () => process.stdout.write(JSON.stringify(results));
