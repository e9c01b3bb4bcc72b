// The middlewares over real servers: every host sends what the library decides, for every verdict.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Verifier } from "authkit-verifier";

import { NAMES, serve } from "./support/hosts.mjs";
import { RESOURCE, claimsOf, makeKey, mint, offline, startIssuer } from "./support/issuer.mjs";
import { ask } from "./support/ask.mjs";

const { key, options, token } = offline();
const verifier = new Verifier({ ...options, requiredScopes: ["openid"] });
const now = Math.floor(Date.now() / 1000);
const made = (changes) => mint(key, claimsOf(options.authkitDomain, changes));

const TOOL_SCOPES = { read: [], remove: ["files:write"], share: ["files:share", "files:write"], constructor: ["never"] };
const GUARD = { verifier, requiredScopes: ["mcp:read"], toolScopes: TOOL_SCOPES };
const CHALLENGE = `resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`;

const call = (name, id = 1) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } });
const bearer = `Bearer ${token}`;
const json = { "content-type": "application/json" };
const post = (body, headers = {}) => ({ method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers: { authorization: bearer, ...json, ...headers } });

const invalid = (sentence, scopes = "openid mcp:read") =>
  `Bearer error="invalid_token", error_description="${sentence}", scope="${scopes}", ${CHALLENGE}`;

/** What is sent, the status, the challenge. */
const REFUSALS = [
  ["no credentials", {}, 401, `Bearer scope="openid mcp:read", ${CHALLENGE}`],
  ["another scheme", { headers: { authorization: "Basic dTpw" } }, 401, `Bearer scope="openid mcp:read", ${CHALLENGE}`],
  ["two Authorization lines", { headers: { authorization: [bearer, bearer] } }, 400, /^Bearer error="invalid_request"/],
  ["a line of another scheme first", { headers: { authorization: ["Basic dTpw", bearer] } }, 400, /^Bearer error="invalid_request"/],
  ["a token in the query", { path: `/mcp?access_token=${token}`, headers: { authorization: bearer } }, 400, /^Bearer error="invalid_request"/],
  ["no token after Bearer", { headers: { authorization: "Bearer" } }, 400, /^Bearer error="invalid_request"/],
  ["a token that is none", { headers: { authorization: "Bearer x.y.z" } }, 401, invalid("The access token is not a signed JWT")],
  ["an expired token without scopes", { headers: { authorization: `Bearer ${made({ exp: now - 900, scope: "" })}` } }, 401, invalid("The access token expired")],
  ["a token for another resource", { headers: { authorization: `Bearer ${made({ aud: "https://other.example" })}` } }, 401, invalid("The access token is meant for another resource")],
  ["a forged token", { headers: { authorization: `Bearer ${mint(makeKey("key-1"), claimsOf(options.authkitDomain))}` } }, 401, invalid("The access token's signature does not verify")],
  ["a token without a scope", { headers: { authorization: `Bearer ${made({ scope: "openid" })}` } }, 403, /^Bearer error="insufficient_scope", .*, scope="openid mcp:read", resource_metadata=/],
  ["no credentials, and a body", { ...post(call("read"), { authorization: undefined }) }, 401, `Bearer scope="openid mcp:read", ${CHALLENGE}`],
];

for (const name of NAMES) {
  test(`${name}`, async (t) => {
    const host = await serve(name, GUARD);
    after(() => host.close());
    const send = (request) => ask(host.port, { path: "/mcp", ...request });

    for (const [what, request, status, challenge] of REFUSALS) {
      await t.test(`refuses ${what}`, async () => {
        const answer = await send(request);
        assert.equal(answer.status, status);
        const sent = answer.headers["www-authenticate"];
        typeof challenge === "string" ? assert.equal(sent, challenge) : assert.match(sent, challenge);
        assert.equal(answer.headers["cache-control"], "no-store");
        assert.match(answer.headers["access-control-expose-headers"], /WWW-Authenticate/);
        assert.ok(!answer.body.includes(token));
        JSON.parse(answer.body);
      });
    }

    await t.test("lets a good token through, with its claims and AuthInfo", async () => {
      for (const request of [{ headers: { authorization: bearer } }, post(call("read")), { ...post(call("read")), chunked: true }]) {
        const { status, body } = await send(request);
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
          resourceMetadataUrl: verifier.resourceMetadataUrl,
        });
        assert.deepEqual(received, request.body === undefined ? {} : call("read"));
      }
    });
  });
}
