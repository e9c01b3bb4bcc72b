// `authkit-verifier/fastify`: plugins for Fastify 4 and 5.

import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  preHandlerAsyncHookHandler,
} from "fastify";

import type { AuthInfo } from "./auth-info.js";
import type { Claims } from "./claims.js";
import { defect } from "./errors.js";
import {
  Grant,
  Guard,
  checkedScopes,
  fault,
  grants,
  refusalOf,
  routerVerifier,
  wellKnownDocument,
  type AuthKitOptions,
  type RouterOptions,
} from "./guard.js";
import { addHeaders, bodiesOf, credentialsOf, headerOf, pathOf, type HostRequest } from "./incoming.js";
import { toConsole, type WriteLine } from "./log.js";
import type { Response } from "./response.js";
import type { Verifier } from "./verifier.js";

export type { AuthInfo } from "./auth-info.js";
export type { Claims } from "./claims.js";
export type { AuthKitOptions, RouterOptions } from "./guard.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who calls; null where the plugin `authkit` does not guard. */
    authkit: Claims | null;
    /** For the MCP SDKs; on `request.raw` too, where their transports look. */
    auth: AuthInfo | null;
  }
}

/**
 * Guards the instance that it is registered with, all of its routes: answers requests without a good token, and sets
 * `request.authkit`, the claims, and `request.auth` for the others. Also serves the well-known documents, where the
 * instance is the root.
 */
export const authkit: FastifyPluginAsync<AuthKitOptions<FastifyRequest>> = async (app, options) => {
  const guard = new Guard(ownOptions(options), hostLog(app));
  for (const name of ["authkit", "auth"].filter((name) => !app.hasRequestDecorator(name))) {
    app.decorateRequest(name, null);
  }
  serveDocuments(app, guard.verifier);
  app.addHook("onRequest", async (request, reply) => {
    const { raw } = request;
    const preflight = guard.cors.preflight(request.method, headerOf(raw));
    if (preflight !== undefined) {
      return send(reply, { status: 204, headers: preflight, body: "" });
    }
    // On the raw response: a transport that takes it over sends its headers too.
    addHeaders(reply.raw, guard.cors.headers(headerOf(raw)));
    const outcome = await guard.authorize(credentialsOf(raw), request);
    if (!(outcome instanceof Grant)) {
      return send(reply, outcome);
    }
    request.authkit = outcome.claims;
    request.auth = outcome.auth;
    (raw as HostRequest).auth = outcome.auth;
    grants.set(raw, outcome);
    return undefined;
  });
  // The first hook that has the body, and before anything of the host's looks at it.
  app.addHook("preValidation", async (request, reply) => {
    const grant = grants.get(request.raw);
    const bodies = (): Promise<readonly unknown[]> => bodiesOf(request.raw, request.body, guard.bodyLimit);
    const refusal =
      grant === undefined
        ? fault(defect("a request went past its guard"))
        : await guard.refusalOfTools(grant, request, bodies);
    return refusal && send(reply, refusal);
  });
};

/**
 * Serves protected resource metadata (RFC 9728) at the resource's path and at the root, and the authorization server's
 * metadata (RFC 8414). Belongs to the root instance; not needed where {@link authkit} is registered there.
 */
export const authkitRouter: FastifyPluginAsync<RouterOptions> = async (app, options) => {
  serveDocuments(app, routerVerifier(ownOptions(options)));
};

/** A `preHandler` for a route that needs more scopes than {@link authkit} demands. */
export function requireScopes(...scopes: string[]): preHandlerAsyncHookHandler {
  const needed = checkedScopes(scopes);
  return async (request, reply) => {
    const refusal = await refusalOf(request.raw, needed);
    return refusal && send(reply, refusal);
  };
}

for (const [name, plugin] of Object.entries({ authkit, authkitRouter })) {
  // Hooks are for the instance that registers the plugin, not for one of the plugin's own.
  Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: `authkit-verifier/${name}`,
    [Symbol.for("plugin-meta")]: { name: `authkit-verifier/${name}`, fastify: ">=4" },
  });
}

/** Fastify's logger, the request's if there is one. Where it is switched off, which is its default, standard error. */
function hostLog(app: FastifyInstance): WriteLine<FastifyRequest> {
  return (line, request) => {
    const log = request?.log ?? app.log;
    // Of a logger that is switched off, each function is the same one, which does nothing.
    if (log.warn === log.trace) {
      toConsole(line);
    } else {
      log[line.level === "info" ? "info" : "warn"](line.text);
    }
  };
}

/** Not as routes: which paths there are is for the library to say. A hook sees requests that no route is for, too. */
function serveDocuments(app: FastifyInstance, verifier: Verifier): void {
  app.addHook("onRequest", async (request, reply) => {
    const document = await wellKnownDocument(verifier, request.method, pathOf(request.raw));
    return document === null ? undefined : send(reply, document);
  });
}

/** Without those that are Fastify's. */
function ownOptions<O extends object>(options: O): O {
  const { prefix, logLevel, logSerializers, ...own } = options as O & Record<string, unknown>;
  return own as O;
}

/** As octets: Fastify gives text another content type. */
function send(reply: FastifyReply, { status, headers, body }: Response): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(body === "" ? undefined : Buffer.from(body));
}
