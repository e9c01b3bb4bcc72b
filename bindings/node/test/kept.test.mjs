// What is kept of a token that comes again: found by the library's ticket, good only as long as the token is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Verifier } from "authkit-verifier";

import { makeKey, offline } from "./support/issuer.mjs";
import { watch } from "./support/native.mjs";

/** A verifier and a token that it has kept, with the claims that were made of it. */
function kept(settings = {}) {
  const { options, token, key } = offline();
  const verifier = new Verifier({ ...options, ...settings });
  verifier.tryVerify(token);
  const claims = verifier.tryVerify(token);
  return { verifier, token, claims, key };
}

test("a token that comes again is answered with the same claims", async () => {
  const { verifier, token, claims } = kept();
  assert.equal(verifier.tryVerify(token), claims);
  assert.equal(verifier.verifySync(Buffer.from(token)), claims);
  assert.equal(await verifier.verify(token), claims);
  assert.equal((await verifier.authorize(`Bearer ${token}`)).claims, claims);
  assert.deepEqual(verifier.stats().verdicts, { OK: 6 });
  assert.equal(verifier.stats().token_cache.hits, 4);
  assert.equal(verifier.stats().token_cache.entries, 1);
});

test("a request that comes again is answered with the same claims", async () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  const ask = (more) => verifier.authorize(`Bearer ${token}`, more);
  const decisions = [await ask(), await ask(), await ask(), await ask()];
  assert.ok(decisions.every(({ allowed, status }) => allowed && status === 200));
  assert.equal(decisions[3].claims, decisions[1].claims);
  assert.deepEqual(decisions[3], decisions[0]);
  assert.equal((await ask({ query: "access_token=x" })).status, 400);
  assert.equal((await ask({ requiredScopes: ["nobody:has"] })).status, 403);
});

test("where no token comes again it is not asked until one does", async () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  let asked = 0;
  const ends = ["verifierRecall", "verifierRecallRequest"].map((name) => watch(name, () => asked++));
  try {
    for (let number = 0; number < 10; number++) {
      assert.throws(() => verifier.tryVerify(`none-${number}`), { code: "MALFORMED" });
      assert.equal((await verifier.authorize(`Bearer none-${number}`)).status, 401);
    }
    assert.equal(asked, 4);
    verifier.tryVerify(token);
    const claims = await verifier.verify(token);
    assert.equal(asked, 4);
    // What is told of again without being asked is judged as well, and is what it was.
    assert.throws(() => verifier.tryVerify(token, { now: claims.expiresAt + 61 }), { code: "EXPIRED" });
    assert.equal((await verifier.authorize(`Bearer ${token}`)).claims, claims);
    assert.equal(asked, 4);
    assert.equal(verifier.tryVerify(token), claims);
    assert.equal((await verifier.authorize(`Bearer ${token}`)).claims, claims);
    assert.equal(asked, 6);
  } finally {
    ends.forEach((end) => end());
  }
});

test("times and scopes are judged each time", async () => {
  const { verifier, token, claims } = kept();
  const later = claims.expiresAt + 61;
  assert.throws(() => verifier.tryVerify(token, { now: later }), { code: "EXPIRED" });
  await assert.rejects(verifier.verify(token, { now: later }), { code: "EXPIRED" });
  assert.throws(() => verifier.tryVerify(token, { requiredScopes: ["nobody:has"] }), { code: "SCOPE" });
  assert.throws(() => verifier.tryVerify(token, { anyScopes: ["nobody:has"] }), { code: "SCOPE" });
  assert.equal(verifier.tryVerify(token, { requiredScopes: claims.scopes }), claims);
});

test("other keys end it, and the same keys given anew make it be verified anew", () => {
  const { verifier, token, claims, key } = kept();
  verifier.setJwks({ keys: [makeKey("another").jwk] });
  assert.throws(() => verifier.tryVerify(token), { code: "UNKNOWN_KEY" });
  verifier.setJwks({ keys: [key.jwk] });
  const again = verifier.tryVerify(token);
  assert.notEqual(again, claims);
  assert.deepEqual(again, claims);
});

test("closing ends it, and leaves the claims", () => {
  const { verifier, token, claims } = kept();
  verifier.close();
  assert.throws(() => verifier.tryVerify(token), { code: "MISUSE" });
  assert.equal(claims.payload.sub, claims.subject);
});

test("another configuration shares nothing", () => {
  const { options, token } = offline();
  const [one, other] = [new Verifier(options), new Verifier({ ...options, audiences: ["https://other.example"] })];
  for (let count = 0; count < 3; count++) {
    assert.ok(one.tryVerify(token));
    assert.throws(() => other.tryVerify(token), { code: "AUDIENCE" });
  }
});

test("nothing is kept where that is off", () => {
  const { verifier, token, claims } = kept({ tokenCacheSize: 0 });
  assert.notEqual(verifier.tryVerify(token), claims);
  assert.deepEqual(verifier.stats().token_cache, { entries: 0, bytes: 0, hits: 0 });
});

test("claims are printed as the data that they are", () => {
  const { claims } = kept();
  assert.equal(inspect(claims, { depth: 9 }), inspect(claims.toJSON(), { depth: 9 }));
  assert.match(inspect(claims), /subject: 'user_01'/);
  for (const depth of [0, 1, 2]) {
    assert.equal(inspect({ claims }, { depth }), inspect({ claims: claims.toJSON() }, { depth }));
  }
});
