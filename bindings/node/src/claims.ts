// Claims: what an accepted token says, copied out of the library, and read when it is asked for.

import { inspect, type InspectOptions } from "node:util";

import { defect } from "./errors.js";

/** A JSON value, frozen. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object, frozen. Its members are the token's own; ask `Object.hasOwn` before trusting a name from outside. */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** What an accepted token says, as plain data, frozen throughout: it can be sent to a worker, spread and compared. */
export interface ClaimsData {
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
  /** `act.sub`: who acts for the subject now (RFC 8693), the first of `actors`. */
  readonly actor: string | undefined;
  /**
   * The chain of actors, outermost first, eight at most. The first acts now. The others acted before it and are only
   * for the record. An actor without a `sub` that is a string ends the list.
   */
  readonly actors: readonly string[];
  /**
   * Whether a person acts as the user: a session token has an `act`, even one that names nobody. False if a
   * `sub_profile` says that the actor is an agent. Any other `act` is a delegation.
   */
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

/**
 * Who an accepted token speaks for and what it allows. Read-only, and good after the verifier is closed.
 *
 * Each member is parsed when it is first asked for, since most requests ask for few. So these are accessors: printing,
 * `JSON.stringify` and `deepEqual` find them, `{ ...claims }` does not, and `structuredClone` throws. What is to be
 * spread or sent to a worker is {@link toJSON}'s.
 */
export interface Claims extends ClaimsData {
  /** The same as plain data. */
  toJSON(): ClaimsData;
}

/** Between the parts of a record (RFC 7464 section 2.2): no JSON text can hold it. */
const SEPARATOR = "\x1e";

/** A token's claims, and the number of the acceptance that they were made of; 0 where it is not kept. */
export interface Acceptance {
  readonly ticket: number;
  readonly claims: Claims;
}

/** What a record says, as the library writes it; nothing of it is read yet. */
export function fromRecord(record: string): Acceptance {
  const end = record.indexOf(SEPARATOR);
  if (end <= 0) {
    throw defect("a token was accepted without a record");
  }
  return { ticket: Number(record.slice(0, end)), claims: new RecordedClaims(record.slice(end + 1)) };
}

/** What is known of every token, in the record's places. */
type Facts = readonly [
  issuer: string,
  subject: string,
  clientId: string,
  scopes: readonly string[],
  expiresAt: number,
  audience: readonly string[],
  resource: string | null,
  issuedAt: number | null,
  notBefore: number | null,
  keyId: string | null,
  algorithm: string,
  kind: Claims["kind"],
  family: Claims["family"],
];

/** What AuthKit says of the caller, under the names of the C ABI; what is null, false or an empty list is left out. */
interface Identity {
  readonly org_id?: string;
  readonly session_id?: string;
  readonly role?: string;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
  readonly entitlements?: readonly string[];
  readonly feature_flags?: readonly string[];
  readonly actor?: string;
  readonly actors?: readonly string[];
  readonly is_impersonated?: boolean;
  readonly is_machine?: boolean;
}

const NONE: readonly string[] = Object.freeze([]);

const RECORD = Symbol("record");

/** Claims over a record, without its ticket; each part is parsed once. */
class RecordedClaims implements Claims {
  /** For who compares two: a member that both have, and that says all. */
  readonly [RECORD]: string;
  /** A member of its own, so that a structured clone, which would lose everything else, throws. */
  readonly toJSON = plain;

  #facts: Facts | undefined;
  #identity: Identity | undefined;
  #header: JsonObject | undefined;
  #payload: JsonObject | undefined;

  constructor(record: string) {
    this[RECORD] = record;
    Object.freeze(this);
  }

  get payload(): JsonObject {
    return (this.#payload ??= parsed(this.#part(3)));
  }

  get header(): JsonObject {
    return (this.#header ??= parsed(this.#part(2)));
  }

  get issuer(): string {
    return this.#known[0];
  }

  get subject(): string {
    return this.#known[1];
  }

  get clientId(): string {
    return this.#known[2];
  }

  get scopes(): readonly string[] {
    return this.#known[3];
  }

  get expiresAt(): number {
    return this.#known[4];
  }

  get audience(): readonly string[] {
    return this.#known[5];
  }

  get resource(): string | undefined {
    return this.#known[6] ?? undefined;
  }

  get issuedAt(): number | undefined {
    return this.#known[7] ?? undefined;
  }

  get notBefore(): number | undefined {
    return this.#known[8] ?? undefined;
  }

  get keyId(): string | undefined {
    return this.#known[9] ?? undefined;
  }

  get algorithm(): string {
    return this.#known[10];
  }

  get kind(): Claims["kind"] {
    return this.#known[11];
  }

  get family(): Claims["family"] {
    return this.#known[12];
  }

  get orgId(): string | undefined {
    return this.#caller.org_id;
  }

  get sessionId(): string | undefined {
    return this.#caller.session_id;
  }

  get role(): string | undefined {
    return this.#caller.role;
  }

  get roles(): readonly string[] {
    return this.#caller.roles ?? NONE;
  }

  get permissions(): readonly string[] {
    return this.#caller.permissions ?? NONE;
  }

  get entitlements(): readonly string[] {
    return this.#caller.entitlements ?? NONE;
  }

  get featureFlags(): readonly string[] {
    return this.#caller.feature_flags ?? NONE;
  }

  get actor(): string | undefined {
    return this.#caller.actor;
  }

  get actors(): readonly string[] {
    return this.#caller.actors ?? NONE;
  }

  get isImpersonated(): boolean {
    return this.#caller.is_impersonated === true;
  }

  get isMachine(): boolean {
    return this.#caller.is_machine === true;
  }

  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspect(this.toJSON(), { ...options, depth });
  }

  get #known(): Facts {
    return (this.#facts ??= parsed(this.#part(0)));
  }

  get #caller(): Identity {
    return (this.#identity ??= parsed(this.#part(1)));
  }

  #part(number: 0 | 1 | 2 | 3): string {
    const part = this[RECORD].split(SEPARATOR)[number];
    if (part === undefined) {
      throw defect("a token's record lacks a part");
    }
    return part;
  }
}

function plain(this: Claims): ClaimsData {
  return Object.freeze({
    payload: this.payload,
    header: this.header,
    issuer: this.issuer,
    subject: this.subject,
    audience: this.audience,
    resource: this.resource,
    clientId: this.clientId,
    orgId: this.orgId,
    sessionId: this.sessionId,
    role: this.role,
    roles: this.roles,
    permissions: this.permissions,
    entitlements: this.entitlements,
    featureFlags: this.featureFlags,
    actor: this.actor,
    actors: this.actors,
    isImpersonated: this.isImpersonated,
    kind: this.kind,
    isMachine: this.isMachine,
    family: this.family,
    scopes: this.scopes,
    expiresAt: this.expiresAt,
    issuedAt: this.issuedAt,
    notBefore: this.notBefore,
    keyId: this.keyId,
    algorithm: this.algorithm,
  });
}

/**
 * JSON.parse makes every member, `__proto__` too, an own property and touches no prototype; the
 * library has refused repeated members, so that both read the same claims.
 */
function parsed<T extends Json | Facts | Identity>(json: string): T {
  return frozen(JSON.parse(json) as T);
}

/** No deeper than the library reads, which is 16. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) {
      frozen(inner);
    }
    Object.freeze(value);
  }
  return value;
}
