// OAuthTokenVerifier within the SDKs' own middleware, each build of each: the host must know the errors as its own.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import * as esm1 from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth as esmGuard1 } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import * as esm2 from "@modelcontextprotocol/server";
import { requireBearerAuth as esmGuard2 } from "@modelcontextprotocol/express";
import { InsufficientScopeError, KeysUnavailableError, TokenError, Verifier } from "authkit-verifier";
import { OAuthTokenVerifier, checkScopes } from "authkit-verifier/mcp";
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
  ["2.x, CommonJS", require("@modelcontextprotocol/server"), require("@modelcontextprotocol/express").requireBearerAuth],
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
        verifier: new OAuthTokenVerifier({ errors, verifier, onRefusal: (refusal) => refusals.push(refusal.code), ...changes }),
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
        assert.match(answer.headers["www-authenticate"], new RegExp(`^Bearer error="${error}", error_description="[^"\\\\]+", resource_metadata="[^"]+"$`));
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
