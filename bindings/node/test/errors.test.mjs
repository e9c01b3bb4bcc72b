// Refusals: each with its class, code, HTTP status and words, however it is asked.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  AuthKitError,
  ConfigError,
  InsufficientScopeError,
  MisuseError,
  TokenError,
  Verifier,
  WouldBlockError,
} from "authkit-verifier";

import { claimsOf, makeKey, mint, offline, staticOptions } from "./support/issuer.mjs";

const { key, options, token } = offline();
const verifier = new Verifier(options);
const now = Math.floor(Date.now() / 1000);

/** The error of one call, which must be the same from every way to verify. */
async function refusal(candidate, callOptions, by = verifier) {
  const failures = [];
  for (const call of [
    () => by.verify(candidate, callOptions),
    async () => by.verifySync(candidate, callOptions),
    async () => by.tryVerify(candidate, callOptions),
  ]) {
    failures.push(await call().then(() => assert.fail("accepted"), (error) => error));
  }
  const [first, ...others] = failures;
  assert.ok(first instanceof AuthKitError && first instanceof Error, String(first));
  for (const other of others) {
    assert.equal(other.constructor, first.constructor);
    assert.deepEqual({ ...other }, { ...first });
  }
  return first;
}

const signed = (changes, header) => mint(key, claimsOf(options.authkitDomain, changes), header);
const tampered = `${token.slice(0, -8)}${token.at(-8) === "A" ? "B" : "A"}${token.slice(-7)}`;

const refused = [
  ["an empty token", "", "MALFORMED"],
  ["empty bytes", new Uint8Array(0), "MALFORMED"],
  ["an opaque token", "sk_live_abc", "MALFORMED"],
  ["a NUL after the token", `${token}\0`, "MALFORMED"],
  ["a NUL and more after the token", `${token}\0.evil`, "MALFORMED"],
  ["a NUL before the token", `\0${token}`, "MALFORMED"],
  ["a lone surrogate", `${token}\ud800`, "MALFORMED"],
  ["bytes that are not UTF-8", new Uint8Array([...Buffer.from(token), 0xff]), "MALFORMED"],
  ["more than a token may have", "a".repeat(17_000), "TOO_LARGE"],
  ["far more, as text", "é".repeat(200_000), "TOO_LARGE"],
  ["far more, as bytes", new Uint8Array(1_000_000), "TOO_LARGE"],
  ["a prefix left in place", `Bearer ${token}`, "MALFORMED"],
  ["alg none", signed({}, { alg: "none" }), "ALGORITHM"],
  ["an unknown critical header", signed({}, { crit: ["x"] }), "CRITICAL_HEADER"],
  ["another type of token", signed({}, { typ: "dpop+jwt" }), "TYPE"],
  ["an ID token", signed({ nonce: "n-0S6" }), "TYPE"],
  ["an ID token of an empty hash", signed({ at_hash: null }), "TYPE"],
  ["a token that is bound to a key", signed({ cnf: { jkt: "x" } }), "CLAIM"],
  ["a token that is bound to nothing", signed({ cnf: null }), "CLAIM"],
  ["an unknown key", signed({}, { kid: "key-9" }), "UNKNOWN_KEY"],
  ["a changed signature", tampered, "SIGNATURE"],
  ["an expired token", signed({ exp: now - 120 }), "EXPIRED"],
  ["a token of the future", signed({ nbf: now + 600 }), "NOT_YET_VALID"],
  ["no subject", signed({ sub: undefined }), "CLAIM"],
  ["another issuer", signed({ iss: "https://evil.example.com" }), "ISSUER"],
  ["another audience", signed({ aud: "https://other.example.com" }), "AUDIENCE"],
];

for (const [name, candidate, code] of refused) {
  test(`refuses ${name}: ${code}`, async () => {
    const error = await refusal(candidate);
    assert.ok(error instanceof TokenError);
    assert.equal(error.name, "TokenError");
    assert.equal(error.code, code);
    assert.equal(error.httpStatus, 401);
    assert.equal(error.error, "invalid_token");
    assert.equal(error.status & 0xff, 3);
    assert.ok(error.reason.length > 0 && error.message.startsWith(error.reason));
  });
}

test("a missing scope is 403, whoever demands it", async () => {
  const byCall = await refusal(token, { requiredScopes: ["mcp:read", "mcp:write"] });
  const strict = new Verifier({ ...options, requiredScopes: ["mcp:write"] });
  const byConfiguration = await refusal(token, undefined, strict);
  strict.close();
  for (const error of [byCall, byConfiguration]) {
    assert.ok(error instanceof InsufficientScopeError);
    assert.deepEqual([error.code, error.httpStatus, error.error], ["SCOPE", 403, "insufficient_scope"]);
    assert.match(error.reason, /mcp:write/);
  }
});

test("one of several scopes is enough, and none of them is 403 with all their names", async () => {
  assert.equal((await verifier.verify(token, { anyScopes: ["mcp:write", "mcp:read"] })).subject, "user_01");
  const error = await refusal(token, { anyScopes: ["mcp:write", "mcp:admin"], requiredScopes: ["a"] });
  assert.equal(error.code, "SCOPE");
  assert.match(error.reason, /the scope a; and every one of mcp:write mcp:admin/);
});

test("a hint is part of the message", async () => {
  const error = await refusal(signed({ aud: "client_01" }));
  assert.equal(error.code, "AUDIENCE");
  assert.ok(error.hint);
  assert.equal(error.message, `${error.reason} (${error.hint})`);
});

test("a call's demands are met", async () => {
  assert.equal((await verifier.verify(token, { requiredScopes: ["mcp:read"] })).subject, "user_01");
  assert.equal((await verifier.verify(token, {})).subject, "user_01");
  assert.equal((await verifier.verify(token, { requiredScopes: undefined, now: undefined })).subject, "user_01");
  const old = signed({ iat: 1_000, exp: 2_000 });
  assert.equal((await verifier.verify(old, { now: 1_500 })).expiresAt, 2_000);
  assert.equal((await refusal(token, { now: now + 86_400 })).code, "EXPIRED");
});

const misuses = [
  ["no token", undefined, undefined],
  ["a null token", null, undefined],
  ["a number as token", 7, undefined],
  ["an array as token", [token], undefined],
  ["a String object as token", new String(token), undefined],
  ["null as options", token, null],
  ["a misspelt option", token, { requiredScope: ["mcp:write"] }],
  ["scopes that are not a list", token, { requiredScopes: "mcp:read" }],
  ["null for scopes", token, { requiredScopes: null }],
  ["a scope that is not text", token, { requiredScopes: [undefined] }],
  ["two scopes in one", token, { requiredScopes: ["mcp:read mcp:write"] }],
  ["a scope that a NUL would cut short", token, { requiredScopes: ["mcp:read\0mcp:write"] }],
  ["an empty scope", token, { requiredScopes: [""] }],
  ["any of no scopes", token, { anyScopes: [] }],
  ["any of an empty scope", token, { anyScopes: ["mcp:read", ""] }],
  ["any of two scopes in one", token, { anyScopes: ["mcp:read mcp:write"] }],
  ["any of a text", token, { anyScopes: "mcp:read" }],
  ["any of a scope that a NUL would cut short", token, { anyScopes: ["mcp:read\0x"] }],
  ["null for any scopes", token, { anyScopes: null }],
  ["a fraction as time", token, { now: 1.5 }],
  ["NaN as time", token, { now: Number.NaN }],
  ["null as time", token, { now: null }],
];

for (const [name, candidate, callOptions] of misuses) {
  test(`${name} is misuse, not a verdict`, async () => {
    const error = await refusal(candidate, callOptions);
    assert.ok(error instanceof MisuseError, String(error));
    assert.deepEqual([error.code, error.httpStatus, error.error], ["MISUSE", 500, undefined]);
  });
}

test("keys that are not there yet are told from a bad token", () => {
  // Nothing is asked of this address: the call does not wait, and the process may end.
  const cold = new Verifier({ ...options, jwks: undefined, authkitDomain: "http://127.0.0.1:9", allowInsecureLoopback: true });
  assert.throws(
    () => cold.tryVerify(mint(key, claimsOf("http://127.0.0.1:9"))),
    (error) => error instanceof WouldBlockError && error.code === "WOULD_BLOCK",
  );
  cold.close();
});

const configurations = [
  ["nothing", {}],
  ["an unknown option", staticOptions(key, { requiredScope: ["a"] })],
  ["an option twice under two spellings", staticOptions(key, { requiredScopes: ["a"], required_scopes: [] })],
  ["http", staticOptions(key, { authkitDomain: "http://issuer.example.com" })],
  ["a leeway beyond the limit", staticOptions(key, { leeway: 301 })],
  ["a fraction as leeway", staticOptions(key, { leeway: 0.5 })],
  ["NaN as age", staticOptions(key, { maxTokenAge: Number.NaN })],
  ["Infinity as age", staticOptions(key, { maxTokenAge: Number.POSITIVE_INFINITY })],
  ["a BigInt", staticOptions(key, { leeway: 5n })],
  ["a function for a list", staticOptions(key, { requiredScopes: () => ["a"] })],
  ["a hole in a list", staticOptions(key, { requiredScopes: [undefined] })],
  ["a Set for a list", staticOptions(key, { requiredScopes: new Set(["a"]) })],
  ["a number for text", staticOptions(key, { mcpPath: 7 })],
  ["an algorithm that is none", staticOptions(key, { algorithms: ["HS256"] })],
  ["an unknown option of an issuer", staticOptions(key, { issuers: { "https://i.example.com": { jwksURI: "x" } } })],
  ["keys that are none", staticOptions(key, { jwks: { keys: [] } })],
  ["a session client id that leads elsewhere", staticOptions(key, { sessionClientId: "../x" })],
  ["keys beside others", staticOptions(key, { authkitDomain: undefined, issuers: { "https://i.example.com": "https://i.example.com/k" } })],
  ["an audience rule that is none", staticOptions(key, { issuers: { "https://i.example.com": { audience: "maybe" } } })],
  ["text for options", "https://issuer.example.com"],
  ["null for options", null],
];

for (const [name, wrong] of configurations) {
  test(`a configuration of ${name} makes no verifier`, () => {
    assert.throws(
      () => new Verifier(wrong),
      (error) => (error instanceof ConfigError || error instanceof MisuseError) && error.httpStatus === 500,
    );
  });
}

test("options are the library's settings under JavaScript names", () => {
  const all = new Verifier({
    authkitDomain: undefined,
    baseUrl: "https://mcp.example.com",
    mcpPath: "/tools",
    audiences: ["https://mcp.example.com/tools", "https://alias.example.com"],
    acceptClientIdAudience: ["client_01"],
    ignoreTrailingSlash: true,
    requiredScopes: ["read"],
    scopeClaims: ["permissions"],
    scopeHierarchy: { camelCase: ["read"] },
    issuers: {
      "https://issuer.example.com": { jwks: JSON.stringify({ keys: [key.jwk] }), audience: "required" },
      "https://second.example.com": null,
      "https://third.example.com": "https://third.example.com/keys",
      "https://fourth.example.com": { jwksUrl: "https://fourth.example.com/keys" },
    },
    algorithms: ["RS256", "ES256"],
    leeway: 0,
    maxTokenAge: 100,
    typ: "any",
    now,
    allowInsecureLoopback: false,
  });
  assert.equal(all.resource, "https://mcp.example.com/tools");
  const claims = { permissions: ["camelCase"], aud: "https://alias.example.com/", iat: now, exp: now + 1 };
  assert.equal(all.tryVerify(signed(claims)).resource, "https://alias.example.com");
  assert.throws(() => all.tryVerify(signed({ ...claims, exp: now })), { code: "EXPIRED" });
  assert.throws(() => all.tryVerify(signed({ ...claims, iat: now - 101 })), { code: "EXPIRED" });
  all.close();
});

test("keys can be given and replaced", () => {
  const next = makeKey("key-2");
  const changing = new Verifier(options);
  for (const document of [
    { keys: [next.jwk] },
    JSON.stringify({ keys: [next.jwk] }),
    Buffer.from(JSON.stringify({ keys: [next.jwk] })),
  ]) {
    changing.setJwks({ keys: [key.jwk] });
    assert.equal(changing.tryVerify(token).keyId, "key-1");
    changing.setJwks(document, options.authkitDomain);
    assert.throws(() => changing.tryVerify(token), { code: "UNKNOWN_KEY" });
    assert.equal(changing.tryVerify(mint(next, claimsOf(options.authkitDomain))).keyId, "key-2");
  }
  for (const wrong of [{ keys: [] }, "", "<html>", new Uint8Array(0)]) {
    assert.throws(() => changing.setJwks(wrong), ConfigError);
  }
  assert.throws(() => changing.setJwks({ keys: [key.jwk] }, "https://other.example.com"), ConfigError);
  for (const wrong of [undefined, null, 7]) {
    assert.throws(() => changing.setJwks(wrong), MisuseError);
  }
  assert.throws(() => changing.setJwks({ keys: [key.jwk] }, `${options.authkitDomain}\0x`), MisuseError);
  assert.equal(changing.tryVerify(mint(next, claimsOf(options.authkitDomain))).keyId, "key-2");
  changing.close();
});
