// examples/node, run as a stranger would run them.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { cleanEnvironment, run, start } from "./support/child.mjs";
import { RESOURCE, claimsOf, mint, offline, startIssuer } from "./support/issuer.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const project = mkdtempSync(join(tmpdir(), "authkit-example-"));
after(() => rmSync(project, { recursive: true, force: true }));
mkdirSync(join(project, "node_modules"));
symlinkSync(join(here, ".."), join(project, "node_modules", "authkit-verifier"));
for (const host of ["@hono", "@modelcontextprotocol", "express", "hono", "zod"]) {
  symlinkSync(join(here, "..", "node_modules", host), join(project, "node_modules", host));
}
const examples = join(here, "..", "..", "..", "examples", "node");
const [verify, expressMcp, fetchMcp, workerThreads] = ["verify", "express_mcp", "fetch", "worker_threads"].map((name) => {
  copyFileSync(join(examples, `${name}.mjs`), join(project, `${name}.mjs`));
  return join(project, `${name}.mjs`);
});

const { key, options, token } = offline();
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
    const { code, stdout, stderr } = await run([verify], { input, env: cleanEnvironment(environment) });
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
    const { code, stdout } = await run([verify], { input: issuer.mint(), env });
    assert.match(stdout, /^KEYS_UNAVAILABLE, HTTP 503: /);
    assert.equal(code, 3);
  } finally {
    issuer.stop();
  }
});

test("the example for worker threads answers for each token", async () => {
  const input = `${token}\nabc\n${token}\n`;
  const { code, stdout, stderr } = await run([workerThreads], { input, env: cleanEnvironment(settings) });
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 0, stdout: "accepted: user_01\nrefused: MALFORMED\naccepted: user_01\n", stderr: "" },
  );
});

for (const [name, example] of [
  ["Express", expressMcp],
  ["Fetch", fetchMcp],
]) {
  test(`the example for ${name} serves an MCP client with a token, and no other`, async (t) => {
    const { line: url, stop } = await start([example], { env: cleanEnvironment({ ...settings, PORT: "0" }) });
    t.after(stop);
    const refused = await fetch(url, { method: "POST", body: "{}" });
    assert.deepEqual([refused.status, /resource_metadata=/.test(refused.headers.get("www-authenticate"))], [401, true]);
    const metadata = await fetch(new URL("/.well-known/oauth-protected-resource/mcp", url));
    assert.equal((await metadata.json()).resource, RESOURCE);
    const call = (tool, bearer) => withClient(url, bearer, (client) => client.callTool({ name: tool }));
    assert.equal((await call("whoami", token)).content[0].text, "user_01");
    if (example === expressMcp) {
      await assert.rejects(call("delete_notes", token), /insufficient_scope|403/);
      const writer = mint(key, claimsOf(options.authkitDomain, { scope: "notes:write" }));
      assert.equal((await call("delete_notes", writer)).content[0].text, "deleted");
    }
  });

  test(`the example for ${name} does not start without its configuration`, async () => {
    const { code, stderr } = await run([example], { env: cleanEnvironment({ PORT: "0" }) });
    assert.notEqual(code, 0);
    assert.match(stderr, /ConfigError: AUTHKIT_DOMAIN and AUTHKIT_BASE_URL are missing/);
  });
}

/** What a client of the MCP SDK gets with this token. */
async function withClient(url, bearer, use) {
  const client = new Client({ name: "test", version: "1" });
  const requestInit = { headers: { authorization: `Bearer ${bearer}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
