// Claims: what an accepted token says, copied out of the library as plain data.

import { OK, defect, takeError } from "./errors.js";
import { slotPointer, type Native, type Pointer, type PointerSlot } from "./native.js";

/** A JSON value, frozen. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object, frozen. Its members are the token's own; ask `Object.hasOwn` before trusting a name from outside. */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/**
 * Who an accepted token speaks for and what it allows. Frozen plain data: it can be logged, sent to
 * a worker (`structuredClone`) and kept after the verifier is closed.
 */
export interface Claims {
  /** Every claim as it was signed. A number beyond 2^53 loses digits, as everywhere in JavaScript. */
  readonly payload: JsonObject;
  /** The token's header. */
  readonly header: JsonObject;
  /** `iss`: one of the configured issuers. */
  readonly issuer: string;
  /** `sub`: the user, or for a machine's token the client. Unique within the issuer only. */
  readonly subject: string;
  /** `aud`, always as a list. */
  readonly audience: readonly string[];
  /** The configured audience that `aud` matched; undefined where the issuer's audience is not checked. */
  readonly resource: string | undefined;
  /** The client that the token was issued to: `client_id`, else `azp`, else `sub`. */
  readonly clientId: string;
  /** `org_id`: the organization that the user signed in to. */
  readonly orgId: string | undefined;
  /** `sid`: the session that the token belongs to; a machine's has none. */
  readonly sessionId: string | undefined;
  /** `role`: the user's role in the organization. */
  readonly role: string | undefined;
  /** `roles`. A claim that is no list of strings gives nobody a role; likewise for the three below. */
  readonly roles: readonly string[];
  /** `permissions`; to demand some as scopes, see `scopeClaims`. */
  readonly permissions: readonly string[];
  /** `entitlements`: what the organization has bought. */
  readonly entitlements: readonly string[];
  /** `feature_flags`: the flags that are on for the user. */
  readonly featureFlags: readonly string[];
  /** `act.sub`: who acts in the user's place (RFC 8693), as in an impersonation. */
  readonly actor: string | undefined;
  /** Whether somebody else acts in the user's place, also where the token does not say who. */
  readonly isImpersonated: boolean;
  /**
   * Who the token speaks for, where that is certain. "user": `sub` begins with `user_` and is not the
   * client. "machine": `sub` is the client (`client_id`, else `azp`; where the token has neither, `sub`
   * begins with `client_`), does not begin with `user_`, and there is neither `sid` nor `act`.
   */
  readonly kind: "user" | "machine" | "unknown";
  /** Whether the token is certainly a machine's own: `kind` is "machine". */
  readonly isMachine: boolean;
  /** Which family the token is of: by the configured issuer that vouched for it, not by its claims. */
  readonly family: "connect" | "session";
  /** The token's scopes, in its order. */
  readonly scopes: readonly string[];
  /** `exp`, in seconds since 1970. */
  readonly expiresAt: number;
  /** `iat`, in seconds since 1970. */
  readonly issuedAt: number | undefined;
  /** `nbf`, in seconds since 1970. */
  readonly notBefore: number | undefined;
  /** `kid`: the key that signed. */
  readonly keyId: string | undefined;
  /** `alg`: how it signed. */
  readonly algorithm: string;
}

/** The claims that a call made, or its error thrown. */
export function verdict(native: Native, status: number, claims: PointerSlot, error: PointerSlot): Claims {
  if (status !== OK) {
    throw takeError(native, status, error);
  }
  return takeClaims(native, slotPointer(claims));
}

/** Copies the claims out and frees the native ones. */
export function takeClaims(native: Native, claims: Pointer | null): Claims {
  if (claims === null) {
    throw defect("a token was accepted without claims");
  }
  try {
    return Object.freeze({
      payload: object(native.claimsJson(claims, null)),
      header: object(native.claimsHeaderJson(claims, null)),
      issuer: present(native.claimsIssuer(claims)),
      subject: present(native.claimsSubject(claims)),
      audience: list(claims, native.claimsAudienceCount(claims), native.claimsAudienceAt),
      resource: native.claimsResource(claims) ?? undefined,
      clientId: present(native.claimsClientId(claims)),
      ...identity(native.claimsIdentityJson(claims, null)),
      scopes: list(claims, native.claimsScopeCount(claims), native.claimsScopeAt),
      expiresAt: present(time(claims, native.claimsExpiresAt)),
      issuedAt: time(claims, native.claimsIssuedAt),
      notBefore: time(claims, native.claimsNotBefore),
      keyId: native.claimsKeyId(claims) ?? undefined,
      algorithm: present(native.claimsAlgorithm(claims)),
    });
  } finally {
    native.claimsFree(claims);
  }
}

/** What the library tells of the caller, in its JSON: null for what the token does not say. */
interface Identity extends Pick<Claims, "role" | "roles" | "permissions" | "entitlements" | "kind" | "family"> {
  readonly org_id: string | null;
  readonly session_id: string | null;
  readonly actor: string | null;
  readonly feature_flags: readonly string[];
  readonly is_impersonated: boolean;
  readonly is_machine: boolean;
}

function identity(json: string | null) {
  const told = object(json) as unknown as Identity;
  return {
    orgId: told.org_id ?? undefined,
    sessionId: told.session_id ?? undefined,
    role: told.role ?? undefined,
    roles: told.roles,
    permissions: told.permissions,
    entitlements: told.entitlements,
    featureFlags: told.feature_flags,
    actor: told.actor ?? undefined,
    isImpersonated: told.is_impersonated,
    kind: told.kind,
    isMachine: told.is_machine,
    family: told.family,
  };
}

const timeSlot = new BigInt64Array(new ArrayBuffer(8));

function time(claims: Pointer, read: (claims: Pointer, out: BigInt64Array) => number): number | undefined {
  return read(claims, timeSlot) === OK ? Number(timeSlot[0]) : undefined;
}

function list(
  claims: Pointer,
  count: number,
  at: (claims: Pointer, index: number) => string | null,
): readonly string[] {
  const items: string[] = [];
  for (let index = 0; index < count; index++) {
    items.push(present(at(claims, index)));
  }
  return Object.freeze(items);
}

/**
 * JSON.parse makes every member, `__proto__` too, an own property and touches no prototype; the
 * library has refused repeated members, so that both read the same claims.
 */
function object(json: string | null): JsonObject {
  return freeze(JSON.parse(present(json)) as JsonObject);
}

/** No deeper than the library reads, which is 16. */
function freeze<T extends Json | undefined>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) {
      freeze(inner);
    }
    Object.freeze(value);
  }
  return value;
}

function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) {
    throw defect("a claim that every accepted token has cannot be read");
  }
  return value;
}
