// The request as input: what the library decides about it, carried over whole.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  InsufficientScopeError,
  InvalidRequestError,
  KeysUnavailableError,
  MisuseError,
  NoCredentialsError,
  TokenError,
  Verifier,
} from "authkit-verifier";

import { RESOURCE, claimsOf, makeKey, mint, offline, startIssuer } from "./support/issuer.mjs";

const { options, token } = offline();
const verifier = new Verifier(options);
const bearer = `Bearer ${token}`;
const now = Math.floor(Date.now() / 1000);

const REFUSALS = [
  [undefined, {}, 401, NoCredentialsError, undefined],
  ["", {}, 401, NoCredentialsError, undefined],
  ["Basic dXNlcjpwYXNz", {}, 401, NoCredentialsError, undefined],
  ["Bearer", {}, 400, InvalidRequestError, "invalid_request"],
  [`${bearer}, ${bearer}`, {}, 400, InvalidRequestError, "invalid_request"],
  [`${bearer} x`, {}, 400, InvalidRequestError, "invalid_request"],
  [`${bearer}\r\nset-cookie: x`, {}, 400, InvalidRequestError, "invalid_request"],
  ["Bearer \u00e9\0", {}, 400, InvalidRequestError, "invalid_request"],
  [bearer, { query: `access_token=${token}` }, 400, InvalidRequestError, "invalid_request"],
  ["Bearer x.y.z", {}, 401, TokenError, "invalid_token"],
  [bearer, { now: now + 9999 }, 401, TokenError, "invalid_token"],
  [bearer, { requiredScopes: ["admin"] }, 403, InsufficientScopeError, "insufficient_scope"],
  [bearer, { anyScopes: ["admin", "owner"] }, 403, InsufficientScopeError, "insufficient_scope"],
];

test("a refusal is the response to send", async () => {
  for (const [authorization, demands, status, kind, error] of REFUSALS) {
    const decision = await verifier.authorize(authorization, demands);
    assert.deepEqual([decision.allowed, decision.claims, decision.status], [false, undefined, status], authorization);
    assert.equal(decision.error.constructor, kind);
    const challenge = decision.headers["www-authenticate"];
    assert.ok(challenge.endsWith(`resource_metadata="${verifier.resourceMetadataUrl}"`), challenge);
    assert.equal(challenge.includes("error="), error !== undefined, challenge);
    assert.equal(JSON.parse(decision.body).error, error);
    for (const text of Object.entries(decision.headers).flat()) {
      assert.match(text, /^[ -~]*$/);
    }
    assert.ok(!`${challenge}${decision.body}${decision.error}`.includes(token));
  }
});

test("a good token lets the request go on", async () => {
  for (const authorization of [bearer, `bEARER   ${token}`, ` ${bearer} `]) {
    const decision = await verifier.authorize(authorization, { query: "session=1" });
    assert.deepEqual([decision.allowed, decision.status, decision.error], [true, 200, undefined]);
    assert.equal(decision.claims.subject, "user_01");
  }
});

test("a challenge names all scopes of the operation", async () => {
  const narrow = new Verifier({ ...options, requiredScopes: ["openid"] });
  const { headers } = await narrow.authorize(bearer, { requiredScopes: ["read", "write"] });
  assert.ok(headers["www-authenticate"].includes('scope="openid read write"'), headers["www-authenticate"]);
});

test("many requests wait for the first keys together", async () => {
  const issuer = await startIssuer();
  const cold = new Verifier(issuer.options);
  try {
    const decisions = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        cold.authorize(`Bearer ${issuer.mint({ sub: `user_${index}` })}`, { requiredScopes: ["mcp:read"] }),
      ),
    );
    assert.deepEqual(
      decisions.map(({ claims }) => claims.subject),
      decisions.map((_, index) => `user_${index}`),
    );
    assert.equal(issuer.requests, 1);
  } finally {
    cold.close();
    issuer.stop();
  }
});

test("without keys the answer is 503 that says when", async () => {
  const issuer = await startIssuer();
  const { options: reachable } = issuer;
  const out = new Verifier(reachable);
  const candidate = `Bearer ${issuer.mint()}`;
  issuer.stop();
  const decision = await out.authorize(candidate);
  assert.equal(decision.status, 503);
  assert.equal(decision.error.constructor, KeysUnavailableError);
  assert.ok(Number(decision.headers["retry-after"]) >= 1);
  assert.equal(decision.headers["www-authenticate"], undefined);
  const metadata = await out.wellKnown("GET", "/.well-known/oauth-authorization-server");
  assert.equal(metadata.status, 503);
  out.close();
});

test("the resource metadata are served at both places", async () => {
  const named = new Verifier({ ...options, scopesSupported: ["read"], resourceName: "Files" });
  const { pathname } = new URL(named.resourceMetadataUrl);
  for (const path of [pathname, "/.well-known/oauth-protected-resource"]) {
    const response = await named.wellKnown("GET", path);
    assert.equal(response.status, 200);
    assert.equal(response.headers["access-control-allow-origin"], "*");
    const document = JSON.parse(response.body);
    assert.deepEqual([document.resource, document.resource_name], [RESOURCE, "Files"]);
    assert.deepEqual(document.scopes_supported, ["read"]);
    assert.equal((await named.wellKnown("OPTIONS", path)).status, 204);
    assert.equal((await named.wellKnown("POST", path)).status, 405);
  }
  assert.equal(await named.wellKnown("GET", "/mcp"), null);
});

test("what cannot be asked is rejected", async () => {
  const other = mint(makeKey("key-2"), claimsOf("https://issuer.example.com"));
  for (const call of [
    () => verifier.authorize(5),
    () => verifier.authorize(bearer, { requiredScopes: ["two words"] }),
    () => verifier.authorize(bearer, { scopes: ["a"] }),
    () => verifier.authorize(bearer, { query: {} }),
    () => verifier.authorize(bearer, null),
    () => verifier.wellKnown("GE\0T", "/"),
    () => verifier.verify(other, 5),
  ]) {
    await assert.rejects(call, MisuseError);
  }
  const closed = new Verifier(options);
  closed.close();
  await assert.rejects(() => closed.authorize(bearer), MisuseError);
  await assert.rejects(() => closed.wellKnown("GET", "/"), MisuseError);
});
