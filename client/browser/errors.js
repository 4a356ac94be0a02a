// What can go wrong. A message says what to do, and repeats nothing that a server wrote.

export class LeaseError extends Error {
  constructor(code, message, { status = 0, requestId = "", retryAfter = null, cause } = {}) {
    super(message, { cause });
    Object.assign(this, { name: "LeaseError", code, status, requestId, retryAfter });
  }
}

export function parsed(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

export const requestIdOf = ({ RequestId }) => (/^[\w-]{1,64}$/.test(RequestId) ? RequestId : "");

const MEANINGS = {
  InvalidArgument: "does not understand the wish: check grant, prefix, actions, duration",
  Unauthenticated: "does not accept the token: sign in again",
  GrantDenied: "does not give this caller that grant, prefix or action: ask its operator",
  CallerNotAllowed: "does not serve this caller: sign in again, or ask its operator",
  TooManyRequests: "was asked too often: try again later",
  UpstreamThrottled: "is slowed down by STS: try again later",
  UpstreamUnavailable: "cannot reach STS: try again later",
  UpstreamRefused: "is refused by STS: its operator has to check key, role and policy",
  Refused: "refused: check the address",
  ServerUnavailable: "failed: try again later",
};
const BY_STATUS = { 401: "Unauthenticated", 403: "GrantDenied", 429: "TooManyRequests" };

export function refusalOf({ status, headers }, text, where) {
  const problem = parsed(text);
  const usual = BY_STATUS[status] ?? (status < 500 ? "Refused" : "ServerUnavailable");
  const code = Object.hasOwn(MEANINGS, problem.Code) ? problem.Code : usual;
  const requestId = requestIdOf(problem);
  const retryAfter = parseInt(headers.get("Retry-After"), 10) || null;
  const request = requestId && `, request ${requestId}`;
  const message = `${where} ${MEANINGS[code]} (HTTP ${status}${request})`;
  return new LeaseError(code, message, { status, requestId, retryAfter });
}
