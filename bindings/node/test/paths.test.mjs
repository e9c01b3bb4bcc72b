// What the library demands of a path, against what each framework's own router makes of it: a request that reaches a
// handler whose scopes were not demanded is a way past them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { Writable } from "node:stream";
import { test } from "node:test";

import { getRequestListener } from "@hono/node-server";
import express5 from "express";
import express4 from "express4";
import fastify5 from "fastify";
import fastify4 from "fastify4";
import { Hono } from "hono";

import { listen } from "./support/hosts.mjs";
import { Places, hostilePaths } from "./support/places.mjs";

// What each handler demands, undefined where it is open to all.
const DEMANDS = { admin: ["admin"], keys: ["admin", "keys"], files: ["files"], mcp: ["mcp"], named: [] };
const DOCUMENT = {
  public: ["/health", "/static/*"],
  required_scopes: { "/admin": ["admin"], "/admin/keys": ["keys"], "/files/*": ["files"], "/mcp": ["mcp"] },
};
const HANDLERS = {
  "/admin": "admin",
  "/admin/keys": "keys",
  "/files/:name": "files",
  "/mcp": "mcp",
  "/health": "health",
  "/:name": "named",
};

/** An express router with every handler, which notes in `reached` what was reached. */
function routes(express, reached, options) {
  const router = express.Router(options);
  for (const [place, handler] of Object.entries(HANDLERS)) {
    router.get(place, (_, response) => response.end(reached(handler)));
  }
  router.use("/static", (_, response) => response.end(reached("static")));
  return router;
}

function expressApp(express, reached, { prefix = "/", ...options } = {}) {
  const app = express();
  app.use(prefix, routes(express, reached, options));
  // What is strange to it is told to the client alone.
  app.use((_error, _request, response, _next) => response.status(400).end());
  return app;
}

async function fastifyApp(fastify, reached, { prefix = "", ...options } = {}) {
  const app = fastify(options);
  const plugin = async (instance) => {
    for (const [place, handler] of Object.entries({ ...HANDLERS, "/static/*": "static" })) {
      instance.get(place, async () => reached(handler));
    }
  };
  app.register(plugin, { prefix });
  await app.ready();
  return app.routing;
}

function honoApp(reached, { prefix = "", ...options } = {}) {
  const app = new Hono(options);
  const inner = new Hono(options);
  for (const [place, handler] of Object.entries({ ...HANDLERS, "/static/*": "static" })) {
    inner.get(place, (context) => context.text(reached(handler)));
  }
  app.route(prefix || "/", inner);
  return getRequestListener(app.fetch);
}

/** As a proxy or an application does it, unseen by who stands before it. */
const rewriteUrl = ({ url }) => url.replace(/^\/api(?=\/)/i, "");
const loose = { caseSensitive: false, ignoreDuplicateSlashes: true, ignoreTrailingSlash: true };

const HOSTS = {
  "Express 5": (reached) => expressApp(express5, reached),
  "Express 5 with a mount": (reached) => expressApp(express5, reached, { prefix: "/api" }),
  "Express 5, strict": (reached) => expressApp(express5, reached, { strict: true, caseSensitive: true }),
  "Express 4": (reached) => expressApp(express4, reached),
  "Express 4 with a mount": (reached) => expressApp(express4, reached, { prefix: "/api" }),
  "Fastify 5": (reached) => fastifyApp(fastify5, reached),
  "Fastify 5, loose": (reached) =>
    fastifyApp(fastify5, reached, { routerOptions: { ...loose, useSemicolonDelimiter: true } }),
  "Fastify 5 with a prefix": (reached) => fastifyApp(fastify5, reached, { prefix: "/api" }),
  "Fastify 5 that strips a prefix": (reached) => fastifyApp(fastify5, reached, { rewriteUrl }),
  "Fastify 4": (reached) => fastifyApp(fastify4, reached),
  "Fastify 4, loose": (reached) => fastifyApp(fastify4, reached, loose),
  "Fastify 4 that strips a prefix": (reached) => fastifyApp(fastify4, reached, { rewriteUrl }),
  Hono: (reached) => honoApp(reached),
  "Hono, not strict": (reached) => honoApp(reached, { strict: false }),
  "Hono with a mount": (reached) => honoApp(reached, { prefix: "/api" }),
};

const anywhere = new Places(DOCUMENT);
const exact = new Places({ ...DOCUMENT, prefix: "/api" });

/** Fails where a handler was reached whose demands a guard before the application would not have made. */
function check(target, handler) {
  for (const { isPublic, scopes } of [anywhere.judge(target), exact.judge(target), anywhere.judge(target, "/api")]) {
    const demanded = DEMANDS[handler];
    const told = `${target} reached ${handler}: demanded ${scopes}, public: ${isPublic}`;
    assert.ok(demanded === undefined || !isPublic, told);
    assert.ok((demanded ?? []).every((scope) => scopes.includes(scope)), told);
  }
}

/** One request to a listener, without a socket. */
async function ask(listener, target) {
  const request = new IncomingMessage(null);
  Object.assign(request, { method: "GET", url: target, httpVersion: "1.1", httpVersionMajor: 1, httpVersionMinor: 1 });
  Object.assign(request, { headers: { host: "localhost" }, rawHeaders: ["Host", "localhost"], complete: true });
  request.socket = request.connection = new Writable({ write: (_chunk, _encoding, done) => done() });
  request.push(null);
  const response = new ServerResponse(request);
  response.assignSocket(request.socket);
  const finished = once(response, "finish");
  listener(request, response);
  await finished;
}

for (const [name, make] of Object.entries(HOSTS)) {
  test(`${name}: no router finds what was not demanded`, async () => {
    let handler;
    let count = 0;
    const listener = await make((reached) => (handler = reached));
    for (const target of hostilePaths()) {
      handler = undefined;
      await ask(listener, target);
      if (handler !== undefined) {
        count++;
        check(target, handler);
      }
    }
    assert.ok(count > 20, `${count} handlers reached`);
  });
}

/** The answers to requests on one connection each, the targets as they are. */
async function askOver(port, target) {
  const socket = connect(port, "127.0.0.1");
  socket.end(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  await once(socket.resume(), "close");
}

test("the same over HTTP", async () => {
  for (const name of ["Express 5", "Express 4", "Fastify 5", "Fastify 4, loose", "Hono"]) {
    let handler;
    let count = 0;
    const server = await listen(await HOSTS[name]((reached) => (handler = reached)));
    for (const target of hostilePaths(60)) {
      handler = undefined;
      await askOver(server.port, target);
      if (handler !== undefined) {
        count++;
        check(target, handler);
      }
    }
    server.close();
    assert.ok(count > 3, `${name}: ${count} handlers reached`);
  }
});
