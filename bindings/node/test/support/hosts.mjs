// Real servers on free ports, one for each host that the package has a middleware for, all doing the same: `/mcp` is
// guarded by `options` and answers with what it was given; `/admin` needs two scopes more; `/open` demands scopes where
// nobody has authorized the request.

import { once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";

import { getRequestListener } from "@hono/node-server";
import express5 from "express";
import express4 from "express4";
import fastify5 from "fastify";
import fastify4 from "fastify4";
import { Hono } from "hono";

import { authkitRouter, requireAuthKit, requireScopes } from "authkit-verifier/express";
import * as plugins from "authkit-verifier/fastify";
import * as web from "authkit-verifier/fetch";

/** By name: a function that makes a request listener. */
const HOSTS = {
  "Express 5": (options) => expressApp(express5, options),
  "Express 4": (options) => expressApp(express4, options),
  "node:http": plain,
  "Fastify 5": (options) => fastifyApp(fastify5, options),
  "Fastify 4": (options) => fastifyApp(fastify4, options),
  "a Fetch handler": fetchHandler,
  "Next's route handlers": routeHandlers,
  Hono: honoApp,
};

export const NAMES = Object.keys(HOSTS);

/** Starts a host; `close()` ends it. */
export async function serve(name, options) {
  return listen(await HOSTS[name](options));
}

export async function listen(listener) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What `/mcp` answers. Express 4 has an empty object where there is no body, and Fastify null. */
function seen(authkit, auth, body) {
  return { subject: authkit.subject, auth, frozen: Object.isFrozen(authkit), body: body ?? {} };
}

function parsed(body) {
  return body === "" ? undefined : JSON.parse(body);
}

function expressApp(express, options) {
  const { verifier } = options;
  const app = express();
  app.use(authkitRouter({ verifier }));
  app.use("/mcp", requireAuthKit(options), express.json({ limit: "1mb" }), (request, response) => {
    response.json(seen(request.authkit, request.auth, request.body));
  });
  app.get("/admin", requireAuthKit({ verifier }), requireScopes("admin", "owner"), (_, response) => response.json({}));
  app.get("/open", requireScopes("admin"), (_, response) => response.json({}));
  return app;
}

/** Reads bodies by itself, as a host without a parser does. */
function plain(options) {
  const { verifier } = options;
  const [router, guard] = [authkitRouter({ verifier }), requireAuthKit(options)];
  const [inner, scopes] = [requireAuthKit({ verifier }), requireScopes("admin", "owner")];
  const routes = {
    "/mcp": (request, response, answer) =>
      guard(request, response, async () => answer(seen(request.authkit, request.auth, parsed(await text(request))))),
    "/admin": (request, response, answer) =>
      inner(request, response, () => scopes(request, response, () => answer({}))),
    "/open": (request, response, answer) => scopes(request, response, () => answer({})),
  };
  return (request, response) =>
    router(request, response, () => {
      const route = routes[request.url.split("?")[0]] ?? (() => response.writeHead(404).end());
      return route(request, response, (value) => response.end(JSON.stringify(value)));
    });
}

async function fastifyApp(fastify, options) {
  const { verifier } = options;
  const app = fastify();
  app.register(plugins.authkitRouter, { verifier });
  app.register(async (scope) => {
    // The route stands first: the guard holds for all of the instance.
    scope.all("/mcp", async (request) => seen(request.authkit, request.auth, request.body));
    await scope.register(plugins.authkit, options);
  });
  app.register(async (scope) => {
    scope.register(plugins.authkit, { verifier });
    scope.get("/admin", { preHandler: plugins.requireScopes("admin", "owner") }, async () => ({}));
  });
  app.get("/open", { preHandler: plugins.requireScopes("admin") }, async () => ({}));
  await app.ready();
  return app.routing;
}

/** One handler for all paths. */
function fetchHandler(options) {
  const mcp = web.withAuthKit(
    async (request) => Response.json(seen(request.authkit, request.auth, parsed(await request.text()))),
    options,
  );
  const judge = web.requireAuthKit({ verifier: options.verifier, requiredScopes: ["admin", "owner"] });
  return fetchListener(async (request) => {
    if (new URL(request.url).pathname !== "/admin") {
      return mcp(request);
    }
    const claims = await judge(request);
    return claims instanceof Response ? claims : Response.json({ subject: claims.subject });
  });
}

/** A function for each path and method, called with a second argument, as Next does. */
function routeHandlers(options) {
  const { verifier } = options;
  const mcp = web.withAuthKit(
    async (request, { params }) =>
      Response.json({ ...seen(request.authkit, request.auth, parsed(await request.text())), ...(await params) }),
    options,
  );
  const admin = web.withAuthKit(() => Response.json({}), { verifier, requiredScopes: ["admin", "owner"] });
  const documents = async (request) =>
    (await web.wellKnown(request, { verifier })) ?? new Response(null, { status: 404 });
  const routes = { "/mcp": mcp, "/admin": admin };
  return fetchListener((request) =>
    (routes[new URL(request.url).pathname] ?? documents)(request, { params: Promise.resolve({}) }),
  );
}

function honoApp(options) {
  const { verifier } = options;
  const app = new Hono();
  app.use("/.well-known/*", web.withAuthKit({ verifier }));
  app.use("/mcp", web.withAuthKit(options));
  app.all("/mcp", async (context) =>
    context.json(seen(context.get("authkit"), context.get("auth"), parsed(await context.req.text()))),
  );
  app.use("/admin", web.withAuthKit({ verifier, requiredScopes: ["admin", "owner"] }));
  app.get("/admin", (context) => context.json({}));
  return getRequestListener(app.fetch);
}

/** Runs a Fetch handler under node:http, with the platform's own Request. */
function fetchListener(handler) {
  return async (incoming, outgoing) => {
    const headers = new Headers();
    for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
      headers.append(incoming.rawHeaders[index], incoming.rawHeaders[index + 1]);
    }
    const bodiless = ["GET", "HEAD"].includes(incoming.method);
    const body = bodiless ? {} : { body: Readable.toWeb(incoming), duplex: "half" };
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const response = await handler(new Request(url, { method: incoming.method, headers, ...body }));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
  };
}
