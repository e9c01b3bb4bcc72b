// Keys over HTTP from a server in this very event loop: it could not answer if verifying ever blocked it.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterEach, beforeEach, test } from "node:test";
import { rootCertificates } from "node:tls";
import { fileURLToPath } from "node:url";

import { KeyUnconfirmedError, KeysUnavailableError, TokenError, Verifier, WouldBlockError } from "authkit-verifier";

import { makeKey, startIssuer } from "./support/issuer.mjs";

let issuer;
let verifier;

beforeEach(async () => {
  issuer = await startIssuer();
  verifier = new Verifier(issuer.options);
});

afterEach(() => {
  verifier.close();
  issuer.stop();
});

const times = (count, make) => Array.from({ length: count }, (_, index) => make(index));

test("the first token waits for the keys, the next does not", async () => {
  assert.equal((await verifier.verify(issuer.mint())).subject, "user_01");
  assert.equal(verifier.tryVerify(issuer.mint({ sub: "user_02" })).subject, "user_02");
  assert.equal(issuer.requests, 1);
});

test("tryVerify starts the fetch that it does not wait for", async () => {
  const asked = issuer.asked();
  assert.throws(() => verifier.tryVerify(issuer.mint()), WouldBlockError);
  await asked;
  assert.equal((await verifier.verify(issuer.mint())).subject, "user_01");
  assert.equal(issuer.requests, 1);
});

test("two hundred cold verifications are one request", async () => {
  const tokens = times(200, (index) => issuer.mint({ sub: `user_${index}` }));
  const claims = await Promise.all(tokens.map((token) => verifier.verify(token)));
  assert.deepEqual(claims.map(({ subject }) => subject), times(200, (index) => `user_${index}`));
  assert.equal(issuer.requests, 1);
});

test("each of many cold verifications gets its own verdict", async () => {
  const [good, expired] = [issuer.mint(), issuer.mint({ exp: 1 })];
  const forged = issuer.mint({}, { ...makeKey("key-1") });
  const verdicts = await Promise.allSettled(
    times(40, () => [
      verifier.verify(good, { requiredScopes: ["mcp:read"] }),
      verifier.verify(good, { requiredScopes: ["mcp:write"] }),
      verifier.verify(good, { now: 1 }),
      verifier.verify(Buffer.from(forged)),
      verifier.verify(expired),
    ]).flat(),
  );
  const codes = verdicts.map(({ reason }) => reason?.code ?? "OK");
  assert.deepEqual(codes, times(40, () => ["OK", "SCOPE", "NOT_YET_VALID", "SIGNATURE", "EXPIRED"]).flat());
  assert.equal(issuer.requests, 1);
});

test("an issuer that hangs delays no other issuer's tokens", async () => {
  const prompt = await startIssuer();
  const both = new Verifier({
    ...issuer.options,
    authkitDomain: undefined,
    issuers: { [issuer.url]: null, [prompt.url]: null },
  });
  try {
    issuer.hold();
    const asked = issuer.asked();
    let released = false;
    const delayed = times(10, () => both.verify(issuer.mint()));
    const others = times(10, () => both.verify(prompt.mint()).then(() => released));
    await asked;
    assert.deepEqual(await Promise.all(others), times(10, () => false));
    released = true;
    issuer.release();
    await Promise.all(delayed);
    assert.deepEqual([issuer.requests, prompt.requests], [1, 1]);
  } finally {
    both.close();
    prompt.stop();
  }
});

test("bytes that change after the call change nothing", async () => {
  issuer.hold();
  const bytes = Buffer.from(issuer.mint());
  const waiting = verifier.verify(bytes);
  const follower = verifier.verify(bytes);
  bytes.fill(0);
  await issuer.asked();
  issuer.release();
  assert.equal((await waiting).subject, "user_01");
  assert.equal((await follower).subject, "user_01");
});

test("waiting for keys leaves the host's worker threads free", async () => {
  issuer.hold();
  const asked = issuer.asked();
  const waiting = times(50, () => verifier.verify(issuer.mint()));
  await asked;
  // Files are read on the same few threads: with all of them blocked this would never end.
  await Promise.all(times(20, () => readFile(fileURLToPath(import.meta.url))));
  issuer.release();
  await Promise.all(waiting);
});

test("no turn of the loop hands out more answers than the host deals with in two milliseconds", async () => {
  issuer.hold();
  const asked = issuer.asked();
  let [turn, waitingStill] = [0, true];
  const count = () => waitingStill && setImmediate(() => (turn++, count()));
  const answeredIn = new Map();
  const handled = times(100, async () => {
    await verifier.verify(issuer.mint());
    await null;
    answeredIn.set(turn, (answeredIn.get(turn) ?? 0) + 1);
    const end = performance.now() + 1;
    while (performance.now() < end);
  });
  await asked;
  count();
  issuer.release();
  await Promise.all(handled);
  waitingStill = false;
  assert.ok(Math.max(...answeredIn.values()) <= 3, `${[...answeredIn.values()]} in a turn`);
});

test("an event loop under load turns while keys take 3 s and are rotated, and who waits is answered", async (t) => {
  const busy = new Verifier(issuer.options);
  issuer.slowness = 3000;
  const next = makeKey("key-2");
  const [before, after] = [issuer.keys[0], next].map((key) =>
    times(200, (index) => issuer.mint({ sub: `user_${index}` }, key)),
  );
  const loop = monitorEventLoopDelay({ resolution: 1 });
  try {
    loop.enable();
    for (const [keys, tokens] of [[issuer.keys, before], [[next], after]]) {
      issuer.keys = keys;
      assert.equal((await requests(busy, tokens)).length, 200);
      const late = performance.now() - issuer.answeredAt;
      assert.ok(late < 1000, `the last was answered ${late} ms after the keys had come`);
    }
    loop.disable();
    assert.equal(issuer.requests, 2);
    // A call that blocked would leave a gap of nearly 3 s. What a quiet machine shows, a hundredth of
    // that, is measured by benches/event_loop.
    const gap = loop.max / 1e6;
    t.diagnostic(`longest gap: ${gap.toFixed(1)} ms`);
    assert.ok(gap < 500, `a gap of ${gap} ms`);
  } finally {
    busy.close();
  }
});

/** Verifies all at once as a server would: some requests in each turn of the loop, none waiting for another. */
async function requests(busy, tokens) {
  const waiting = [];
  for (const [index, token] of tokens.entries()) {
    waiting.push(busy.verify(token));
    if (index % 20 === 19) {
      await new Promise(setImmediate);
    }
  }
  return Promise.all(waiting);
}

test("a rotated key is found within the call", async () => {
  await verifier.verify(issuer.mint());
  const next = makeKey("key-2");
  issuer.keys = [next];
  assert.equal((await verifier.verify(issuer.mint({}, next))).keyId, "key-2");
  assert.equal(issuer.requests, 2);
});

test("a key that nobody published is refused, and a flood of them soon without looking", async () => {
  await verifier.verify(issuer.mint());
  const unknown = issuer.mint({}, makeKey("key-9"));
  await assert.rejects(verifier.verify(unknown), { code: "UNKNOWN_KEY", httpStatus: 401 });
  const refusals = [];
  for (const token of times(5, () => unknown)) {
    refusals.push(await verifier.verify(token).catch((error) => error));
  }
  // Two looks are all that the library grants to unknown keys at once. Whether the first call takes
  // one or both depends on whether the fetch that it starts has ended when it comes to wait for it.
  assert.equal(issuer.requests, 3);
  const last = refusals.at(-1);
  assert.ok(last instanceof KeyUnconfirmedError, String(last));
  assert.deepEqual([last.code, last.httpStatus, last.error], ["KEY_UNCONFIRMED", 429, undefined]);
  assert.ok(last.retryAfter >= 1 && last.retryAfter <= 10, String(last.retryAfter));
});

test("an outage is 503 with a time to come back, for all who wait", async () => {
  issuer.httpStatus = 500;
  const verdicts = await Promise.allSettled(times(20, () => verifier.verify(issuer.mint())));
  for (const { reason } of verdicts) {
    assert.ok(reason instanceof KeysUnavailableError, String(reason));
    assert.deepEqual([reason.code, reason.httpStatus, reason.error], ["KEYS_UNAVAILABLE", 503, undefined]);
    assert.ok(Number.isInteger(reason.retryAfter) && reason.retryAfter >= 1, String(reason.retryAfter));
  }
});

test("an issuer that is not there is an outage too", async () => {
  const token = issuer.mint();
  issuer.stop();
  await assert.rejects(verifier.verify(token), KeysUnavailableError);
});

test("refresh warms up, is shared, and says when it failed", async () => {
  issuer.hold();
  const asked = issuer.asked();
  const refreshes = times(10, () => verifier.refresh());
  await asked;
  issuer.release();
  assert.deepEqual(await Promise.all(refreshes), times(10, () => undefined));
  assert.equal(issuer.requests, 1);
  assert.equal(verifier.tryVerify(issuer.mint()).subject, "user_01");

  issuer.httpStatus = 500;
  await assert.rejects(verifier.refresh(), KeysUnavailableError);
  assert.equal(verifier.tryVerify(issuer.mint()).subject, "user_01", "earlier keys stay");
});

test("bad tokens cost no request", async () => {
  for (const token of ["", "a.b.c", issuer.mint({ exp: 1 }), issuer.mint({ iss: "https://evil.example.com" })]) {
    await assert.rejects(verifier.verify(token), TokenError);
  }
  assert.equal(issuer.requests, 0);
});
