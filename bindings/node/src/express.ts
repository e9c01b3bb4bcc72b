// `authkit-verifier/express`: middleware for Express 4 and 5, for Connect and its like, and for node:http by itself.

import type { IncomingMessage, ServerResponse } from "node:http";

import type { AuthInfo } from "./auth-info.js";
import type { Claims } from "./claims.js";
import {
  Grant,
  Guard,
  checkedScopes,
  grants,
  refusalOf,
  routerVerifier,
  wellKnownDocument,
  type AuthKitOptions,
  type RouterOptions,
} from "./guard.js";
import { addHeaders, bodiesOf, credentialsOf, headerOf, pathOf, send, type HostRequest } from "./incoming.js";

export type { AuthInfo } from "./auth-info.js";
export type { Claims } from "./claims.js";
export type { AuthKitOptions, RouterOptions } from "./guard.js";

declare global {
  namespace Express {
    interface Request {
      /** Who calls: set by `requireAuthKit`, and only by it. */
      authkit?: Claims;
    }
  }
}

/** A request that {@link requireAuthKit} let go on. */
export interface AuthorizedRequest extends IncomingMessage {
  authkit: Claims;
  /** For the MCP SDK's transports. */
  auth: AuthInfo;
}

/** What follows; called without an argument, and only where the request may go on. */
export type Next = () => unknown;

export type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => Promise<void>;

/**
 * Lets requests go on that carry a good token, and answers all others: 401, 403, 400 or 503, as the library words it.
 * Sets `request.authkit`, the claims, and `request.auth` for the MCP SDKs' transports.
 *
 * Who calls it without a framework gives what follows as `next`: it is called only where the request may go on.
 *
 * @throws {ConfigError} where the environment holds no configuration, or half of one; {@link MisuseError} for an option
 *   that does not exist or cannot be.
 */
export function requireAuthKit(options: AuthKitOptions<IncomingMessage> = {}): Middleware {
  const guard = new Guard(options);
  return async (request, response, next) => {
    if (await admit(guard, request, response)) {
      await next();
    }
  };
}

/**
 * Lets requests go on that {@link requireAuthKit} let go on and whose token has these scopes too; answers all others
 * with 403 and a challenge that names all scopes that are needed.
 */
export function requireScopes(...scopes: string[]): Middleware {
  const needed = checkedScopes(scopes);
  return async (request, response, next) => {
    const refusal = await refusalOf(request, needed);
    await (refusal === undefined ? next() : send(response, refusal));
  };
}

/**
 * Serves what clients read before they have a token: protected resource metadata (RFC 9728) at the resource's path and
 * at the root, and the authorization server's metadata (RFC 8414). Belongs at the application's root, before
 * {@link requireAuthKit}.
 */
export function authkitRouter(options: RouterOptions = {}): Middleware {
  const verifier = routerVerifier(options);
  return async (request, response, next) => {
    const document = await wellKnownDocument(verifier, request.method ?? "GET", pathOf(request));
    await (document === null ? next() : send(response, document));
  };
}

/** Whether the request may go on; where it may not, it has been answered. */
async function admit(guard: Guard<IncomingMessage>, request: HostRequest, response: ServerResponse): Promise<boolean> {
  const preflight = guard.cors.preflight(request.method ?? "GET", headerOf(request));
  if (preflight !== undefined) {
    send(response, { status: 204, headers: preflight, body: "" });
    return false;
  }
  addHeaders(response, guard.cors.headers(headerOf(request)));
  const bodies = (): Promise<readonly unknown[]> => bodiesOf(request, request.body, guard.bodyLimit);
  const outcome = await guard.admit(credentialsOf(request), request, bodies);
  if (!(outcome instanceof Grant)) {
    send(response, outcome);
    return false;
  }
  request.authkit = outcome.claims;
  request.auth = outcome.auth;
  grants.set(request, outcome);
  return true;
}
