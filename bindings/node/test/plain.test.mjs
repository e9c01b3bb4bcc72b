// Options that say less than whoever wrote them meant: what is inherited, hidden or not awaited is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { MisuseError, Verifier } from "authkit-verifier";
import { requireAuthKit } from "authkit-verifier/express";

import { offline } from "./support/issuer.mjs";

const { options, token } = offline();
const verifier = new Verifier(options);

/** Objects that hold these members in ways that a look at their own ones does not see. */
function disguised(members) {
  const entries = Object.entries(members);
  class Class {}
  for (const [name, value] of entries) {
    Object.defineProperty(Class.prototype, name, { get: () => value });
  }
  const hidden = {};
  for (const [name, value] of entries) {
    Object.defineProperty(hidden, name, { value, enumerable: false });
  }
  const bare = Object.assign(Object.create(null), members);
  return [new Class(), hidden, Object.create(members), Object.create(bare), new Map(entries), Promise.resolve(members)];
}

test("what is demanded by a call is not lost in an object that is no plain one", async () => {
  for (const demands of disguised({ requiredScopes: ["nobody:has"] })) {
    await assert.rejects(verifier.verify(token, demands), MisuseError);
    assert.throws(() => verifier.verifySync(token, demands), MisuseError);
    assert.throws(() => verifier.tryVerify(token, demands), MisuseError);
    await assert.rejects(verifier.authorize(`Bearer ${token}`, demands), MisuseError);
  }
});

test("settings and tools' scopes are not lost either", () => {
  for (const settings of disguised({ ...options, requiredScopes: ["nobody:has"] })) {
    assert.throws(() => new Verifier(settings), MisuseError);
  }
  for (const toolScopes of disguised({ save: ["nobody:has"] })) {
    assert.throws(() => requireAuthKit({ verifier, toolScopes }), MisuseError);
  }
  for (const guard of disguised({ verifier, requiredScopes: ["nobody:has"] })) {
    assert.throws(() => requireAuthKit(guard), MisuseError);
  }
});

test("plain objects are taken from wherever they come", async () => {
  for (const demands of [{}, Object.create(null), runInNewContext("({ requiredScopes: [] })"), Object.freeze({ now: undefined })]) {
    assert.equal((await verifier.verify(token, demands)).subject, verifier.tryVerify(token).subject);
  }
});
