// AuthInfo: an accepted token in the shape that the MCP SDKs hand to tools.

import type { Claims } from "./claims.js";
import { misuse } from "./errors.js";
import { kindOf } from "./octets.js";
import type { Verifier } from "./verifier.js";

/** What the MCP SDKs' transports read from `req.auth` and hand to tools as `authInfo`. */
export interface AuthInfo {
  /** The access token: not to be passed on to another service. */
  token: string;
  clientId: string;
  scopes: string[];
  /** In seconds since 1970. */
  expiresAt: number;
  /** The resource that the token is meant for, where that is a URL. */
  resource?: URL;
  /** Where clients find the protected resource metadata; SDK 2.x names it in its challenges. */
  resourceMetadataUrl?: string;
  extra: { claims: Claims };
}

/** Who accepted the token of each. */
const verifiers = new WeakMap<object, Verifier>();

export function authInfo(
  token: string,
  claims: Claims,
  verifier: Verifier,
  resourceMetadataUrl: string | undefined,
): AuthInfo {
  const info: AuthInfo = {
    token,
    clientId: claims.clientId,
    scopes: [...claims.scopes],
    expiresAt: claims.expiresAt,
    ...(claims.resource !== undefined && URL.canParse(claims.resource) && { resource: new URL(claims.resource) }),
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    extra: { claims },
  };
  verifiers.set(info, verifier);
  return info;
}

/**
 * For within a tool: the claims of who calls it, where the token holds and has these scopes, by the verifier's
 * hierarchy. The token is verified anew: in a long session it may have expired meanwhile.
 *
 * Rejects with {@link InsufficientScopeError} or another {@link AuthKitError}, which MCP servers hand to the client as
 * the tool's error; a challenge it is not, see `toolScopes` for that.
 *
 * @param info what the SDK gives the tool as `authInfo`.
 * @param verifier where `info` is a copy of what this package made.
 */
export async function checkScopes(
  info: { readonly token: string } | undefined,
  scopes: readonly string[],
  verifier?: Verifier,
): Promise<Claims> {
  if (typeof info !== "object" || info === null) {
    throw misuse(`the AuthInfo is ${kindOf(info)}: nobody has authorized this call`);
  }
  const judge = verifier ?? verifiers.get(info);
  if (judge === undefined) {
    throw misuse("the AuthInfo was not made by this package: give the verifier too");
  }
  return judge.verify(info.token, { requiredScopes: scopes });
}
