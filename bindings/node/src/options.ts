// Options: the settings under their JavaScript names, handed to the library as its JSON.

import { plainObject } from "./octets.js";
import { badConfig, messageOf } from "./errors.js";

export type Algorithm =
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "EdDSA";

/** What is said of one allow-listed issuer. */
export interface IssuerOptions {
  /** Where its keys are fetched. Default: `{issuer}/oauth2/jwks`. */
  jwksUrl?: string | undefined;
  /** Its keys as a JWKS document; then nothing is fetched. */
  jwks?: string | object | undefined;
  /**
   * What its tokens must say of their `aud`. Default: "required". With "if_present" it may be absent, but
   * where there is one it must be accepted; with "not_checked" it may say anything.
   */
  audience?: "required" | "if_present" | "not_checked" | undefined;
  /** `aud` values to accept from it, in place of `audiences` and `acceptClientIdAudience`. */
  audiences?: readonly string[] | undefined;
  /** What kind of tokens it gives, told by `Claims.family`. Default: "connect". */
  family?: "connect" | "session" | undefined;
}

/** The settings of a verifier. Times are whole seconds. An unknown name is refused. */
export interface VerifierOptions {
  /** URL of the AuthKit domain, `https://your-project-12345.authkit.app`. Required, unless `issuers` or `sessionClientId` is. */
  authkitDomain?: string | undefined;
  /** Public URL of this server, without the MCP path. Required, unless `resource` or `audiences` is given. */
  baseUrl?: string | undefined;
  /** Where the MCP endpoint lies below `baseUrl`. Default: `/mcp`. */
  mcpPath?: string | undefined;
  /** The resource whole, in place of `baseUrl` and `mcpPath`. */
  resource?: string | undefined;
  /** The resource's name for people, announced in its metadata (RFC 9728). Default: none. */
  resourceName?: string | undefined;
  /** URL where developers read about the resource, announced in its metadata. Default: none. */
  resourceDocumentation?: string | undefined;
  /** `aud` values to accept, compared exactly. Default: the resource. */
  audiences?: readonly string[] | undefined;
  /**
   * Client ids to accept as `aud`: machine tokens, and clients that send no `resource`. Such a token must have
   * `client_id`, or be the machine's own (`sub` is that id). Default: none.
   */
  acceptClientIdAudience?: readonly string[] | undefined;
  /** Also accept an `aud` that differs by one final slash. Default: false. */
  ignoreTrailingSlash?: boolean | undefined;
  /** Scopes that every token must carry, all of them. Default: none. */
  requiredScopes?: readonly string[] | undefined;
  /** Scopes announced for clients to ask for; `offline_access` is left out. Default: `requiredScopes`. */
  scopesSupported?: readonly string[] | undefined;
  /** Claims that scopes are read from. Default: `scope`, else `scp`. */
  scopeClaims?: readonly string[] | undefined;
  /** From a scope to the scopes that it includes. Default: none. */
  scopeHierarchy?: Readonly<Record<string, readonly string[]>> | undefined;
  /** From issuer to its JWKS URL, to null (for `{issuer}/oauth2/jwks`), or to more. Default: `authkitDomain` alone. */
  issuers?: Readonly<Record<string, string | IssuerOptions | null>> | undefined;
  /**
   * Client id whose AuthKit session tokens are accepted too; adds their issuers and keys. If a session token has
   * `client_id` or `azp`, it must be this client. If it has `aud`, it must name an accepted audience or this
   * client. Default: none.
   */
  sessionClientId?: string | undefined;
  /** Signature algorithms to accept. Default: RS256. */
  algorithms?: readonly Algorithm[] | undefined;
  /** Clock skew allowed to `exp`, `nbf` and `iat`, in seconds, 0 to 300. Default: 60. */
  leeway?: number | undefined;
  /** Oldest `iat` to accept, in seconds before now. Default: unlimited. */
  maxTokenAge?: number | undefined;
  /** "any" (no typ, JWT or at+jwt) or "rfc9068" (at+jwt with client_id, iat and jti). Default: "any". */
  typ?: "any" | "rfc9068" | undefined;
  /** Unix time in seconds to judge tokens by, for tests. Default: the clock. */
  now?: number | undefined;
  /** The single issuer's keys as a JWKS document. Then nothing is fetched, and `issuers` must not give it keys too. */
  jwks?: string | object | undefined;
  /** Allow `http://` to this very machine, for tests. Default: false. */
  allowInsecureLoopback?: boolean | undefined;
  /**
   * Hosts for which `http://` is allowed, such as `host.docker.internal`. Anyone on the way can replace the
   * keys. Default: none.
   */
  allowInsecureHttp?: readonly string[] | undefined;
  /**
   * Path of a PEM file with certificate authorities to trust in addition to the system's. If the file cannot
   * be read or holds no certificate, making the verifier fails. Default: none.
   */
  caFile?: string | undefined;
  /**
   * As `caFile`, but an unusable file is skipped, with the event `warned`. Default: what `NODE_EXTRA_CA_CERTS`
   * names.
   */
  extraCaFile?: string | undefined;
  /** `http://host:port` to fetch keys through. Default: none. */
  proxy?: string | undefined;
  /** The limit for one fetch, and for all waiting of one call, in seconds, 1 to 30. Default: 5. */
  fetchTimeout?: number | undefined;
  /**
   * Who fetches keys: `"background"` (the call that lacks them; if no call should wait, a thread that ends with the
   * fetch), `"inline"` (always the call; only name look-ups have a thread) or `"manual"` (only `refresh()`).
   * Default: `"background"`.
   */
  refreshMode?: "background" | "inline" | "manual" | undefined;
  /**
   * Directory in which processes of one user on one machine share fetched keys; on a local disk,
   * writable by that user alone. Default: none.
   */
  jwksCacheDir?: string | undefined;
  /**
   * How many verified tokens are kept, so that they need not be verified again while the key set that signed
   * them is in force; 0 to 65536, 0 for none. Default: 1024.
   */
  tokenCacheSize?: number | undefined;
}

/**
 * The options as the library's JSON. What they mean, and whether a name exists, is for it to say;
 * an option that is undefined is one that is not given.
 */
export function optionsJson(options: VerifierOptions): string {
  // Written member by member: `requiredScopes` beside `required_scopes` must arrive as the
  // repetition that it is, and not as whichever came last.
  const members = Object.entries(plainObject(options, "the options"))
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const meant = name === "issuers" ? issuers(value) : value;
      return `${JSON.stringify(snakeCase(name))}:${json(name, meant)}`;
    });
  // Errors name the settings as they are spelled here.
  return `{${['"$spelling":"camelCase"', ...members].join(",")}}`;
}

/** `authkitDomain` as `authkit_domain`. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function issuers(value: unknown): unknown {
  if (!isObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([issuer, settings]) => [
      issuer,
      isObject(settings)
        ? Object.fromEntries(Object.entries(settings).map(([name, setting]) => [snakeCase(name), setting]))
        : settings,
    ]),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The JSON of one setting's value. */
export function json(name: string, value: unknown): string {
  // JSON.stringify drops what it cannot write, or writes null, and both mean "not set": a limit of
  // NaN seconds would become no limit.
  const refuse = (_key: string, inner: unknown): unknown => {
    if (
      typeof inner === "function" ||
      typeof inner === "symbol" ||
      (typeof inner === "number" && !Number.isFinite(inner))
    ) {
      throw new TypeError(`${String(inner)} cannot be a setting`);
    }
    return inner;
  };
  try {
    return JSON.stringify(value, refuse);
  } catch (cause) {
    throw badConfig(`${name}: ${messageOf(cause)}`);
  }
}
