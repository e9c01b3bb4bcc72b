// Claims: what an accepted token says, copied out of the library as plain data.

import { defect } from "./errors.js";
import type { Native, Pointer } from "./native.js";

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

/** Between the parts of a record (RFC 7464 section 2.2): no JSON text can hold it. */
const SEPARATOR = "\x1e";

/** A token's claims, and the number of the acceptance that they were made of; 0 where it is not kept. */
export interface Acceptance {
  readonly ticket: number;
  readonly claims: Claims;
}

/** Copies the claims out and frees the native ones. */
export function takeClaims(native: Native, claims: Pointer | null): Acceptance {
  if (claims === null) {
    throw defect("a token was accepted without claims");
  }
  try {
    return fromRecord(native.claimsRecord(claims, null) ?? "");
  } finally {
    native.claimsFree(claims);
  }
}

/** What a record says, as the library writes it. */
export function fromRecord(record: string): Acceptance {
  const [ticket, facts, header, payload, ...more] = record.split(SEPARATOR);
  if (ticket === undefined || facts === undefined || header === undefined || payload === undefined || more.length > 0) {
    throw defect("a token was accepted without a record");
  }
  return { ticket: Number(ticket), claims: claimsOf(facts, header, payload) };
}

/** What the library tells, under the names of the C ABI; what is null, false or an empty list is left out. */
interface Facts extends Pick<Claims, "issuer" | "subject" | "algorithm" | "kind" | "family"> {
  readonly client_id: string;
  readonly expires_at: number;
  readonly audience?: readonly string[];
  readonly resource?: string;
  readonly scopes?: readonly string[];
  readonly issued_at?: number;
  readonly not_before?: number;
  readonly key_id?: string;
  readonly org_id?: string;
  readonly session_id?: string;
  readonly role?: string;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
  readonly entitlements?: readonly string[];
  readonly feature_flags?: readonly string[];
  readonly actor?: string;
  readonly is_impersonated?: boolean;
  readonly is_machine?: boolean;
}

/** Parsed at once: own accessors that parse when they are asked cost more than the parsing. */
function claimsOf(factsJson: string, headerJson: string, payloadJson: string): Claims {
  const facts = JSON.parse(factsJson) as Facts;
  return Object.freeze({
    payload: object(payloadJson),
    header: object(headerJson),
    issuer: facts.issuer,
    subject: facts.subject,
    audience: list(facts.audience),
    resource: facts.resource,
    clientId: facts.client_id,
    orgId: facts.org_id,
    sessionId: facts.session_id,
    role: facts.role,
    roles: list(facts.roles),
    permissions: list(facts.permissions),
    entitlements: list(facts.entitlements),
    featureFlags: list(facts.feature_flags),
    actor: facts.actor,
    isImpersonated: facts.is_impersonated === true,
    kind: facts.kind,
    isMachine: facts.is_machine === true,
    family: facts.family,
    scopes: list(facts.scopes),
    expiresAt: facts.expires_at,
    issuedAt: facts.issued_at,
    notBefore: facts.not_before,
    keyId: facts.key_id,
    algorithm: facts.algorithm,
  });
}

const NONE: readonly string[] = Object.freeze([]);

function list(items: readonly string[] | undefined): readonly string[] {
  return items === undefined ? NONE : Object.freeze(items);
}

/**
 * JSON.parse makes every member, `__proto__` too, an own property and touches no prototype; the
 * library has refused repeated members, so that both read the same claims.
 */
function object(json: string): JsonObject {
  return freeze(JSON.parse(json) as JsonObject);
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
