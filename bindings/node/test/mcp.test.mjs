// OAuthTokenVerifier within the SDKs' own middleware, each build of each: the host must know the errors as its own.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import { getRequestListener } from "@hono/node-server";
import * as esm1 from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth as esmGuard1 } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import * as esm2 from "@modelcontextprotocol/server";
import { requireBearerAuth as esmGuard2 } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { InsufficientScopeError, KeysUnavailableError, TokenError, Verifier } from "authkit-verifier";
import { withAuthKit } from "authkit-verifier/fetch";
import { OAuthTokenVerifier, checkScopes, requireAuthKit } from "authkit-verifier/mcp";
import express from "express";

import { ask } from "./support/ask.mjs";
import { listen } from "./support/hosts.mjs";
import { claimsOf, mint, offline, startIssuer } from "./support/issuer.mjs";

const require = createRequire(import.meta.url);
const SDKS = [
  ["1.x, ESM", esm1, esmGuard1],
  [
    "1.x, CommonJS",
    require("@modelcontextprotocol/sdk/server/auth/errors.js"),
    require("@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js").requireBearerAuth,
  ],
  ["2.x, ESM", esm2, esmGuard2],
  [
    "2.x, CommonJS",
    require("@modelcontextprotocol/server"),
    require("@modelcontextprotocol/express").requireBearerAuth,
  ],
];

const { key, options, token } = offline();
const verifier = new Verifier({ ...options, scopeHierarchy: { "mcp:read": ["mcp:list"] } });
const made = (changes) => mint(key, claimsOf(options.authkitDomain, changes));
const past = Math.floor(Date.now() / 1000) - 900;

const issuer = await startIssuer();
const unreachable = new Verifier(issuer.options);
const unjudged = issuer.mint();
issuer.stop();

for (const [sdk, errors, requireBearerAuth] of SDKS) {
  test(`the SDK ${sdk} answers with the library's verdicts`, async (t) => {
    const refusals = [];
    const guard = (changes = {}) =>
      requireBearerAuth({
        verifier: new OAuthTokenVerifier({
          errors,
          verifier,
          onRefusal: (refusal) => refusals.push(refusal.code),
          ...changes,
        }),
        resourceMetadataUrl: verifier.resourceMetadataUrl,
      });
    const app = express();
    const show = (request, response) => response.json(request.auth);
    app.get("/mcp", guard(), show);
    app.get("/list", guard({ requiredScopes: ["mcp:list"] }), show);
    app.get("/write", guard({ requiredScopes: ["mcp:write"] }), show);
    app.get("/out", guard({ verifier: unreachable }), show);
    const host = await listen(app);
    after(() => host.close());

    for (const [path, bearer, status, error, code] of [
      ["/mcp", "abc", 401, "invalid_token", "MALFORMED"],
      ["/mcp", `${token}"`, 401, "invalid_token", "INVALID_REQUEST"],
      ["/write", made({ exp: past, scope: "" }), 401, "invalid_token", "EXPIRED"],
      ["/write", token, 403, "insufficient_scope", "SCOPE"],
      ["/out", unjudged, 500, "server_error", "KEYS_UNAVAILABLE"],
    ]) {
      const answer = await ask(host.port, { path, headers: { authorization: `Bearer ${bearer}` } });
      assert.equal(answer.status, status, answer.body);
      assert.equal(JSON.parse(answer.body).error, error);
      assert.equal(refusals.pop(), code);
      if (status < 500) {
        // 1.x escapes nothing: the sentence must need none.
        assert.match(
          answer.headers["www-authenticate"],
          new RegExp(`^Bearer error="${error}", error_description="[^"\\\\]+", resource_metadata="[^"]+"$`),
        );
      }
    }
    for (const path of ["/mcp", "/list"]) {
      const answer = await ask(host.port, { path, headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200, answer.body);
      const { clientId, extra } = JSON.parse(answer.body);
      assert.deepEqual([clientId, extra.claims.subject], ["client_01", "user_01"]);
    }
    assert.deepEqual(refusals, []);
  });
}

test("an answer that says nothing about the token never becomes a 401 of the SDK's", async () => {
  for (const [status, name] of [
    [400, "InvalidTokenError"],
    [401, "InvalidTokenError"],
    [403, "InsufficientScopeError"],
    [429, "ServerError"],
    [500, "ServerError"],
    [503, "ServerError"],
  ]) {
    const judge = new Verifier(options);
    const body = JSON.stringify({ error_description: "said" });
    const error = new KeysUnavailableError({ code: "KEYS_UNAVAILABLE", status: 5, httpStatus: status, reason: "said" });
    judge.authorize = async () => ({ status, headers: {}, body, allowed: false, claims: undefined, error });
    const adapter = new OAuthTokenVerifier({ errors: esm1, verifier: judge, onRefusal() {} });
    await assert.rejects(adapter.verifyAccessToken(token), (thrown) => thrown instanceof esm1[name]);
  }
});

test("errors that are not the SDK's are refused at the start", () => {
  for (const errors of [undefined, null, {}, esm1.OAuthError, { OAuthError: esm1.OAuthError }]) {
    assert.throws(() => new OAuthTokenVerifier({ errors, verifier }), { code: "MISUSE" });
  }
  assert.throws(() => new OAuthTokenVerifier({ errors: esm1, verifer: verifier }), /"verifer" is no option/);
});

test("a tool checks scopes by itself", async () => {
  const info = await new OAuthTokenVerifier({ errors: esm1, verifier }).verifyAccessToken(token);
  assert.equal((await checkScopes(info, ["mcp:list"])).subject, "user_01");
  await assert.rejects(checkScopes(info, ["mcp:write"]), InsufficientScopeError);
  await assert.rejects(checkScopes({ ...info }, ["mcp:list"]), { code: "MISUSE" });
  assert.equal((await checkScopes({ ...info }, ["mcp:list"], verifier)).subject, "user_01");
  await assert.rejects(checkScopes({ token: made({ exp: past }) }, [], verifier), TokenError);
  await assert.rejects(checkScopes({ token: unjudged }, [], unreachable), KeysUnavailableError);
  await assert.rejects(checkScopes(undefined, []), { code: "MISUSE" });
});

/** A server of SDK 2.x, whose tools know their scopes by the SDK's own means or ask for them in the middle. */
const handler2 = esm2.createMcpHandler(() => {
  const server = new esm2.McpServer({ name: "test", version: "1" });
  const text = (text) => ({ content: [{ type: "text", text }] });
  server.registerTool("whoami", {}, (context) => text(context.http.authInfo.extra.claims.subject));
  server.registerTool("remove", { scopeChallenge: esm2.requireScopes("files:write") }, () => text("removed"));
  server.registerTool("check", {}, async (context) =>
    text((await checkScopes(context.http.authInfo, ["files:write"])).subject),
  );
  return server;
});

const guard2 = requireAuthKit({ verifier });
const node2 = toNodeHandler(handler2);
const fetch2 = withAuthKit((request) => handler2.fetch(request, { authInfo: request.auth }), { verifier });

for (const [face, listener] of [
  ["node:http", (request, response) => guard2(request, response, () => node2(request, response))],
  ["Fetch", getRequestListener((request) => fetch2(request))],
]) {
  test(`a server of SDK 2.x behind our guard, by ${face}`, async (t) => {
    const host = await listen(listener);
    t.after(() => host.close());
    const send = async (name, bearer) => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } });
      const headers = {
        authorization: `Bearer ${bearer}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      };
      const answer = await ask(host.port, { method: "POST", path: "/mcp", headers, body });
      return { ...answer, text: /"text":"([^"]*)"/.exec(answer.body)?.[1] };
    };
    assert.equal((await send("whoami", token)).text, "user_01");
    assert.equal((await send("whoami", "abc")).status, 401);
    const refused = await send("remove", token);
    assert.equal(refused.status, 403, refused.body);
    assert.ok(refused.headers["www-authenticate"].includes(`resource_metadata="${verifier.resourceMetadataUrl}"`));
    assert.match((await send("check", token)).body, /"isError":true/);
    const writer = made({ scope: "files:write" });
    assert.equal((await send("remove", writer)).text, "removed");
    assert.equal((await send("check", writer)).text, "user_01");
  });
}
