/** A bearer token, or a function that returns the present one and is called for each lease. */
export type Token = string | (() => string | Promise<string>);

export interface LeasesOptions {
  /** The vending server: `https://host`, perhaps with a path, or relative to the page. */
  server: string;
  /** Name of a grant in its configuration. */
  grant: string;
  /** Proves who is calling; leave it out where a proxy on the way does. */
  token?: Token;
  /** A folder ending in `/`, or one exact object; only ever narrows the grant. */
  prefix?: string;
  /** Some of the grant's actions. */
  actions?: readonly ("get" | "put" | "list" | "delete")[];
  /** Seconds the lease should live. */
  duration?: number;
  /** Accept `http:` to other machines than this one, which shows keys to the network. */
  allowHttp?: boolean;
  fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** From 0 to 1: spreads the refreshes of many pages. */
  random?: () => number;
  /** Waits for milliseconds between two attempts. */
  pause?: (milliseconds: number) => Promise<unknown>;
}

/** Keys and what they open. Times are in milliseconds, of this device's clock. */
export interface Lease {
  readonly accessKeyId: string;
  /** Not enumerable, as the next one: left out by JSON and by `{...lease}`. */
  readonly accessKeySecret: string;
  readonly securityToken: string;
  readonly bucket: string;
  /** Such as `cn-hangzhou`; ali-oss wants `oss-` before it. */
  readonly region: string;
  readonly endpoint: string;
  readonly style: "virtual" | "path" | "cname";
  readonly prefix: string;
  readonly actions: readonly string[];
  readonly issuedAt: number;
  /** From then on the next lease is fetched while this one still serves. */
  readonly refreshAt: number;
  readonly expiresAt: number;
  /** What this device's clock lacks to the server's. */
  readonly offset: number;
  /** Finds it in the server's audit log. */
  readonly requestId: string;
}

export interface Leases {
  /**
   * Gives the lease to use now. While one is stale it is handed out and one fetch gets the next;
   * of a dead one nothing is handed out: all wait for one fetch, and get its lease or its error.
   *
   * @throws {LeaseError} there is none to use, and none was to be had
   */
  get(): Promise<Lease>;
  /**
   * Gives the lease to use now without asking for one, to show it.
   *
   * @throws {LeaseError} `NoLease`: there is none
   */
  held(): Lease;
  /** Reports that OSS did not take a lease: the next `get` fetches another one. */
  rejected(lease: Lease, why?: { code?: string }): void;
}

/**
 * Keeps one lease fresh for a whole page. Nothing is sent before the first `get`.
 *
 * @throws {LeaseError} the server's address would show keys to the network, or is none
 */
export function createLeases(options: LeasesOptions): Leases;

export type LeaseErrorCode =
  /** An argument is wrong; nothing was sent. Or the server says so of the wish. */
  | "InvalidArgument"
  /** The token function failed; see `cause`. */
  | "TokenUnavailable"
  /** No answer: the network, the address, or CORS of the vending server. A page cannot tell which. */
  | "Unreachable"
  /** 401: sign in again. */
  | "Unauthenticated"
  /** 403: this caller may not have that. */
  | "GrantDenied"
  /** 403: this caller is stopped, or has to sign in again. */
  | "CallerNotAllowed"
  /** 429: see `retryAfter`. */
  | "TooManyRequests"
  | "UpstreamThrottled"
  | "UpstreamUnavailable"
  /** 502: the server's operator has to act. */
  | "UpstreamRefused"
  | "Refused"
  | "ServerUnavailable"
  /** 200, and no usable lease. */
  | "BadLease"
  /** `held` has none. */
  | "NoLease"
  /** OSS gives no answer: the network, or no CORS rule of the bucket for this page; see `cause`. */
  | "OssUnreachable"
  /** The bucket's CORS rule does not expose ETag: no upload in parts can end. */
  | "EtagHidden"
  /** OSS and the vending server differ about the time. */
  | "ClockSkewed";

/** The root of all errors of this module; ali-oss throws its own beside it. */
export class LeaseError extends Error {
  readonly name: "LeaseError";
  readonly code: LeaseErrorCode;
  /** HTTP status, 0 where none applies, -1 where OSS gave no answer. */
  readonly status: number;
  /** Finds the refusal in the server's audit log, or "". */
  readonly requestId: string;
  /** Seconds to wait before the next attempt, or null. */
  readonly retryAfter: number | null;
}

/**
 * Makes an ali-oss client for the lease's bucket that has a usable lease for each single request,
 * so also for each part of an upload. When OSS refuses the key all the same, it is replaced and the
 * request is made once more. `signatureUrl` cannot wait: use `asyncSignatureUrl` or `signatureUrlV4`.
 *
 * @param OSS the class, of any version from 6.16 on
 * @param options more for ali-oss; they win over what the lease says of the bucket's place
 * @throws {LeaseError} there is no lease; requests throw it, too
 */
export function createOss<Client>(
  OSS: new (options: any) => Client,
  leases: Leases,
  options?: Record<string, unknown>,
): Promise<Client>;

/** All that are given must hold. An ETag goes back as it came, quotes included. */
export interface Conditions {
  ifMatch?: string | null;
  ifNoneMatch?: string | null;
  ifModifiedSince?: Date | string | null;
  ifUnmodifiedSince?: Date | string | null;
}

export type Got =
  /** What the bucket's CORS rule does not expose is null. */
  | { status: 200; content: any; etag: string | null; lastModified: string | null }
  /** Not modified, or the ETag is still the same: use what you have. */
  | { status: 304 }
  /** A condition does not hold: the object is not the one you mean. */
  | { status: 412 };

/** Reads an object on conditions: 304 and 412 are results, all else is an error of ali-oss. */
export function getIf(
  oss: object,
  name: string,
  conditions?: Conditions,
  options?: Record<string, unknown>,
): Promise<Got>;

export type Put =
  | { status: 200; etag: string | null }
  /** There is an object of this name already; it was not touched. */
  | { status: 409 };

/**
 * Creates an object and never overwrites one: 409 is a result, all else is an error of ali-oss.
 * OSS has no such promise for a bucket with versions, where a put adds a version.
 */
export function putNew(
  oss: object,
  name: string,
  data: Blob | File | Uint8Array,
  options?: Record<string, unknown>,
): Promise<Put>;
