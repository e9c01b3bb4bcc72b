// The project's shared test vectors, through this package: every `must` is kept.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { AuthKitError, ConfigError, Verifier } from "authkit-verifier";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "tests", "vectors");
const cases = readdirSync(folder)
  .filter((name) => name.endsWith(".jsonl"))
  .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line));

function tokenOf({ token, token_b64, token_gen }) {
  if (typeof token === "string") {
    return token;
  }
  if (typeof token_b64 === "string") {
    return new Uint8Array(Buffer.from(token_b64, "base64"));
  }
  return token_gen.map((part) => (typeof part === "string" ? part : part.repeat.repeat(part.count))).join("");
}

function optionsOf({ config, jwks, jwks_raw }) {
  return {
    issuers: {
      [config.issuer]: {
        jwks: jwks_raw ?? jwks,
        audience: config.audience === null ? "not_checked" : "required",
      },
    },
    audiences: config.audience === null ? undefined : [config.audience].flat(),
    algorithms: config.algorithms,
    leeway: config.leeway,
    requiredScopes: config.required_scopes,
    now: config.now,
    typ: config.typ === undefined ? undefined : "rfc9068",
    maxTokenAge: config.max_age,
  };
}

/** Which algorithms there are, the library says. */
const supported = new Map();
function supports(algorithm) {
  if (!supported.has(algorithm)) {
    let known = true;
    try {
      new Verifier({
        authkitDomain: "https://issuer.example.com",
        baseUrl: "https://example.com",
        algorithms: [algorithm],
      }).close();
    } catch {
      known = false;
    }
    supported.set(algorithm, known);
  }
  return supported.get(algorithm);
}

async function judge(vector) {
  let verifier;
  try {
    verifier = new Verifier(optionsOf(vector));
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return "reject";
  }
  try {
    const token = tokenOf(vector);
    const verdicts = new Set();
    for (const verify of [
      () => verifier.verify(token),
      async () => verifier.verifySync(token),
      async () => verifier.tryVerify(token),
    ]) {
      try {
        await verify();
        verdicts.add("accept");
      } catch (error) {
        assert.ok(error instanceof AuthKitError, String(error));
        assert.ok([401, 403].includes(error.httpStatus), `${vector.name}: ${error.code}`);
        verdicts.add("reject");
      }
    }
    assert.equal(verdicts.size, 1, `${vector.name}: the ways to verify disagree`);
    return [...verdicts][0];
  } finally {
    verifier.close();
  }
}

test("every case that must be kept is kept", async (t) => {
  const counts = { judged: 0, skipped: 0 };
  const differing = { must: [], should: [], may: [] };
  for (const vector of cases.filter(({ level }) => level === "jwt")) {
    const algorithms = (vector.needs ?? []).filter((need) => need.startsWith("alg:"));
    if (!algorithms.every((need) => supports(need.slice("alg:".length)))) {
      counts.skipped++;
      continue;
    }
    counts.judged++;
    if ((await judge(vector)) !== vector.expect) {
      differing[vector.strength].push(`${vector.name} (expected ${vector.expect}: ${vector.reason})`);
    }
  }
  t.diagnostic(`${counts.judged} judged, ${counts.skipped} skipped for an algorithm that is not offered`);
  for (const strength of ["should", "may"]) {
    for (const name of differing[strength]) {
      t.diagnostic(`differs from a ${strength}: ${name}`);
    }
  }
  assert.ok(counts.judged > 0, `no vectors in ${folder}`);
  assert.deepEqual(differing.must, []);
});
