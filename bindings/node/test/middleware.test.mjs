// The middlewares over real servers: every host sends what the library decides, for every verdict.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Verifier } from "authkit-verifier";

import { ask } from "./support/ask.mjs";
import { NAMES, serve } from "./support/hosts.mjs";
import { RESOURCE, claimsOf, makeKey, mint, offline, startIssuer } from "./support/issuer.mjs";

const { key, options, token } = offline();
const verifier = new Verifier({ ...options, requiredScopes: ["openid"] });
const closed = new Verifier(options);
closed.close();
const now = Math.floor(Date.now() / 1000);
const made = (changes) => mint(key, claimsOf(options.authkitDomain, changes));
const bearer = `Bearer ${token}`;

const METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
const LOGIN = `Bearer scope="openid mcp:read", resource_metadata="${METADATA}"`;
const invalid = (sentence) =>
  `Bearer error="invalid_token", error_description="${sentence}", scope="openid mcp:read", resource_metadata="${METADATA}"`;
const INVALID_REQUEST =
  /^Bearer error="invalid_request", error_description="[^"]+", scope="openid mcp:read", resource_metadata=/;

/** What is sent, the status, the challenge. */
const REFUSALS = [
  ["no credentials", {}, 401, LOGIN],
  ["no credentials, and a body", { method: "POST", body: "{}" }, 401, LOGIN],
  ["another scheme", { headers: { authorization: "Basic dTpw" } }, 401, LOGIN],
  ["two Authorization lines", { headers: { authorization: [bearer, bearer] } }, 400, INVALID_REQUEST],
  ["a line of another scheme first", { headers: { authorization: ["Basic dTpw", bearer] } }, 400, INVALID_REQUEST],
  [
    "a token in the query",
    { path: `/mcp?access_token=${token}`, headers: { authorization: bearer } },
    400,
    INVALID_REQUEST,
  ],
  ["no token after Bearer", { headers: { authorization: "Bearer" } }, 400, INVALID_REQUEST],
  [
    "what is no token",
    { headers: { authorization: "Bearer x.y.z" } },
    401,
    invalid("The access token is not a signed JWT"),
  ],
  [
    "an expired token that lacks scopes too",
    { headers: { authorization: `Bearer ${made({ exp: now - 900, scope: "" })}` } },
    401,
    invalid("The access token expired"),
  ],
  [
    "a token for another resource",
    { headers: { authorization: `Bearer ${made({ aud: "https://other.example" })}` } },
    401,
    invalid("The access token is meant for another resource"),
  ],
  [
    "a forged token",
    { headers: { authorization: `Bearer ${mint(makeKey("key-1"), claimsOf(options.authkitDomain))}` } },
    401,
    invalid("The access token's signature does not verify"),
  ],
  [
    "a token without a scope",
    { headers: { authorization: `Bearer ${made({ scope: "openid" })}` } },
    403,
    /^Bearer error="insufficient_scope", .*, scope="openid mcp:read", resource_metadata="/,
  ],
];

const TOOL_SCOPES = {
  read: [],
  remove: ["files:write"],
  share: ["files:share", "files:write"],
  constructor: ["never"],
};
const BODY_LIMIT = 1024 * 1024;
const GUARD = { verifier, requiredScopes: ["mcp:read"], toolScopes: TOOL_SCOPES, bodyLimit: BODY_LIMIT };

const call = (name, changes = {}) => ({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: { name, arguments: {} },
  ...changes,
});
const JSON_TYPE = { "content-type": "application/json" };
const post = (body, headers = JSON_TYPE) => ({
  method: "POST",
  body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  headers: { authorization: bearer, ...headers },
});
const missing = (scopes) =>
  new RegExp(`^Bearer error="insufficient_scope", .*, scope="openid mcp:read ${scopes}", resource_metadata="`);

/** What is sent, the status, the challenge; Fastify reads bodies before anybody else, and refuses some by itself. */
const CALLS = [
  ["a tool that needs no more", post(call("read")), 200],
  ["a tool that nobody has named", post(call("toString")), 200],
  ["what calls no tool", post({ jsonrpc: "2.0", id: 1, method: "tools/list" }), 200],
  ["a response", post({ jsonrpc: "2.0", id: 1, result: {} }), 200],
  ["no body", { headers: { authorization: bearer } }, 200],
  ["a tool without its scope", post(call("remove")), 403, missing("files:write")],
  ["a tool that is called like a member of every object", post(call("constructor")), 403, missing("never")],
  ["a tool in a notification", post(call("remove", { id: undefined })), 403, missing("files:write")],
  ["a batch", post([call("read"), call("share"), call("remove")]), 403, missing("files:share files:write")],
  ["a tool in chunks", { ...post(call("remove")), chunked: true }, 403, missing("files:write")],
  [
    "members that come twice",
    post('{"method":"ping","method":"tools/call","params":{"name":"read","name":"remove"}}'),
    403,
    missing("files:write"),
  ],
  ["a method that is compared loosely", post(call("remove", { method: ["tools/call"] })), 400],
  ["a name that is compared loosely", post(call(["remove"])), 400],
  ["no name", post({ jsonrpc: "2.0", id: 1, method: "tools/call" }), 400],
  ["a batch in a batch", post([[call("remove")]]), 400],
  ["null", post("null"), 400],
  ["a number", post("1"), 400],
  ["half a body", post('{"method":'), 400],
  ["depth", post(`${"[".repeat(200_000)}${"]".repeat(200_000)}`), 400],
  ["too much", post(`${" ".repeat(BODY_LIMIT)}{}`), 413],
  ["a mark at the beginning", post(`\uFEFF${JSON.stringify(call("remove"))}`), 403, missing("files:write")],
  // To body-parser this name is "remove".
  ["UTF-7", post(call("rem+AG8-ve"), { "content-type": "application/json; charset=utf-7" }), 415, undefined, 200],
  [
    "UTF-16",
    post(Buffer.from(JSON.stringify(call("remove")), "utf16le"), {
      "content-type": "application/json; charset=utf-16",
    }),
    415,
    undefined,
    400,
  ],
  [
    "another name for UTF-8",
    post(call("remove"), { "content-type": 'application/json; charset="UTF-8"' }),
    403,
    missing("files:write"),
  ],
  ["a compressed body", post(call("remove"), { ...JSON_TYPE, "content-encoding": "gzip" }), 415, undefined, 403],
  [
    "another type",
    post(call("remove"), { "content-type": 'text/plain; a="application/json"' }),
    403,
    missing("files:write"),
  ],
  ["no type", post(call("remove"), {}), 403, missing("files:write"), 415],
];

for (const name of NAMES) {
  test(name, async (t) => {
    const host = await serve(name, GUARD);
    const send = (request) => ask(host.port, { path: "/mcp", ...request });

    await t.test("answers what may not go on", async () => {
      for (const [what, request, status, challenge] of REFUSALS) {
        const { headers, body, ...answer } = await send(request);
        assert.equal(answer.status, status, what);
        assertSent(headers["www-authenticate"], challenge, what);
        assert.equal(headers["cache-control"], "no-store", what);
        assert.match(headers["access-control-expose-headers"], /WWW-Authenticate/, what);
        assert.equal(headers["content-type"], "application/json", what);
        assert.equal(JSON.parse(body).error_description.includes("token"), true, what);
        assert.ok(!body.includes(token), what);
      }
    });

    await t.test("lets a good token through, with its claims and AuthInfo", async () => {
      const long = call("read", { params: { name: "read", arguments: { text: "\u00e9".repeat(200_000) } } });
      for (const request of [{}, post(call("read")), { ...post(call("read")), chunked: true }, post(long)]) {
        const { status, body } = await send({ ...request, headers: { ...JSON_TYPE, authorization: bearer } });
        assert.equal(status, 200, body);
        const { subject, auth, frozen, body: received } = JSON.parse(body);
        assert.deepEqual([subject, frozen], ["user_01", true]);
        const { extra, ...info } = auth;
        assert.deepEqual(info, {
          token,
          clientId: "client_01",
          scopes: ["openid", "mcp:read"],
          expiresAt: extra.claims.expiresAt,
          resource: RESOURCE,
          resourceMetadataUrl: METADATA,
        });
        assert.deepEqual(received, request.body === undefined ? {} : JSON.parse(request.body));
      }
    });

    await t.test("judges calls of tools before they run", async () => {
      for (const [what, request, status, challenge, fastify = status] of CALLS) {
        const answer = await send(request);
        assert.equal(answer.status, name.startsWith("Fastify") ? fastify : status, `${what}: ${answer.body}`);
        if (answer.status === 403) {
          assertSent(answer.headers["www-authenticate"], challenge ?? missing("files:write"), what);
        } else if (answer.status === 200) {
          assert.notEqual(JSON.parse(answer.body).body.params?.name, "remove", what);
        }
      }
      const writer = `Bearer ${made({ scope: "openid mcp:read files:write" })}`;
      const allowed = await send({ ...post(call("remove")), headers: { ...JSON_TYPE, authorization: writer } });
      assert.equal(JSON.parse(allowed.body).body.params.name, "remove");
    });

    await t.test("demands more scopes of a route, and names all", async () => {
      for (const [scope, status] of [
        ["openid", 403],
        ["openid admin", 403],
        ["openid admin owner", 200],
      ]) {
        const answer = await send({ path: "/admin", headers: { authorization: `Bearer ${made({ scope })}` } });
        assert.equal(answer.status, status, answer.body);
        if (status === 403) {
          assert.match(answer.headers["www-authenticate"], /, scope="openid admin owner", /);
        }
      }
      assert.equal((await send({ path: "/admin" })).status, 401);
    });

    await t.test("serves the resource metadata at its path and at the root", async () => {
      for (const path of [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource?x=1",
      ]) {
        const { status, headers, body } = await ask(host.port, { path });
        assert.equal(status, 200, body);
        assert.equal(JSON.parse(body).resource, RESOURCE);
        assert.equal(headers["access-control-allow-origin"], "*");
        assert.equal(headers["content-type"], "application/json");
        assert.equal((await ask(host.port, { path, method: "OPTIONS" })).status, 204);
        assert.equal((await ask(host.port, { path, method: "POST" })).status, 405);
        const head = await ask(host.port, { path, method: "HEAD" });
        assert.deepEqual([head.status, head.body], [200, ""]);
      }
      assert.notEqual((await ask(host.port, { path: "/.well-known/other" })).status, 200);
    });

    host.close();
  });
}

test("while the issuer is out, and after", { concurrency: true }, async (t) => {
  await Promise.all(NAMES.map((name) => t.test(name, () => outage(name))));
});

async function outage(name) {
  const issuer = await startIssuer();
  const cold = new Verifier(issuer.options);
  const host = await serve(name, { verifier: cold });
  const good = { path: "/mcp", headers: { authorization: `Bearer ${issuer.mint()}` } };
  const metadata = { path: "/.well-known/oauth-authorization-server" };
  try {
    issuer.httpStatus = 500;
    for (const request of [good, metadata]) {
      const { status, headers, body } = await ask(host.port, request);
      assert.equal(status, 503, body);
      assert.ok(Number(headers["retry-after"]) >= 1);
      assert.equal(headers["www-authenticate"], undefined);
      assert.equal(JSON.parse(body).error, "temporarily_unavailable");
    }
    issuer.httpStatus = 200;
    await assertSoon(async () => (await ask(host.port, good)).status === 200);
    await assertSoon(async () => {
      const { status, headers, body } = await ask(host.port, metadata);
      return status === 200 && JSON.parse(body).issuer === issuer.url && headers["access-control-allow-origin"] === "*";
    });
  } finally {
    host.close();
    cold.close();
    issuer.stop();
  }
}

function assertSent(sent, expected, what) {
  if (expected instanceof RegExp) {
    assert.match(sent, expected, what);
  } else {
    assert.equal(sent, expected, what);
  }
}

/** Asks until it holds: a document that failed is asked for again only after a second. */
async function assertSoon(holds) {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
