// examples/node/verify.mjs, run as a stranger would run it.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { cleanEnvironment, run } from "./support/child.mjs";
import { RESOURCE, offline, startIssuer } from "./support/issuer.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const project = mkdtempSync(join(tmpdir(), "authkit-example-"));
after(() => rmSync(project, { recursive: true, force: true }));
mkdirSync(join(project, "node_modules"));
symlinkSync(join(here, ".."), join(project, "node_modules", "authkit-verifier"));
const example = join(project, "verify.mjs");
copyFileSync(join(here, "..", "..", "..", "examples", "node", "verify.mjs"), example);

const { options, token } = offline();
const settings = {
  AUTHKIT_DOMAIN: options.authkitDomain,
  AUTHKIT_RESOURCE: RESOURCE,
  AUTHKIT_JWKS: JSON.stringify(options.jwks),
};

for (const [name, status, expected, input, environment] of [
  ["accepts a token", 0, /^accepted: user_01\n$/, `${token}\n`, settings],
  ["accepts a token without a line's end", 0, /^accepted: user_01\n$/, token, settings],
  ["refuses half a token", 1, /^MALFORMED, HTTP 401: .*\nhint: /, "abc\n", settings],
  ["refuses nothing", 1, /^MALFORMED, HTTP 401: /, "", settings],
  ["names a missing scope", 1, /^SCOPE, HTTP 403: .*mcp:write/, token, { ...settings, AUTHKIT_REQUIRED_SCOPES: "mcp:write" }],
  ["asks for a configuration", 2, /^CONFIG, HTTP 500: .*\nhint: /, token, {}],
]) {
  test(`the example ${name}`, async () => {
    const { code, stdout, stderr } = await run([example], { input, env: cleanEnvironment(environment) });
    assert.equal(stderr, "");
    assert.match(stdout, expected);
    assert.equal(code, status);
  });
}

test("the example says when keys are not to be had", async () => {
  const issuer = await startIssuer();
  try {
    issuer.httpStatus = 500;
    const env = cleanEnvironment({
      AUTHKIT_DOMAIN: issuer.url,
      AUTHKIT_RESOURCE: RESOURCE,
      AUTHKIT_ALLOW_INSECURE_LOOPBACK: "true",
    });
    const { code, stdout } = await run([example], { input: issuer.mint(), env });
    assert.match(stdout, /^KEYS_UNAVAILABLE, HTTP 503: /);
    assert.equal(code, 3);
  } finally {
    issuer.stop();
  }
});
