// What an accepted token gives: the core's own reading, as plain data too, and nothing that a token can poison.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import vm from "node:vm";

import { Verifier } from "authkit-verifier";

import { RESOURCE, claimsOf, makeKey, mint, offline, staticOptions } from "./support/issuer.mjs";

test("claims are the token's, under names of their own", () => {
  const { key, options } = offline();
  const now = 1_760_000_000;
  const payload = {
    ...claimsOf(options.authkitDomain, { iat: now, nbf: now - 5.5, exp: now + 300.75 }),
    aud: ["https://other.example", RESOURCE],
    org_id: "org_01",
    act: { sub: "agent_01", act: { sub: "agent_00" } },
    roles: ["admin"],
    permissions: "all",
    entitlements: ["audit"],
    feature_flags: ["beta"],
  };
  using(new Verifier({ ...options, now }), (verifier) => {
    const claims = verifier.tryVerify(mint(key, payload));
    const expected = {
      payload,
      header: { alg: "RS256", kid: "key-1" },
      issuer: "https://issuer.example.com",
      subject: "user_01",
      audience: ["https://other.example", RESOURCE],
      resource: RESOURCE,
      clientId: "client_01",
      orgId: "org_01",
      sessionId: undefined,
      role: undefined,
      roles: ["admin"],
      permissions: [],
      entitlements: ["audit"],
      featureFlags: ["beta"],
      actor: "agent_01",
      actors: ["agent_01", "agent_00"],
      isImpersonated: false,
      kind: "user",
      isMachine: false,
      family: "connect",
      scopes: ["openid", "mcp:read"],
      expiresAt: now + 300,
      issuedAt: now,
      notBefore: now - 6,
      keyId: "key-1",
      algorithm: "RS256",
    };
    assert.deepEqual(claims.toJSON(), expected);
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(claims[name], value, name);
      assert.equal(claims[name], claims[name], `${name} is parsed once`);
    }
  });
});

test("what a token does not say is undefined", () => {
  const key = makeKey("only");
  const options = staticOptions(key, { authkitDomain: undefined, jwks: undefined });
  options.issuers = {
    "https://issuer.example.com": { jwks: { keys: [key.jwk] }, audience: "not_checked" },
  };
  const payload = { iss: "https://issuer.example.com", sub: "user_01", exp: Math.floor(Date.now() / 1000) + 60 };
  using(new Verifier(options), (verifier) => {
    const claims = verifier.tryVerify(mint(key, payload, { kid: undefined }));
    assert.deepEqual(claims.audience, []);
    assert.deepEqual(claims.scopes, []);
    assert.equal(claims.clientId, "user_01");
    for (const name of ["resource", "issuedAt", "notBefore", "keyId"]) {
      assert.ok(name in claims);
      assert.equal(claims[name], undefined, name);
    }
  });
});

test("the family is the issuer's, and a machine is told where it is certain", () => {
  const { key, options } = offline();
  const session = new Verifier({
    ...options,
    authkitDomain: undefined,
    jwks: undefined,
    issuers: { [options.authkitDomain]: { jwks: options.jwks, family: "session", audience: "if_present" } },
    sessionClientId: "client_01",
  });
  const machine = { sub: "client_01", client_id: "client_01", aud: undefined };
  using(session, (verifier) => {
    verifier.setJwks(options.jwks, "https://api.workos.com/user_management/client_01");
    const claims = verifier.tryVerify(mint(key, claimsOf(options.authkitDomain, machine)));
    assert.deepEqual([claims.family, claims.kind, claims.isMachine], ["session", "machine", true]);
    const acted = { act: { sub: "admin_01" }, sid: "session_01" };
    const impersonated = verifier.tryVerify(mint(key, claimsOf(options.authkitDomain, acted)));
    assert.deepEqual([impersonated.isImpersonated, impersonated.actors], [true, ["admin_01"]]);
    const agent = { ...acted, sub_profile: "ai_agent" };
    assert.equal(verifier.tryVerify(mint(key, claimsOf(options.authkitDomain, agent))).isImpersonated, false);
    for (const name of ["client_id", "azp"]) {
      const other = mint(key, claimsOf(options.authkitDomain, { [name]: "client_02" }));
      assert.throws(() => verifier.tryVerify(other), { code: "AUDIENCE" }, name);
    }
    assert.match(verifier.describe(), /sso\/jwks\/client_01/);
  });
});

test("claims are frozen throughout, and their plain data can be cloned, as JSON too", () => {
  const { options, token } = offline({ act: { sub: "a" }, roles: ["x", { y: [1] }] });
  using(new Verifier(options), (verifier) => {
    const claims = verifier.tryVerify(token);
    const data = claims.toJSON();
    assertFrozen(claims);
    assertFrozen(data);
    assert.deepEqual(structuredClone(data), data);
    assert.deepEqual(JSON.parse(JSON.stringify(claims)).payload, claims.payload);
    assert.equal(Object.getPrototypeOf(data), Object.prototype);
    for (const name of Object.keys(data)) {
      assert.throws(() => (claims[name] = "another"), TypeError, name);
    }
  });
});

test("claims that are cloned as they are, and so would lose everything, throw", () => {
  const { options, token } = offline();
  using(new Verifier(options), (verifier) => {
    assert.throws(() => structuredClone(verifier.tryVerify(token)), { name: "DataCloneError" });
  });
});

test("claims are equal where they say the same", () => {
  const { key, options, token } = offline();
  const other = mint(key, claimsOf(options.authkitDomain, { sub: "user_02" }));
  using(new Verifier({ ...options, tokenCacheSize: 0 }), (verifier) => {
    const claims = verifier.tryVerify(token);
    assert.ok(claims.subject);
    assert.deepEqual(claims, verifier.tryVerify(token));
    assert.notDeepEqual(claims, verifier.tryVerify(other));
  });
});

test("a claim named __proto__ is a claim and changes no prototype", () => {
  const { key, options } = offline();
  const claims = JSON.stringify(claimsOf(options.authkitDomain));
  const payload = `${claims.slice(0, -1)},"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}`;
  using(new Verifier(options), (verifier) => {
    const { payload: read } = verifier.tryVerify(mint(key, payload, { ["__proto__"]: { admin: true } }));
    assert.equal({}.admin, undefined);
    assert.equal(read.admin, undefined);
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.deepEqual(Object.getOwnPropertyDescriptor(read, "__proto__").value, { admin: true });
    assert.equal(structuredClone(read).admin, undefined);
  });
});

test("text of every plane arrives whole", () => {
  const name = "Zoë 🦀 \u2028 \"quoted\" \\ €";
  const { options, token } = offline({ sub: name, client_id: name, name });
  using(new Verifier(options), (verifier) => {
    const { subject, clientId, payload } = verifier.tryVerify(token);
    assert.deepEqual([subject, clientId, payload.name], [name, name, name]);
  });
});

test("a token may be bytes, of any kind and realm", () => {
  const { options, token } = offline();
  const bytes = Buffer.from(token);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  const foreign = vm.runInNewContext("Uint8Array.from(bytes)", { bytes });
  const offset = new Uint8Array(Buffer.from(`xx${token}yy`)).subarray(2, 2 + bytes.length);
  using(new Verifier(options), (verifier) => {
    for (const form of [bytes, new Uint8Array(bytes), shared, foreign, offset]) {
      assert.equal(verifier.tryVerify(form).subject, "user_01");
    }
  });
});

test("an error and a verifier that are printed show no token", () => {
  const { options, token } = offline({ exp: 1 });
  using(new Verifier(options), (verifier) => {
    assert.throws(
      () => verifier.tryVerify(token),
      (error) => {
        for (const text of [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), error.stack]) {
          assert.ok(!token.split(".").some((part) => text.includes(part)));
        }
        return true;
      },
    );
    assert.ok(!inspect(verifier, { depth: 9, showHidden: true }).includes(options.jwks.keys[0].n));
  });
});

function assertFrozen(value) {
  if (typeof value === "object" && value !== null) {
    assert.ok(Object.isFrozen(value));
    Object.values(value).forEach(assertFrozen);
  }
}

function using(verifier, body) {
  try {
    body(verifier);
  } finally {
    verifier.close();
  }
}
