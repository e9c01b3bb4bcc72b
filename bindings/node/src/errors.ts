// Errors: why a call failed, with what a server answers and what a person can do about it.

import { slotPointer, type Native, type PointerSlot } from "./native.js";

/** The stable names of failures; more may be added. */
export type ErrorCode =
  | "MISUSE"
  | "CONFIG"
  | "NO_CREDENTIALS"
  | "INVALID_REQUEST"
  | "MALFORMED"
  | "TOO_LARGE"
  | "ALGORITHM"
  | "CRITICAL_HEADER"
  | "TYPE"
  | "UNKNOWN_KEY"
  | "SIGNATURE"
  | "EXPIRED"
  | "NOT_YET_VALID"
  | "CLAIM"
  | "ISSUER"
  | "AUDIENCE"
  | "SCOPE"
  | "KEYS_UNAVAILABLE"
  | "KEY_UNCONFIRMED"
  | "WOULD_BLOCK"
  | "FETCH_NEEDED"
  | "INTERNAL"
  | (string & {});

/** What an error says; the properties of {@link AuthKitError}. */
export interface ErrorDetails {
  readonly code: ErrorCode;
  readonly status: number;
  readonly httpStatus: number;
  readonly error?: string | undefined;
  readonly reason: string;
  readonly hint?: string | undefined;
  readonly retryAfter?: number | undefined;
}

/** Any failure of this package. Its message is the reason and the hint; neither ever holds the token. */
export class AuthKitError extends Error implements ErrorDetails {
  /** Stable name of the failure, such as "EXPIRED". */
  readonly code: ErrorCode;
  /** The failure as the C ABI's number. */
  readonly status: number;
  /** The HTTP status to answer with: 400, 401, 403, 429, 500 or 503. */
  readonly httpStatus: number;
  /** `error` of a WWW-Authenticate challenge (RFC 6750 section 3.1); undefined where none is due. */
  readonly error: string | undefined;
  /** What was wrong, in one sentence that is safe to log. */
  readonly reason: string;
  /** What to change, where the cause is a known slip. */
  readonly hint: string | undefined;
  /** Seconds until another try can succeed, for a Retry-After header. */
  readonly retryAfter: number | undefined;

  constructor(details: ErrorDetails) {
    super(details.hint === undefined ? details.reason : `${details.reason} (${details.hint})`);
    this.code = details.code;
    this.status = details.status;
    this.httpStatus = details.httpStatus;
    this.error = details.error;
    this.reason = details.reason;
    this.hint = details.hint;
    this.retryAfter = details.retryAfter;
  }

  static {
    named(this, "AuthKitError");
  }
}

/** A setting is missing or wrong, or the native library is: the server cannot start. */
export class ConfigError extends AuthKitError {
  static {
    named(this, "ConfigError");
  }
}

/** The token is not acceptable: answer 401. */
export class TokenError extends AuthKitError {
  static {
    named(this, "TokenError");
  }
}

/** The request brings no bearer token: answer 401, with a challenge that names no error. */
export class NoCredentialsError extends AuthKitError {
  static {
    named(this, "NoCredentialsError");
  }
}

/** The request carries its token twice, in the query, or misspelt: answer 400. */
export class InvalidRequestError extends AuthKitError {
  static {
    named(this, "InvalidRequestError");
  }
}

/** The token is good but lacks a scope: answer 403. */
export class InsufficientScopeError extends AuthKitError {
  static {
    named(this, "InsufficientScopeError");
  }
}

/** The issuer's keys could not be had: answer 503 with Retry-After. Says nothing about the token. */
export class KeysUnavailableError extends AuthKitError {
  static {
    named(this, "KeysUnavailableError");
  }
}

/**
 * The token names an unknown key, and the issuer could not be asked about it: answer 429 with Retry-After. The
 * token may be good: the client keeps it and tries again.
 */
export class KeyUnconfirmedError extends AuthKitError {
  static {
    named(this, "KeyUnconfirmedError");
  }
}

/**
 * The answer needs the network and `tryVerify()` does not wait. With the code WOULD_BLOCK a fetch is under way;
 * with FETCH_NEEDED (`refreshMode: "inline"`) no fetch is under way, and only a call that may wait starts one.
 */
export class WouldBlockError extends AuthKitError {
  static {
    named(this, "WouldBlockError");
  }
}

/** The caller broke this package's contract: a closed verifier, an argument of the wrong type. */
export class MisuseError extends AuthKitError {
  static {
    named(this, "MisuseError");
  }
}

/** A defect in the library. The token was not accepted. */
export class InternalError extends AuthKitError {
  static {
    named(this, "InternalError");
  }
}

function named(type: { prototype: object }, name: string): void {
  // On the prototype, as the built-in errors have it, so that it is no property of each error.
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}

export const OK = 0;
export const WOULD_BLOCK = 6;
/** A detail of WOULD_BLOCK. */
export const FETCH_NEEDED = (1 << 8) | WOULD_BLOCK;
const MISUSE = 1;
const CONFIG = 2;
const KEYS_UNAVAILABLE = 5;
export const INTERNAL = 8;

/** By authkit_class. A class that a later library adds is a refusal like a defect. */
const CLASSES: ReadonlyMap<number, new (details: ErrorDetails) => AuthKitError> = new Map([
  [MISUSE, MisuseError],
  [CONFIG, ConfigError],
  [3, TokenError],
  [4, InsufficientScopeError],
  [KEYS_UNAVAILABLE, KeysUnavailableError],
  [WOULD_BLOCK, WouldBlockError],
  [9, NoCredentialsError],
  [10, InvalidRequestError],
  [11, KeyUnconfirmedError],
]);

/** What a status number means: a function of the number, so asked once. */
interface Meaning {
  readonly type: new (details: ErrorDetails) => AuthKitError;
  readonly code: string;
  readonly httpStatus: number;
  readonly error: string | undefined;
}

const meanings = new Map<number, Meaning>();

function meaning(native: Native, status: number): Meaning {
  let known = meanings.get(status);
  if (known === undefined) {
    known = {
      type: CLASSES.get(native.statusClass(status)) ?? InternalError,
      code: native.statusName(status),
      httpStatus: native.statusHttpStatus(status),
      error: native.statusOauthError(status) ?? undefined,
    };
    meanings.set(status, known);
  }
  return known;
}

/** Makes the error of a failed call and frees its native original. */
export function takeError(native: Native, status: number, slot: PointerSlot): AuthKitError {
  const { type, code, httpStatus, error } = meaning(native, status);
  const original = slotPointer(slot);
  if (original === null) {
    return new type({ code, status, httpStatus, error, reason: "the library gave no reason" });
  }
  try {
    const retryAfter = Number(native.errorRetryAfter(original));
    return new type({
      code,
      status,
      httpStatus,
      error,
      reason: native.errorReason(original) ?? "the library gave no reason",
      hint: native.errorHint(original) ?? undefined,
      retryAfter: retryAfter < 0 ? undefined : retryAfter,
    });
  } finally {
    native.errorFree(original);
  }
}

/** Makes the error of a refusal that the library has written. */
export function toldError(native: Native, status: number, refusal: Refusal): AuthKitError {
  const { type, code, httpStatus, error } = meaning(native, status);
  const { reason, hint, retry_after } = refusal;
  return new type({
    code,
    status,
    httpStatus,
    error,
    reason: reason ?? "the library gave no reason",
    hint: hint ?? undefined,
    retryAfter: retry_after ?? undefined,
  });
}

/** A refusal as the library writes it; nothing where it has written none. */
export interface Refusal {
  readonly reason?: string;
  readonly hint?: string | null;
  readonly retry_after?: number | null;
}

/** Frees an error that nobody asks. */
export function dropError(native: Native, slot: PointerSlot): void {
  const original = slotPointer(slot);
  if (original !== null) {
    native.errorFree(original);
  }
}

export function misuse(reason: string): MisuseError {
  return new MisuseError({ code: "MISUSE", status: MISUSE, httpStatus: 500, reason });
}

export function badConfig(reason: string, hint?: string): ConfigError {
  return new ConfigError({ code: "CONFIG", status: CONFIG, httpStatus: 500, reason, hint });
}

/** The error of a call that has waited long enough, made from the library's last answer. */
export function tooLate({ retry_after }: Refusal): AuthKitError {
  if (typeof retry_after === "number") {
    const [code, status, httpStatus] = ["KEY_UNCONFIRMED", 11, 429] as const;
    const reason = "the token names an unknown key, and the issuer did not answer in time";
    return new KeyUnconfirmedError({ code, status, httpStatus, reason, retryAfter: retry_after });
  }
  const [code, status, httpStatus] = ["KEYS_UNAVAILABLE", KEYS_UNAVAILABLE, 503] as const;
  const reason = "the issuer's keys did not come within fetchTimeout";
  return new KeysUnavailableError({ code, status, httpStatus, reason, retryAfter: 1 });
}

export function defect(reason: string): InternalError {
  return new InternalError({ code: "INTERNAL", status: INTERNAL, httpStatus: 500, reason });
}

/** What a thing that was thrown says. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
