// Closing, dropping and freeing: nothing is used after its end and nothing is left behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";

import { MisuseError, Verifier } from "authkit-verifier";

import { offline, startIssuer } from "./support/issuer.mjs";
import { native, watch } from "./support/native.mjs";

test("a closed verifier refuses every call", async () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  verifier.close();
  verifier.close();
  const refused = (error) => error instanceof MisuseError && /closed/.test(error.reason);
  assert.throws(() => verifier.tryVerify(token), refused);
  assert.throws(() => verifier.verifySync(token), refused);
  assert.throws(() => verifier.setJwks(options.jwks), refused);
  await assert.rejects(verifier.verify(token), refused);
  await assert.rejects(verifier.refresh(), refused);
  await assert.rejects(verifier.waitReady(), refused);
  assert.throws(() => verifier.stats(), refused);
  assert.throws(() => verifier.events(), refused);
  assert.equal(verifier.closed, true);
  assert.equal(verifier.resource, options.resource);
});

test("claims outlive their verifier", () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  const claims = verifier.tryVerify(token);
  verifier.close();
  assert.equal(claims.subject, "user_01");
});

test("a verifier is disposed of at the end of its scope", () => {
  const { options } = offline();
  let freed = 0;
  const unwatch = watch("verifierFree", () => freed++);
  const verifier = new Verifier(options);
  verifier[Symbol.dispose]();
  assert.equal(freed, 1);
  unwatch();
});

test("closing lets verifications under way end, and frees after the last", async () => {
  const issuer = await startIssuer();
  let freed = 0;
  const unwatch = watch("verifierFree", () => freed++);
  try {
    const verifier = new Verifier(issuer.options);
    issuer.hold();
    const asked = issuer.asked();
    const waiting = Array.from({ length: 20 }, () => verifier.verify(issuer.mint()));
    const refresh = verifier.refresh();
    await asked;
    verifier.close();
    verifier.close();
    await assert.rejects(verifier.verify(issuer.mint()), MisuseError);
    assert.equal(freed, 0);
    issuer.release();
    for (const claims of await Promise.all(waiting)) {
      assert.equal(claims.subject, "user_01");
    }
    await refresh;
    await new Promise(setImmediate);
    assert.equal(freed, 1);
  } finally {
    unwatch();
    issuer.stop();
  }
});

test("a dropped verifier is freed by and by, unless it is still at work", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc");
  const issuer = await startIssuer();
  let freed = 0;
  const unwatch = watch("verifierFree", () => freed++);
  const collected = async (count) => {
    for (let turn = 0; turn < 1000 && freed < count; turn++) {
      collect();
      await new Promise(setImmediate);
    }
  };
  try {
    issuer.hold();
    const asked = issuer.asked();
    const waiting = new Verifier(issuer.options).verify(issuer.mint());
    const { options } = offline();
    (() => Array.from({ length: 10 }, () => new Verifier(options)))();
    await asked;
    await collected(10);
    assert.equal(freed, 10);
    issuer.release();
    assert.equal((await waiting).subject, "user_01");
    await collected(11);
    assert.equal(freed, 11);
  } finally {
    unwatch();
    issuer.stop();
  }
});

test("whatever the library hands out is freed, once", async () => {
  const live = new Map();
  const unwatchers = [];
  const given = (kind, pointer) => {
    if (pointer) {
      assert.ok(!live.has(pointer));
      live.set(pointer, kind);
    }
  };
  const makes = (name, kind, slotAt) =>
    unwatchers.push(
      watch(name, (parameters, result) => {
        given(kind, slotAt === undefined ? result : result === 0 && parameters.at(slotAt)[0]);
        const error = parameters.at(-1);
        if (slotAt !== undefined || name === "policyRequireScope") {
          given("error", result !== 0 && error[0]);
        }
      }),
    );
  const frees = (name, kind) =>
    unwatchers.push(
      watch(name, ([pointer]) => {
        assert.equal(live.get(pointer), kind);
        live.delete(pointer);
      }),
    );
  makes("configFromJson", "config", -2);
  makes("policyNew", "policy");
  makes("policyRequireScope", "nothing", -1);
  makes("verifierNew", "verifier", -2);
  unwatchers.push(
    watch("verifierTryWellKnown", (parameters, result) => {
      given("response", parameters.at(-2)[0]);
      given("error", result !== 0 && parameters.at(-1)[0]);
    }),
  );
  makes("verifierStats", "stats", -2);
  makes("verifierNextEvent", "event");
  for (const kind of ["config", "policy", "verifier", "response", "error", "stats", "event"]) {
    frees(`${kind}Free`, kind);
  }

  const issuer = await startIssuer();
  try {
    const verifier = new Verifier(issuer.options);
    const good = issuer.mint();
    const calls = () => [
      verifier.verify(good, { requiredScopes: ["mcp:read"] }),
      verifier.verify(good, { requiredScopes: ["mcp:write"] }),
      verifier.verify(good, { requiredScopes: ["not a scope"] }),
      verifier.verify(good, { requiredScopes: ["mcp:read", 7] }),
      verifier.verify("x", { now: 1 }),
      verifier.verify(undefined, { now: 1 }),
      verifier.verify(good),
      verifier.authorize(`Bearer ${good}`, { requiredScopes: ["mcp:read"] }),
      verifier.authorize(`Bearer ${good}`, { requiredScopes: ["mcp:write"] }),
      verifier.authorize(undefined),
      verifier.wellKnown("GET", "/.well-known/oauth-authorization-server"),
      verifier.wellKnown("GET", "/elsewhere"),
    ];
    const cold = await Promise.allSettled([...calls(), ...calls()]);
    const warm = await Promise.allSettled([...calls(), ...calls()]);
    assert.deepEqual(cold.map(({ status }) => status), warm.map(({ status }) => status));
    assert.ok(cold.some(({ status }) => status === "fulfilled"));
    assert.throws(() => new Verifier({ nope: 1 }));
    assert.throws(() => new Verifier({ leeway: 1 }));
    assert.equal(verifier.stats().issuers.length, 1);
    assert.ok(verifier.events().length > 0);
    verifier.close();
    await new Promise(setImmediate);
    assert.deepEqual([...live.values()], []);
  } finally {
    unwatchers.forEach((unwatch) => unwatch());
    issuer.stop();
  }
});

test("a worker thread that cannot be had is a refusal, not a hang", async () => {
  const issuer = await startIssuer();
  const original = native.verifierWait;
  native.verifierWait = Object.assign(() => assert.fail(), {
    async: () => {
      throw new Error("Too many asynchronous calls are running");
    },
  });
  try {
    const verifier = new Verifier(issuer.options);
    const verdicts = await Promise.allSettled([1, 2, 3].map(() => verifier.verify(issuer.mint())));
    for (const { reason } of verdicts) {
      assert.equal(reason?.code, "INTERNAL");
      assert.match(reason.reason, /Too many asynchronous calls/);
    }
    await new Promise(setImmediate);
    verifier.close();
  } finally {
    native.verifierWait = original;
    issuer.stop();
  }
});

/** Ways into the library that read what the caller's own code gives, as `[name, call(verifier, meanwhile)]`. */
function reentrant(token, jwks) {
  const options = (meanwhile) => ({
    get requiredScopes() {
      meanwhile();
      return ["mcp:read"];
    },
  });
  const scopes = (meanwhile) => ({
    anyScopes: Object.assign(["mcp:read"], {
      *[Symbol.iterator]() {
        meanwhile();
        yield "mcp:read";
      },
    }),
  });
  const document = (meanwhile) => ({
    toJSON() {
      meanwhile();
      return jwks;
    },
  });
  return [
    ["tryVerify", (verifier, meanwhile) => verifier.tryVerify(token, options(meanwhile))],
    ["tryVerify, scopes", (verifier, meanwhile) => verifier.tryVerify(token, scopes(meanwhile))],
    ["verifySync", (verifier, meanwhile) => verifier.verifySync(token, options(meanwhile))],
    ["verify", (verifier, meanwhile) => verifier.verify(token, options(meanwhile))],
    ["authorize", (verifier, meanwhile) => verifier.authorize(`Bearer ${token}`, options(meanwhile))],
    ["setJwks", (verifier, meanwhile) => verifier.setJwks(document(meanwhile))],
  ];
}

test("a verifier that is closed by what a call asks of its caller is freed after the call", async () => {
  const { options, token } = offline();
  const live = new Set();
  const unwatchers = [
    watch("verifierNew", (parameters) => live.add(parameters[1][0])),
    watch("verifierFree", ([pointer]) => assert.ok(live.delete(pointer))),
  ];
  const used = ["TryVerifyInto", "VerifyInto", "TryAuthorizeInto", "SetJwks", "Recall", "RecallRequest"];
  for (const name of used) {
    unwatchers.push(watch(`verifier${name}`, ([pointer]) => assert.ok(live.has(pointer), `${name} uses what was freed`)));
  }
  const policies = new Set();
  unwatchers.push(watch("policyNew", (_, policy) => policies.add(policy)));
  unwatchers.push(watch("policyFree", ([policy]) => policies.delete(policy)));
  try {
    for (const [name, call] of reentrant(token, options.jwks)) {
      // With and without a question first whether the token comes again.
      for (const vain of [0, 5]) {
        const verifier = new Verifier(options);
        for (let time = 0; time < vain; time++) {
          assert.throws(() => verifier.tryVerify(`none-${time}`), { code: "MALFORMED" });
        }
        await Promise.resolve(call(verifier, () => verifier.close()));
        assert.equal(verifier.closed, true, name);
        assert.deepEqual([live.size, policies.size], [0, 0], name);
        assert.throws(() => verifier.stats(), MisuseError);
      }
    }
    // Where it would have to wait, it is refused: nobody is left to ask.
    const issuer = await startIssuer();
    try {
      for (const name of ["verify", "authorize"]) {
        const verifier = new Verifier(issuer.options);
        const options = { get requiredScopes() { verifier.close(); return []; } };
        await assert.rejects(verifier[name](name === "verify" ? issuer.mint() : `Bearer ${issuer.mint()}`, options), MisuseError);
        assert.deepEqual([live.size, policies.size], [0, 0], name);
      }
    } finally {
      issuer.stop();
    }
  } finally {
    unwatchers.forEach((unwatch) => unwatch());
  }
});

test("closing races with every kind of call that waits", async () => {
  const issuer = await startIssuer();
  const live = new Set();
  const unwatchers = [
    watch("verifierNew", (parameters) => live.add(parameters[1][0])),
    watch("verifierFree", ([pointer]) => assert.ok(live.delete(pointer))),
  ];
  try {
    const token = issuer.mint();
    for (const turns of [0, 1, 2, 5]) {
      for (const call of [
        (verifier) => verifier.verify(token),
        (verifier) => verifier.authorize(`Bearer ${token}`),
        (verifier) => verifier.wellKnown("GET", "/.well-known/oauth-authorization-server"),
        (verifier) => verifier.refresh(),
        (verifier) => verifier.waitReady(1000),
      ]) {
        const verifier = new Verifier(issuer.options);
        const calls = [call(verifier), call(verifier)];
        for (let turn = 0; turn < turns; turn++) {
          await new Promise(setImmediate);
        }
        verifier.close();
        const settled = await Promise.allSettled([...calls, call(verifier)]);
        assert.ok(settled[2].reason instanceof MisuseError);
        await new Promise(setImmediate);
        assert.equal(live.size, 0);
      }
    }
  } finally {
    unwatchers.forEach((unwatch) => unwatch());
    issuer.stop();
  }
});

test("no call reads what an earlier one has written", async () => {
  const { options, token } = offline();
  const verifier = new Verifier({ ...options, tokenCacheSize: 0 });
  const names = ["verifierTryVerifyInto", "verifierVerifyInto", "verifierTryAuthorizeInto"];
  for (const result of [0, -1, -2, -3, -5, -8, -259, -10_000]) {
    assert.throws(() => verifier.tryVerify("another token"), { code: "MALFORMED" });
    assert.equal(verifier.tryVerify(token).subject, "user_01");
    const originals = names.map((name) => [name, native[name]]);
    names.forEach((name) => (native[name] = () => result));
    try {
      const unexplained = (error) => error.httpStatus >= 400 && !/another|MALFORMED/.test(`${error}`) && error.hint === undefined;
      assert.throws(() => verifier.tryVerify(token), unexplained, `${result}`);
      assert.throws(() => verifier.verifySync(token), unexplained);
      await assert.rejects(verifier.verify(token), unexplained);
      await assert.rejects(verifier.authorize(`Bearer ${token}`), unexplained);
    } finally {
      originals.forEach(([name, original]) => (native[name] = original));
    }
  }
});
