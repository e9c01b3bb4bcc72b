// `authkit-verifier/fetch`: for hosts that speak Request and Response, such as Hono and Next route handlers. On Node:
// an edge runtime loads no native library.

import type { AuthInfo } from "./auth-info.js";
import type { Claims } from "./claims.js";
import { misuse } from "./errors.js";
import {
  Grant,
  Guard,
  grants,
  routerVerifier,
  wellKnownDocument,
  type AuthKitOptions,
  type Credentials,
  type RouterOptions,
} from "./guard.js";
import type { Response as Answer } from "./response.js";
import { checkEncoding, tooLarge } from "./tools.js";
import type { Verifier } from "./verifier.js";

export type { AuthInfo } from "./auth-info.js";
export type { Claims } from "./claims.js";
export type { AuthKitOptions, RouterOptions } from "./guard.js";

/** A request that may go on. */
export type AuthorizedRequest<R extends Request = Request> = R & {
  /** Who calls. */
  readonly authkit: Claims;
  /** For the MCP SDKs: `handler.fetch(request, { authInfo: request.auth })`. */
  readonly auth: AuthInfo;
};

/** What a guard stands before; a host may give more arguments, as Next does. */
export type Handler<R extends Request, Rest extends unknown[]> = (
  request: AuthorizedRequest<R>,
  ...rest: Rest
) => Response | Promise<Response>;

/** What of Hono's context is used. */
export interface HonoContext {
  readonly req: { readonly raw: Request; text(): Promise<string> };
  readonly res: { readonly headers: Headers };
  set(name: string, value: unknown): void;
}

/** Middleware for Hono; sets the variables `authkit`, the claims, and `auth`, the AuthInfo. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | void>;

/** Gives whatever the handler could take for the body. */
type Bodies = () => Promise<readonly unknown[]>;

/**
 * Judges requests one by one: the claims of one that may go on, or the response to send. Sets `authkit` and `auth` on
 * a request that may go on.
 */
export function requireAuthKit(
  options: AuthKitOptions<Request> = {},
): (request: Request) => Promise<Claims | Response> {
  const guard = new Guard(options);
  return async (request) => {
    const outcome = await admit(guard, request, () => bodiesOf(request, guard.bodyLimit));
    return outcome instanceof Grant ? outcome.claims : responseOf(outcome);
  };
}

/**
 * Puts a guard before a handler, and serves the well-known documents where the handler gets requests for them. The
 * handler finds the claims in `request.authkit` and the MCP SDKs' AuthInfo in `request.auth`. Without a handler it is
 * middleware for Hono.
 *
 * ```ts
 * export const POST = withAuthKit((request) => Response.json(request.authkit.subject));   // a Next route
 * app.use("/mcp", withAuthKit({ requiredScopes: ["mcp:read"] }));                         // Hono
 * ```
 */
export function withAuthKit<R extends Request, Rest extends unknown[]>(
  handler: Handler<R, Rest>,
  options?: AuthKitOptions<Request>,
): (request: R, ...rest: Rest) => Promise<Response>;
export function withAuthKit(options?: AuthKitOptions<Request>): HonoMiddleware;
export function withAuthKit(
  first: Handler<Request, unknown[]> | AuthKitOptions<Request> = {},
  options: AuthKitOptions<Request> = {},
): ((request: Request, ...rest: unknown[]) => Promise<Response>) | HonoMiddleware {
  return typeof first === "function" ? guarded(new Guard(options), first) : honoMiddleware(new Guard(first));
}

/** One of the well-known documents, which clients read before they have a token; undefined for any other path. */
export async function wellKnown(request: Request, options: RouterOptions = {}): Promise<Response | undefined> {
  const document = await documentFor(routerVerifier(options), request);
  return document === null ? undefined : responseOf(document);
}

function guarded(guard: Guard<Request>, handler: Handler<Request, unknown[]>) {
  return async (request: Request, ...rest: unknown[]): Promise<Response> => {
    const early = await answerWithoutToken(guard, request);
    if (early !== undefined) {
      return early;
    }
    const outcome = await admit(guard, request, () => bodiesOf(request, guard.bodyLimit));
    const response =
      outcome instanceof Grant ? await handler(request as AuthorizedRequest, ...rest) : responseOf(outcome);
    return withHeaders(response, guard.cors.headers(headerOf(request)));
  };
}

function honoMiddleware(guard: Guard<Request>): HonoMiddleware {
  return async (context, next) => {
    const { raw } = context.req;
    const early = await answerWithoutToken(guard, raw);
    if (early !== undefined) {
      return early;
    }
    const cors = guard.cors.headers(headerOf(raw));
    // What an earlier middleware has read, Hono keeps.
    const bodies: Bodies = async () => (raw.bodyUsed ? [await context.req.text()] : bodiesOf(raw, guard.bodyLimit));
    const outcome = await admit(guard, raw, bodies);
    if (!(outcome instanceof Grant)) {
      return withHeaders(responseOf(outcome), cors);
    }
    context.set("authkit", outcome.claims);
    context.set("auth", outcome.auth);
    for (const [name, value] of Object.entries(cors)) {
      context.res.headers.append(name, value);
    }
    return next();
  };
}

/** The answer to what needs no token: the well-known documents, and preflights where CORS is ours. */
async function answerWithoutToken(guard: Guard<Request>, request: Request): Promise<Response | undefined> {
  const document = await documentFor(guard.verifier, request);
  if (document !== null) {
    return responseOf(document);
  }
  const preflight = guard.cors.preflight(request.method, headerOf(request));
  return preflight === undefined ? undefined : new Response(null, { status: 204, headers: preflight });
}

async function admit(guard: Guard<Request>, request: Request, bodies: Bodies): Promise<Grant | Answer> {
  const outcome = await guard.admit(credentialsOf(request), request, bodies);
  if (outcome instanceof Grant) {
    Object.assign(request, { authkit: outcome.claims, auth: outcome.auth });
    grants.set(request, outcome);
  }
  return outcome;
}

function documentFor(verifier: Verifier, request: Request): Promise<Answer | null> {
  return wellKnownDocument(verifier, request.method, new URL(request.url).pathname);
}

/** Headers has joined several lines already. */
function credentialsOf(request: Request): Credentials {
  return { authorization: request.headers.get("authorization") ?? undefined, query: new URL(request.url).search };
}

function headerOf(request: Request): (name: string) => string | undefined {
  return (name) => request.headers.get(name) ?? undefined;
}

function responseOf({ status, headers, body }: Answer): Response {
  return new Response(body === "" ? null : body, { status, headers });
}

/** The response with more headers; another one, since a response that was fetched cannot be changed. */
function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  if (Object.keys(headers).length === 0) {
    return response;
  }
  const changed = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) {
    changed.headers.append(name, value);
  }
  return changed;
}

/** The body, read from a copy: the handler reads the original. */
async function bodiesOf(request: Request, limit: number): Promise<readonly unknown[]> {
  if (request.body === null) {
    return [];
  }
  if (request.bodyUsed) {
    throw misuse("the body was read before toolScopes could see it");
  }
  checkEncoding(request.headers.get("content-type"), request.headers.get("content-encoding"));
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.clone().body ?? []) {
    length += chunk.length;
    if (length > limit) {
      throw tooLarge(limit);
    }
    chunks.push(chunk);
  }
  return [Buffer.concat(chunks)];
}
