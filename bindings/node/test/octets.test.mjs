// Octets that change while they are read: another thread can write to a SharedArrayBuffer, and buffers grow, shrink
// and move.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

import { MisuseError, Verifier } from "authkit-verifier";

import { offline } from "./support/issuer.mjs";
import { watch } from "./support/native.mjs";

/** Octets over memory that others can write to. */
function shared(text, maxByteLength) {
  const octets = Buffer.from(text);
  const memory = new SharedArrayBuffer(octets.length, maxByteLength && { maxByteLength });
  const view = maxByteLength ? new Uint8Array(memory) : new Uint8Array(memory, 0, octets.length);
  view.set(octets);
  return view;
}

test("octets are the library's own before it reads them", () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  const seen = [];
  const unwatchers = [
    ...["verifierTryVerifyInto", "verifierVerifyInto", "verifierRecall"].map((name) =>
      watch(name, ([, bytes, length]) => seen.push([bytes, length])),
    ),
    watch("verifierSetJwks", ([, , bytes, length]) => seen.push([bytes, length])),
  ];
  try {
    const jwks = JSON.stringify(options.jwks);
    for (const make of [
      (text) => Buffer.from(text),
      (text) => Uint8Array.from(Buffer.from(text)),
      (text) => shared(text),
      (text) => shared(text, 1 << 17),
      (text) => shared(text.padEnd(100_000)).subarray(0, text.length),
      (text) => new (class extends Uint8Array {
        set() {}
        slice() {}
        get length() {
          return 1;
        }
        get buffer() {
          return new ArrayBuffer(0);
        }
      })(Buffer.from(text)),
      (text) => Object.defineProperty(Uint8Array.from(Buffer.from(text)), "length", { value: 30_000 }),
    ]) {
      const given = [make(token), make(jwks), make("x".repeat(40_000))];
      assert.equal(verifier.tryVerify(given[0]).subject, "user_01");
      assert.equal(verifier.verifySync(given[0]).subject, "user_01");
      verifier.setJwks(given[1]);
      assert.throws(() => verifier.tryVerify(given[2]), { code: "TOO_LARGE" });
      for (const [bytes] of seen) {
        assert.ok(!given.includes(bytes) && given.every((one) => one.buffer !== bytes.buffer));
        assert.ok(!(bytes.buffer instanceof SharedArrayBuffer));
      }
      assert.ok(seen.splice(0).length >= 4);
    }
  } finally {
    unwatchers.forEach((unwatch) => unwatch());
  }
});

test("a token that another thread grows shows nothing of the token before", () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  // What the scratch buffer of all tokens holds then.
  assert.equal(verifier.tryVerify(token).subject, "user_01");
  const growing = shared(token.slice(0, 20), 1 << 16);
  // As if the other thread had its turn between any two looks at the length.
  const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "length");
  const look = (view) => {
    const length = get.call(view);
    growing.buffer.grow(token.length);
    return length;
  };
  Object.defineProperty(growing, "length", { get: () => (look(growing), get.call(growing)) });
  assert.throws(() => verifier.tryVerify(growing), { code: "MALFORMED" });
});

test("octets that were moved elsewhere are misuse", async () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  const octets = Uint8Array.from(Buffer.from(token));
  structuredClone(octets, { transfer: [octets.buffer] });
  for (const call of [() => verifier.tryVerify(octets), () => verifier.verifySync(octets), () => verifier.setJwks(octets)]) {
    assert.throws(call, MisuseError);
  }
  await assert.rejects(verifier.verify(octets), MisuseError);
});

test("verdicts hold while another thread writes into the very octets", async () => {
  const { options, token } = offline();
  const verifier = new Verifier(options);
  const jwks = JSON.stringify(options.jwks);
  const [octets, document, stop] = [shared(token), shared(jwks), new Int32Array(new SharedArrayBuffer(4))];
  const writer = new Worker(
    `const { octets, document, token, jwks, stop } = require("node:worker_threads").workerData;
     for (let turn = 0; Atomics.load(stop, 0) === 0; turn++) {
       octets.set(token);
       document.set(jwks);
       octets[turn % octets.length] = 0x41;
       document[turn % document.length] = 0x7d;
     }`,
    { eval: true, workerData: { octets, document, token: Buffer.from(token), jwks: Buffer.from(jwks), stop } },
  );
  try {
    const verdicts = new Set();
    for (let time = 0; time < 3000; time++) {
      for (const call of [() => verifier.tryVerify(octets), () => verifier.setJwks(document)]) {
        try {
          // Accepted, it says what was signed and nothing else.
          assert.equal(call()?.subject ?? "user_01", "user_01");
          verdicts.add("OK");
        } catch (error) {
          verdicts.add(error.code);
          assert.ok(["MALFORMED", "SIGNATURE", "CONFIG", "UNKNOWN_KEY", "ALGORITHM", "CLAIM", "ISSUER", "AUDIENCE", "EXPIRED", "NOT_YET_VALID", "MISUSE", "TYPE", "CRITICAL_HEADER"].includes(error.code), `${error}`);
        }
      }
    }
    assert.ok(!verdicts.has("INTERNAL"));
  } finally {
    Atomics.store(stop, 0, 1);
    await writer.terminate();
  }
});
