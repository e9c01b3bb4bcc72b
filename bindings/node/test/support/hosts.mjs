// Real servers on free ports, one for each host that the package has a middleware for, all doing the same: `/mcp` is
// guarded and answers with what it was given.

import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import express5 from "express";
import express4 from "express4";

import { authkitRouter, requireAuthKit, requireScopes } from "authkit-verifier/express";

/** By name: a function that makes a request listener. `options` are the middleware's. */
const HOSTS = {
  "Express 5": (options) => expressApp(express5, options),
  "Express 4": (options) => expressApp(express4, options),
  "node:http": plain,
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
  const { port } = server.address();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What `/mcp` answers: what the middleware has handed on. Express 4 has an empty object where there is no body. */
function seen({ authkit, auth, body = {} }) {
  return { subject: authkit.subject, auth, frozen: Object.isFrozen(authkit), body };
}

function expressApp(express, options) {
  const app = express();
  app.use(authkitRouter({ verifier: options.verifier }));
  app.use("/mcp", requireAuthKit(options), express.json({ limit: "1mb" }), (request, response) => {
    response.json(seen(request));
  });
  app.get("/admin", requireAuthKit({ verifier: options.verifier }), requireScopes("admin", "owner"), (_, response) => {
    response.json({});
  });
  app.get("/open", requireScopes("admin"), (_, response) => {
    response.json({});
  });
  return app;
}

function plain(options) {
  const router = authkitRouter({ verifier: options.verifier });
  const guard = requireAuthKit(options);
  const admin = [requireAuthKit({ verifier: options.verifier }), requireScopes("admin", "owner")];
  return (request, response) =>
    router(request, response, () => {
      const answer = (value) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
      switch (request.url.split("?")[0]) {
        case "/mcp":
          return guard(request, response, async () => {
            // Reads the body by itself, as a host without a parser does.
            const body = await text(request);
            answer(seen({ ...request, body: body === "" ? undefined : JSON.parse(body) }));
          });
        case "/admin":
          return admin[0](request, response, () => admin[1](request, response, () => answer({})));
        case "/open":
          return admin[1](request, response, () => answer({}));
        default:
          return response.writeHead(404).end();
      }
    });
}
