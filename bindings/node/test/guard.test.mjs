// What the middlewares do beside the verdicts: options, mounts, body parsers, CORS, faults, clients that break off.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connect2, createServer as createServer2 } from "node:http2";
import { connect } from "node:net";
import { dirname } from "node:path";
import { json, text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { ConfigError, MisuseError, Verifier } from "authkit-verifier";
import { authkitRouter, requireAuthKit, requireScopes } from "authkit-verifier/express";
import * as plugins from "authkit-verifier/fastify";
import * as web from "authkit-verifier/fetch";
import express5 from "express";
import express4 from "express4";
import fastify5 from "fastify";
import fastify4 from "fastify4";

import { ask } from "./support/ask.mjs";
import { cleanEnvironment, run } from "./support/child.mjs";
import { NAMES, listen, serve } from "./support/hosts.mjs";
import { claimsOf, mint, offline, startIssuer } from "./support/issuer.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { key, options, token } = offline();
const verifier = new Verifier(options);
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "remove", arguments: {} } };
const toolScopes = { remove: ["files:write"] };
const APP = "https://app.example.com";

/** Serves until `ask` has been answered. */
async function served(listener, use) {
  const host = await listen(listener);
  try {
    return await use(host);
  } finally {
    host.close();
  }
}

// --- options ----------------------------------------------------------------------------------------

test("options are checked when the server starts", () => {
  for (const wrong of [
    { requiredScope: ["a"] },
    { requiredScopes: "a b" },
    { requiredScopes: ["a b"] },
    { requiredScopes: [""] },
    { anyScopes: [] },
    { toolScopes: ["remove"] },
    { toolScopes: { remove: "files:write" } },
    { toolScopes: { remove: ["two words"] } },
    { toolScopes: null },
    { bodyLimit: -1 },
    { bodyLimit: "1mb" },
    { cors: "*" },
    { cors: ["https://app.example.com/"] },
    { cors: ["app.example.com"] },
    { onRefusal: "log" },
    { log: true },
    { verifier: {} },
    { verifier: null },
  ]) {
    for (const make of [
      requireAuthKit,
      web.requireAuthKit,
      web.withAuthKit,
      (given) => web.withAuthKit(() => {}, given),
    ]) {
      assert.throws(() => make({ verifier, ...wrong }), MisuseError, JSON.stringify(wrong));
    }
  }
  for (const wrong of [null, "options", 5]) {
    assert.throws(() => requireAuthKit(wrong), MisuseError);
    assert.throws(() => authkitRouter(wrong), MisuseError);
  }
  assert.throws(() => authkitRouter({ verifier, scopes: [] }), MisuseError);
  for (const make of [requireScopes, plugins.requireScopes]) {
    assert.throws(() => make(), MisuseError);
    assert.throws(() => make("two words"), MisuseError);
  }
});

for (const [version, fastify] of [
  ["5", fastify5],
  ["4", fastify4],
]) {
  test(`a wrong option keeps Fastify ${version} from starting`, async () => {
    const app = fastify();
    app.register(plugins.authkit, { verifier, requiredScope: ["a"] });
    await assert.rejects(async () => app.ready(), MisuseError);
  });
}

test("without a verifier the environment's is used, one for all; half of a configuration starts nothing", async () => {
  const script = `
    import { authkitRouter, requireAuthKit } from "authkit-verifier/express";
    import { withAuthKit, wellKnown } from "authkit-verifier/fetch";
    authkitRouter();
    withAuthKit();
    requireAuthKit({ log: ({ text }) => console.log(text) });
    const response = await wellKnown(new Request("https://mcp.example.com/.well-known/oauth-protected-resource"));
    console.log((await response.json()).resource);`;
  const start = (environment) =>
    run(["--input-type=module", "--eval", script], { cwd: here, env: cleanEnvironment(environment) });
  const whole = { AUTHKIT_DOMAIN: "https://a.authkit.app", AUTHKIT_BASE_URL: "https://mcp.example.com" };
  const { code, stdout, stderr } = await start(whole);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  // Nothing is written, and nothing fetched, before there is a request to guard.
  assert.equal(stdout, "https://mcp.example.com/mcp\n");
  for (const half of [{}, { AUTHKIT_DOMAIN: whole.AUTHKIT_DOMAIN }, { ...whole, AUTHKIT_REQUIRED_SCOPE: "a" }]) {
    const failed = await start(half);
    assert.notEqual(failed.code, 0);
    assert.match(failed.stderr, new RegExp(`${ConfigError.name}: `));
  }
});

// --- refusals and faults ----------------------------------------------------------------------------

for (const name of NAMES) {
  test(`${name}: who runs the server learns why, and never the token`, async (t) => {
    const told = [];
    const host = await serve(name, {
      verifier,
      toolScopes,
      onRefusal(refusal, request) {
        assert.ok(request.headers ?? request.raw.headers);
        assert.ok(!`${refusal.message}${JSON.stringify(refusal)}`.includes(token));
        told.push(refusal.code);
        throw new Error("the log is full");
      },
    });
    t.after(() => host.close());
    const warned = warnings(t);
    const post = { method: "POST", path: "/mcp", body: JSON.stringify(call), headers };
    assert.equal((await ask(host.port, { path: "/mcp" })).status, 401);
    assert.equal((await ask(host.port, post)).status, 403);
    assert.deepEqual(told, ["NO_CREDENTIALS", "SCOPE"]);
    assert.deepEqual(new Set(warned()), new Set(["onRefusal threw: the log is full"]));
  });

  test(`${name}: a fault of ours lets nobody in, and is told`, async (t) => {
    const closing = new Verifier(options);
    const host = await serve(name, { verifier: closing });
    t.after(() => host.close());
    closing.close();
    const warned = warnings(t);
    for (const path of ["/mcp", "/admin", "/.well-known/oauth-protected-resource"]) {
      const answer = await ask(host.port, { path, headers });
      assert.equal(answer.status, 500, path);
      assert.equal(JSON.parse(answer.body).error, "server_error");
    }
    assert.ok(warned().length >= 3);
    assert.ok(warned().every((warning) => warning instanceof MisuseError));
  });
}

for (const name of NAMES.filter((name) => /Express|http|Fastify/.test(name))) {
  test(`${name}: scopes demanded where nobody has authorized are a fault`, async (t) => {
    const host = await serve(name, { verifier });
    t.after(() => host.close());
    const warned = warnings(t);
    assert.equal((await ask(host.port, { path: "/open", headers })).status, 500);
    assert.match(warned()[0].message, /requireScopes stands where no request has been authorized/);
  });
}

/** The process's warnings, from now on until the test ends. */
function warnings(t) {
  const { mock } = t.mock.method(process, "emitWarning", () => {});
  return () => mock.calls.map((call) => call.arguments[0]);
}

// --- mounts and body parsers ------------------------------------------------------------------------

for (const [version, express] of [
  ["5", express5],
  ["4", express4],
]) {
  test(`Express ${version}: under a mount the target is seen whole`, async () => {
    const inner = express.Router();
    inner.use(authkitRouter({ verifier }));
    inner.get("/mcp", requireAuthKit({ verifier }), (request, response) => response.json(request.authkit.subject));
    const app = express();
    app.use("/base", inner);
    app.use("/.well-known", inner);
    await served(app, async ({ port }) => {
      assert.equal((await ask(port, { path: "/base/mcp", headers })).status, 200);
      assert.equal((await ask(port, { path: `/base/mcp?access_token=${token}`, headers })).status, 400);
      assert.equal((await ask(port, { path: "/.well-known/oauth-protected-resource/mcp" })).status, 200);
      assert.equal(
        (await ask(port, { path: "http://mcp.example.com/.well-known/oauth-protected-resource?a=b" })).status,
        200,
      );
    });
  });

  for (const [what, parser] of [
    ["a JSON parser", express.json()],
    ["a text parser", express.text({ type: "*/*" })],
    ["a parser of octets", express.raw({ type: "*/*" })],
    ["a form parser, which reads nothing", express.urlencoded({ extended: false })],
  ]) {
    test(`Express ${version}: ${what} before the guard hides no tool from it`, async () => {
      const app = express();
      app.use(parser, requireAuthKit({ verifier, toolScopes }), (_, response) => response.json({}));
      await served(app, async ({ port }) => {
        for (const type of ["application/json", "text/plain", 'x/y; a="application/json"']) {
          const request = { method: "POST", body: JSON.stringify(call), headers: { ...headers, "content-type": type } };
          assert.equal((await ask(port, request)).status, 403, type);
          assert.equal((await ask(port, { ...request, body: "{}" })).status, 200, type);
        }
      });
    });
  }

  test(`Express ${version}: a body that has been read and is nowhere to be seen is a fault`, async (t) => {
    const app = express();
    app.use((request, _, next) => text(request).then(() => next()));
    app.use(requireAuthKit({ verifier, toolScopes }), (_, response) => response.json({}));
    await served(app, async ({ port }) => {
      const warned = warnings(t);
      assert.equal((await ask(port, { method: "POST", body: JSON.stringify(call), headers })).status, 500);
      assert.match(warned()[0].message, /the body was read before toolScopes could see it/);
      assert.equal((await ask(port, { headers })).status, 200);
    });
  });
}

const READERS = {
  "by events": (request) =>
    new Promise((resolve) => {
      let body = "";
      request
        .setEncoding("utf8")
        .on("data", (chunk) => (body += chunk))
        .on("end", () => resolve(body));
    }),
  "by iteration": text,
  "from `body`": async ({ body }) => JSON.stringify(body),
};

for (const [how, read] of Object.entries(READERS)) {
  test(`a body that was judged can be read ${how}, whole`, async () => {
    const guard = requireAuthKit({ verifier, toolScopes });
    const listener = (request, response) => guard(request, response, async () => response.end(await read(request)));
    await served(listener, async ({ port }) => {
      for (const size of [0, 1, 100_000, 2_000_000]) {
        const body = JSON.stringify({ jsonrpc: "2.0", method: "ping", params: { text: "x".repeat(size) } });
        for (const chunked of [false, true]) {
          const answer = await ask(port, { method: "POST", body, headers, chunked });
          assert.deepEqual([answer.status, answer.body], [200, body]);
        }
      }
      if (how !== "from `body`") {
        const nothing = await ask(port, { method: "POST", body: "", headers, chunked: true });
        assert.deepEqual([nothing.status, nothing.body], [200, ""]);
      }
    });
  });
}

/** Serves one request by the MCP SDK, whose tool says who calls it. */
async function serveMcp(request, response, body) {
  const server = new McpServer({ name: "test", version: "1" });
  server.registerTool("remove", {}, ({ authInfo }) => ({
    content: [{ type: "text", text: authInfo.extra.claims.subject }],
  }));
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  await transport.handleRequest(request, response, body);
}

function plainMcp() {
  const guard = requireAuthKit({ verifier, toolScopes });
  return (request, response) => guard(request, response, () => serveMcp(request, response));
}

function fastifyMcp(fastify) {
  return async () => {
    const app = fastify();
    app.register(plugins.authkit, { verifier, toolScopes });
    app.post("/", (request, reply) => {
      reply.hijack();
      return serveMcp(request.raw, reply.raw, request.body);
    });
    await app.ready();
    return app.routing;
  };
}

for (const [name, listener] of [
  ["node:http", plainMcp],
  ["Fastify 5", fastifyMcp(fastify5)],
  ["Fastify 4", fastifyMcp(fastify4)],
]) {
  test(`${name}: the MCP SDK's transport gets a judged body, and hands the claims to the tool`, async () => {
    await served(await listener(), callsTool);
  });
}

async function callsTool({ port }) {
  const writer = mint(key, claimsOf(options.authkitDomain, { scope: "files:write", sub: "user_02" }));
  const ready = { ...headers, accept: "application/json, text/event-stream" };
  const send = (authorization) =>
    ask(port, { method: "POST", body: JSON.stringify(call), headers: { ...ready, authorization } });
  assert.equal((await send(headers.authorization)).status, 403);
  const answer = await send(`Bearer ${writer}`);
  assert.equal(JSON.parse(answer.body).result.content[0].text, "user_02", answer.body);
}

test("over HTTP/2 a judged body is in `body`", async () => {
  const guard = requireAuthKit({ verifier, toolScopes });
  const server = createServer2((request, response) =>
    guard(request, response, () => response.end(JSON.stringify(request.body ?? null))),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect2(`http://127.0.0.1:${server.address().port}`);
  try {
    for (const [body, status, answer] of [
      [JSON.stringify(call), 403, undefined],
      ['{"method":"ping"}', 200, { method: "ping" }],
      ["", 200, null],
    ]) {
      const stream = client.request({ ":method": "POST", ":path": "/mcp", ...headers });
      stream.end(body);
      const [responded] = await once(stream, "response");
      assert.equal(responded[":status"], status);
      const received = await json(stream);
      assert.deepEqual(answer === undefined ? undefined : received, answer);
    }
  } finally {
    client.destroy();
    server.close();
  }
});

test("a client that breaks off runs nothing", async () => {
  const issuer = await startIssuer();
  const cold = new Verifier(issuer.options);
  let ran = 0;
  const guard = requireAuthKit({ verifier: cold, toolScopes });
  const ended = [];
  const listener = (request, response) => ended.push(guard(request, response, () => ran++));
  try {
    await served(listener, async ({ port }) => {
      const head = `POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${issuer.mint()}\r\ncontent-length: 99\r\n\r\n{`;
      // While the keys are waited for, and while the body is.
      issuer.hold();
      const asked = issuer.asked();
      const early = connect(port, "127.0.0.1", () => early.write(head));
      await asked;
      early.destroy();
      await once(early, "close");
      issuer.release();
      await ended.shift();
      const late = connect(port, "127.0.0.1", () => late.write(head));
      while (ended.length === 0) {
        await new Promise(setImmediate);
      }
      late.destroy();
      await ended.shift();
    });
    assert.equal(ran, 0);
  } finally {
    cold.close();
    issuer.stop();
  }
});

test("an answer that somebody else has given stays", async () => {
  const guard = requireAuthKit({ verifier, cors: [APP] });
  const ended = [];
  const listener = (request, response) => {
    response.end("too late");
    ended.push(guard(request, response, () => assert.fail()));
  };
  await served(listener, async ({ port }) => {
    const answer = await ask(port, { headers: { origin: APP } });
    assert.deepEqual([answer.status, answer.body], [200, "too late"]);
    await Promise.all(ended);
  });
});

test("many requests to a cold server wait together", async () => {
  const issuer = await startIssuer();
  issuer.slowness = 200;
  const cold = new Verifier(issuer.options);
  const host = await serve("node:http", { verifier: cold });
  try {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        ask(host.port, { path: "/mcp", headers: { authorization: `Bearer ${issuer.mint({ sub: `user_${index}` })}` } }),
      ),
    );
    assert.deepEqual(
      answers.map(({ body }) => JSON.parse(body).subject),
      answers.map((_, index) => `user_${index}`),
    );
    assert.equal(issuer.requests, 1);
  } finally {
    host.close();
    cold.close();
    issuer.stop();
  }
});

// --- CORS -------------------------------------------------------------------------------------------

const PREFLIGHT = {
  method: "OPTIONS",
  path: "/mcp",
  headers: {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,mcp-protocol-version,mcp-param-x",
  },
};

for (const name of NAMES) {
  test(`${name}: CORS is the host's unless it is asked for`, async (t) => {
    for (const [cors, origin, allowed] of [
      [undefined, APP, undefined],
      [true, APP, "*"],
      [[APP], APP, APP],
      [[APP], "https://evil.example", undefined],
      [[APP], undefined, undefined],
    ]) {
      const host = await serve(name, { verifier, cors });
      t.after(() => host.close());
      const send = (request) => ask(host.port, { path: "/mcp", ...request, headers: { ...request.headers, origin } });
      const preflight = await send(PREFLIGHT);
      assert.equal(preflight.status, allowed === undefined ? 401 : 204);
      assert.equal(preflight.headers["access-control-allow-origin"], allowed);
      if (allowed !== undefined) {
        assert.equal(
          preflight.headers["access-control-allow-headers"],
          PREFLIGHT.headers["access-control-request-headers"],
        );
        assert.match(preflight.headers["access-control-allow-methods"], /POST/);
        assert.match(preflight.headers.vary, /Origin/);
      }
      for (const [request, status] of [
        [{}, 401],
        [{ headers }, 200],
      ]) {
        const answer = await send(request);
        assert.equal(answer.status, status);
        assert.equal(answer.headers["access-control-allow-origin"], allowed);
        assert.equal(/Origin/.test(answer.headers.vary ?? ""), Array.isArray(cors));
        if (status === 401 || allowed !== undefined) {
          assert.match(answer.headers["access-control-expose-headers"], /WWW-Authenticate/);
        }
      }
    }
  });
}

test("a preflight cannot write a header of its own", async () => {
  const host = await serve("node:http", { verifier, cors: true });
  const asked = { ...PREFLIGHT.headers, origin: APP, "access-control-request-headers": "a;b" };
  const { status, headers: sent } = await ask(host.port, { ...PREFLIGHT, headers: asked });
  assert.deepEqual([status, sent["access-control-allow-headers"]], [204, undefined]);
  host.close();
});
