// Stats, events and readiness: what they tell, how they reach a channel or a callback, and that no token is in them.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import {
  EVENT_CHANNEL,
  KeysUnavailableError,
  MisuseError,
  TokenError,
  Verifier,
  WouldBlockError,
  watchEvents,
} from "authkit-verifier";

import { makeKey, offline, startIssuer } from "./support/issuer.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const header = readFileSync(join(here, "..", "..", "..", "include", "authkit.h"), "utf8");
const types = (name) => readFileSync(join(here, "..", "dist", `${name}.d.ts`), "utf8");

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

/** Goes through a fetch with a bad key, a rotation, a flood of unknown key ids and an outage; gives the token. */
async function eventful() {
  issuer.keys.push({ jwk: { kty: "oct", kid: "bad", k: "AA" } });
  const token = issuer.mint();
  await verifier.verify(token);
  issuer.keys = [makeKey("key-2")];
  await verifier.refresh();
  const codes = new Set();
  for (const forged of times(4, (index) => issuer.mint({}, makeKey(`random-${index}`)))) {
    codes.add((await verifier.verify(forged).catch((error) => error)).code);
  }
  assert.deepEqual(codes, new Set(["UNKNOWN_KEY", "KEY_UNCONFIRMED"]));
  issuer.httpStatus = 500;
  await assert.rejects(verifier.refresh(), KeysUnavailableError);
  return token;
}

/** What is published on the channel until `stop()`. */
function published() {
  const messages = [];
  const listener = (message) => messages.push(message);
  subscribe(EVENT_CHANNEL, listener);
  return { messages, stop: () => unsubscribe(EVENT_CHANNEL, listener) };
}

async function until(condition) {
  while (!condition()) {
    await delay(5);
  }
}

test("events tell what happened, each once, as frozen data", async () => {
  await eventful();
  const events = verifier.events();
  const names = new Set(events.map(({ event }) => event));
  assert.deepEqual(names, new Set(["key_dropped", "rotated", "fetched", "throttled", "failed"]));
  assert.deepEqual(events.map(({ sequence }) => sequence), times(events.length, (index) => index + 1));
  const dropped = events.find(({ event }) => event === "key_dropped");
  assert.deepEqual([dropped.issuer, dropped.index, dropped.kid], [issuer.url, 1, "bad"]);
  assert.match(events.find(({ event }) => event === "failed").reason, /500/);
  assert.ok(Object.isFrozen(dropped) && Object.isFrozen(events.find(({ event }) => event === "rotated").added));
  assert.deepEqual(verifier.events(), []);
});

test("every kind of the library's events has its type", () => {
  const table = header.slice(header.indexOf(" * What happened:"), header.indexOf("authkit_event_name(const"));
  const names = [...table.matchAll(/^ \* - (\w+): /gm)].map(([, name]) => name);
  assert.ok(names.length >= 8);
  const declared = types("events");
  for (const name of names) {
    assert.ok(declared.includes(`event: "${name}"`), name);
  }
});

test("stats have the members of their types, and the counts", async () => {
  assert.equal(verifier.stats().issuers[0].standing, "none");
  issuer.keys.push({ jwk: { kty: "oct", kid: "bad", k: "AA" } });
  await verifier.refresh();
  await verifier.verify(issuer.mint());
  assert.throws(() => verifier.tryVerify("x"), TokenError);
  const stats = verifier.stats();
  const [first] = stats.issuers;
  assert.deepEqual(stats.verdicts, { OK: 1, MALFORMED: 1 });
  assert.deepEqual([first.issuer, first.standing, first.source], [issuer.url, "fresh", "network"]);
  assert.deepEqual([first.fetches, first.failures, first.generation], [1, 0, 1]);
  const declared = types("stats");
  for (const part of [stats, first, first.keys[0], first.dropped[0], first.headers]) {
    for (const name of Object.keys(part)) {
      assert.ok(declared.includes(`readonly ${name}: `), name);
    }
  }
});

test("a watch publishes on the channel, by its timer and when drained, until it is closed", async () => {
  const { messages, stop } = published();
  try {
    const watch = watchEvents(verifier, { interval: 5 });
    await verifier.refresh();
    await until(() => messages.length > 0);
    assert.ok(messages.some(({ event }) => event === "fetched"));
    watch.close();
    const count = messages.length;
    await verifier.refresh();
    await delay(20);
    assert.equal(messages.length, count);
    watchEvents(verifier).close();
    assert.equal(messages.at(-1).event, "fetched");
    assert.ok(messages.length > count);
  } finally {
    stop();
  }
});

test("a watch calls back in place of the channel, and ends with its verifier", async () => {
  const { messages, stop } = published();
  try {
    const seen = [];
    const watch = watchEvents(verifier, { interval: 60_000, callback: (event) => seen.push(event.event) });
    await verifier.refresh();
    watch.drain();
    assert.ok(seen.includes("fetched"));
    assert.deepEqual(messages, []);
    verifier.close();
    watch.drain();
    watch.close();
    watch[Symbol.dispose]();
  } finally {
    stop();
  }
});

test("a watch refuses what is no interval and no callback", () => {
  const intervals = [0, -1, NaN, -Infinity, -1e300, "x", "5", 5n, null, {}, [5]];
  for (const options of [...intervals.map((interval) => ({ interval })), { callback: 5 }]) {
    assert.throws(() => watchEvents(verifier, options), MisuseError);
  }
});

test("no token and no claim is in any of it", async () => {
  const seen = [];
  const watch = watchEvents(verifier, { callback: (event) => seen.push(event) });
  const token = await eventful();
  watch.close();
  assert.ok(seen.length > 5);
  const told = JSON.stringify([seen, verifier.stats()]);
  for (const secret of ["user_01", "client_01", "mcp:read", ...token.split(".")]) {
    assert.ok(!told.includes(secret), secret);
  }
});

test("waitReady fetches what is missing, and says why it has not come", async () => {
  issuer.hold();
  await assert.rejects(verifier.waitReady(0), WouldBlockError);
  const ready = verifier.waitReady();
  issuer.release();
  await ready;
  await verifier.waitReady(0);
  assert.equal(verifier.tryVerify(issuer.mint()).subject, "user_01");
  assert.equal(issuer.requests, 1);

  const other = new Verifier(issuer.options);
  issuer.httpStatus = 500;
  await assert.rejects(other.waitReady(150), (error) => error instanceof KeysUnavailableError && /500/.test(error.reason));
  // It tries again where a fetch has failed.
  const recovery = other.waitReady();
  issuer.httpStatus = 200;
  await recovery;
  other.close();
  await assert.rejects(other.waitReady(), MisuseError);
  await assert.rejects(verifier.waitReady(NaN), MisuseError);
  await new Verifier(offline().options).waitReady(0);
});

test("who waits has five seconds", { timeout: 30_000 }, async () => {
  issuer.hold();
  const began = performance.now();
  const verdicts = await Promise.allSettled(times(3, () => verifier.verify(issuer.mint())));
  const took = performance.now() - began;
  assert.ok(took > 4500 && took < 8000, `${took} ms`);
  for (const { reason } of verdicts) {
    assert.ok(reason instanceof KeysUnavailableError, String(reason));
  }
});

test("where no thread fetches (inline), one call does for all", async () => {
  const inline = new Verifier({ ...issuer.options, refreshMode: "inline" });
  const claims = await Promise.all(times(200, () => inline.verify(issuer.mint())));
  assert.equal(claims.length, 200);
  assert.equal(issuer.requests, 1);
  inline.close();
  issuer.httpStatus = 500;
  const failing = new Verifier({ ...issuer.options, refreshMode: "inline" });
  for (const { reason } of await Promise.allSettled(times(20, () => failing.verify(issuer.mint())))) {
    assert.ok(reason instanceof KeysUnavailableError, String(reason));
  }
  failing.close();
});

test("where the host alone fetches (manual), nobody waits", async () => {
  const manual = new Verifier({ ...issuer.options, refreshMode: "manual" });
  await assert.rejects(manual.verify(issuer.mint()), KeysUnavailableError);
  assert.equal(issuer.requests, 0);
  await manual.refresh();
  assert.equal((await manual.verify(issuer.mint())).subject, "user_01");
  manual.close();
});

test("times of any length are waited for, and what is none is misuse", async () => {
  const verifier = new Verifier(offline().options);
  const warned = [];
  const warn = (warning) => warned.push(warning.name);
  process.on("warning", warn);
  try {
    for (const time of [Infinity, Number.MAX_VALUE, 1e300, 2 ** 53, 2 ** 32, 2 ** 31, 5e-324]) {
      await verifier.waitReady(time);
      watchEvents(verifier, { interval: time }).close();
    }
    for (const none of [NaN, -1, -Infinity, -5e-324, "5", 5n, null, {}, [5], { valueOf: () => 5 }]) {
      await assert.rejects(verifier.waitReady(none), MisuseError);
    }
    await verifier.waitReady(-0);
    for (const now of [NaN, Infinity, -Infinity, 0.5, 2 ** 53, -(2 ** 53), 1e300, "5", 5n, null, {}]) {
      assert.throws(() => verifier.tryVerify("a.b.c", { now }), MisuseError, `${now}`);
    }
    for (const now of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -0]) {
      assert.throws(() => verifier.tryVerify("a.b.c", { now }), { code: "MALFORMED" });
    }
    for (const setting of ["leeway", "maxTokenAge", "now", "tokenCacheSize"]) {
      for (const value of [NaN, Infinity, -Infinity, 0.5, 1e300, -1e300, 5n]) {
        assert.throws(() => new Verifier({ ...offline().options, [setting]: value }), { code: "CONFIG" }, `${setting} ${value}`);
      }
    }
    await new Promise(setImmediate);
    assert.deepEqual(warned, []);
  } finally {
    process.off("warning", warn);
  }
});
