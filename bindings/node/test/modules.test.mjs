// Loading: as ESM and CommonJS, in worker threads, with a library that is missing or wrong; and ending.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import * as esm from "authkit-verifier";

import { cleanEnvironment, run } from "./support/child.mjs";
import { offline, startIssuer } from "./support/issuer.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

const scratch = mkdtempSync(join(tmpdir(), "authkit-node-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
// A user's project with this package installed.
mkdirSync(join(scratch, "node_modules"));
symlinkSync(join(here, ".."), join(scratch, "node_modules", "authkit-verifier"));

function script(name, text) {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
}

const ENTRIES = ["authkit-verifier", ...["express", "fastify", "fetch", "mcp"].map((host) => `authkit-verifier/${host}`)];

for (const entry of ENTRIES) {
  test(`import and require give the same of ${entry}, each once`, async () => {
    const [imported, required] = [await import(entry), require(entry)];
    assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
    for (const name of Object.keys(imported)) {
      assert.equal(imported[name], required[name], name);
    }
  });
}

test("no host needs to be installed", async () => {
  const project = join(scratch, "lonely");
  const installed = join(project, "node_modules", "authkit-verifier");
  const own = join(here, "..");
  for (const part of ["dist", "package.json"]) {
    cpSync(join(own, part), join(installed, part), { recursive: true });
  }
  for (const dependency of ["koffi", "@koromix"]) {
    symlinkSync(join(own, "node_modules", dependency), join(project, "node_modules", dependency));
  }
  const loads = ENTRIES.map((entry) => `require("${entry}"); await import("${entry}");`).join("\n");
  const text = script(join("lonely", "load.cjs"), `(async () => {\n${loads}\nconsole.log("loaded");\n})();`);
  assert.deepEqual(await run([text], { cwd: project }), { code: 0, signal: null, stdout: "loaded\n", stderr: "" });
});

for (const [name, text] of [
  ["import.mjs", 'import { Verifier } from "authkit-verifier"; console.log(typeof Verifier);'],
  ["default.mjs", 'import * as all from "authkit-verifier"; console.log(typeof all.Verifier);'],
  ["require.cjs", 'const { Verifier } = require("authkit-verifier"); console.log(typeof Verifier);'],
  ["dynamic.cjs", 'import("authkit-verifier").then(({ Verifier }) => console.log(typeof Verifier));'],
]) {
  test(`${name} loads without a warning`, async () => {
    const { code, stdout, stderr } = await run(["--throw-deprecation", script(name, text)], { cwd: scratch });
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "function\n", stderr: "" });
  });
}

const report = script(
  "report.cjs",
  `const { Verifier } = require("authkit-verifier");
   try { new Verifier({}); } catch (error) { console.log(JSON.stringify({ ...error, name: error.name })); }`,
);

async function loadFailure(environment) {
  const { stdout } = await run([report], { env: cleanEnvironment(environment) });
  const error = JSON.parse(stdout);
  assert.equal(error.name, "ConfigError");
  return error;
}

test("a library path that leads nowhere is named", async () => {
  const missing = join(scratch, "nowhere.so");
  const { reason } = await loadFailure({ AUTHKIT_LIBRARY_PATH: missing });
  assert.match(reason, /AUTHKIT_LIBRARY_PATH/);
  assert.ok(reason.includes(missing));
});

test("a library path may be relative", async () => {
  const library = process.env.AUTHKIT_LIBRARY_PATH || join(here, "..", "native", "libauthkit.so");
  symlinkSync(resolve(library), join(scratch, "relative.so"));
  const env = cleanEnvironment({ AUTHKIT_LIBRARY_PATH: "relative.so" });
  const { stdout } = await run([report], { env, cwd: scratch });
  assert.match(JSON.parse(stdout).reason, /^authkit_domain is missing/);
});

test("a file that is no library is named", async () => {
  const text = script("text.so", "not a library");
  const { reason } = await loadFailure({ AUTHKIT_LIBRARY_PATH: text });
  assert.ok(reason.includes(text));
});

test("a package without its library says how to get one", async () => {
  const bare = join(scratch, "bare");
  cpSync(join(here, "..", "dist"), join(bare, "dist"), { recursive: true });
  symlinkSync(join(here, "..", "node_modules"), join(bare, "node_modules"));
  const text = script(
    "bare.cjs",
    `const { Verifier } = require("./bare/dist/index.js");
     try { new Verifier({}); } catch (error) { console.log(error.message); }`,
  );
  const { stdout } = await run([text], { env: cleanEnvironment({ AUTHKIT_LIBRARY_PATH: "" }) });
  assert.match(stdout, new RegExp(`no native library for ${process.platform} ${process.arch}.*build:native.*AUTHKIT_LIBRARY_PATH`));
});

test("a library of another ABI is refused", async (t) => {
  const source = script("other.c", "unsigned authkit_abi_version(void) { return 99; }");
  const other = join(scratch, "other.so");
  if (spawnSync("cc", ["-shared", "-fPIC", "-o", other, source]).status !== 0) {
    t.skip("no C compiler"); // the library of another ABI is compiled here
    return;
  }
  const { reason } = await loadFailure({ AUTHKIT_LIBRARY_PATH: other });
  assert.match(reason, /ABI 99.*ABI 1/);
});

test("the environment configures a verifier, what a program wrote into it included", async () => {
  const text = script(
    "environment.cjs",
    `const { Verifier } = require("authkit-verifier");
     process.env.AUTHKIT_BASE_URL = "https://mcp.example.com";
     console.log(Verifier.fromEnv().resource);
     process.env.AUTHKIT_REQUIRED_SCOPE = "typo";
     try { Verifier.fromEnv(); } catch (error) { console.log(error.name, error.message); }`,
  );
  const { stdout } = await run([text], { env: cleanEnvironment({ AUTHKIT_DOMAIN: "https://a.authkit.app" }) });
  assert.match(stdout, /^https:\/\/mcp\.example\.com\/mcp\nConfigError .*AUTHKIT_REQUIRED_SCOPE/);
});

const environmentFile = script(
  "file.cjs",
  `const { Verifier } = require("authkit-verifier");
   const before = JSON.stringify(process.env);
   try { console.log(Verifier.fromEnv({ envFile: process.argv[2] }).describe()); } catch (error) { console.log(error.name, error.message); }
   console.log(before === JSON.stringify(process.env));`,
);

for (const scopes of ["a,b", "a b", "a, b # both", '["a", "b"]', "'a b'"]) {
  test(`an env file has the guide's variables, with a list as ${scopes}`, async () => {
    const prefix = "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_";
    const file = script(
      "guide.env",
      `FASTMCP_SERVER_AUTH=fastmcp.server.auth.providers.workos.AuthKitProvider
${prefix}AUTHKIT_DOMAIN=https://file.authkit.app
${prefix}BASE_URL=https://mcp.example.com
${prefix}REQUIRED_SCOPES=${scopes}
AUTHKIT_PROXY=http://user:hunter2@proxy.example:1
`,
    );
    const env = cleanEnvironment({ AUTHKIT_DOMAIN: "https://process.authkit.app" });
    const { stdout } = await run([environmentFile, file], { env });
    assert.match(stdout, /^resource indicator: https:\/\/mcp\.example\.com\/mcp\n/);
    assert.match(stdout, /^issuer https:\/\/process\.authkit\.app: /m);
    assert.match(stdout, /^required_scopes: \["a","b"\]$/m);
    assert.match(stdout, /^true$/m);
    assert.ok(!stdout.includes("file.authkit.app") && !stdout.includes("hunter2"), stdout);
  });
}

for (const [text, says] of [
  ["AUTHKIT_REQUIRED_SCOPE=x", /ConfigError .*AUTHKIT_REQUIRED_SCOPE/],
  ["AUTHKIT_PROXY=", /ConfigError .*AUTHKIT_PROXY/],
  ["hunter2", /ConfigError .*line 1/],
  ["FASTMCP_SERVER_AUTH=AuthKitProvider", /ConfigError .*AUTHKITPROVIDER_AUTHKIT_DOMAIN.*AUTHKITPROVIDER_BASE_URL/],
]) {
  test(`an env file with ${text} is refused`, async () => {
    const { stdout } = await run([environmentFile, script("wrong.env", text)], { env: cleanEnvironment({}) });
    assert.match(stdout, says);
  });
}

test("an env file that is not asked for rightly is not passed over", () => {
  for (const wrong of [{ envFile: null }, { envFile: "a\0b" }, { env_file: ".env" }, ".env", null]) {
    assert.throws(() => esm.Verifier.fromEnv(wrong), { code: "MISUSE" });
  }
  assert.throws(() => esm.Verifier.fromEnv({ envFile: join(scratch, "none.env") }), { code: "CONFIG" });
});

test("half a configuration in the environment opens no door", async () => {
  const text = script("half.cjs", 'require("authkit-verifier").Verifier.fromEnv();');
  const { code, stderr } = await run([text], { env: cleanEnvironment({ AUTHKIT_BASE_URL: "https://mcp.example.com" }) });
  assert.notEqual(code, 0);
  assert.match(stderr, /ConfigError: authkit_domain is missing/);
});

// --- worker threads ---------------------------------------------------------------------------------

const workerScript = join(here, "support", "worker.mjs");

test("two worker threads verify at once, and their claims can be sent", async () => {
  const { options, token } = offline();
  const own = new esm.Verifier(options).tryVerify(token);
  await Promise.all(
    [1, 2].map(async () => {
      const worker = new Worker(workerScript, { workerData: { options, tokens: [token] } });
      const [[claims], [code]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
      assert.deepEqual(claims, own);
      assert.equal(code, 0);
    }),
  );
});

test("a worker thread ended in the middle of a fetch takes nothing with it", async () => {
  const issuer = await startIssuer();
  try {
    issuer.hold();
    // More verifiers than libuv has threads: some calls are under way, some only queued.
    const workerData = { options: issuer.options, tokens: Array.from({ length: 8 }, () => issuer.mint()) };
    const asked = issuer.asked();
    const worker = new Worker(workerScript, { workerData });
    await asked;
    const ended = worker.terminate();
    issuer.release();
    await ended;
    const verifier = new esm.Verifier(issuer.options);
    assert.equal((await verifier.verify(issuer.mint())).subject, "user_01");
    verifier.close();
  } finally {
    issuer.stop();
  }
});

// --- the end of the process -------------------------------------------------------------------------

const ending = join(here, "support", "ending.mjs");

test("a process ends with an open verifier", async () => {
  const { options, token } = offline();
  const { code, signal, stderr } = await run([ending, "open", JSON.stringify({ options, token })]);
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
});

for (const [manner, expected] of [
  ["waits", "a verification under way is answered before the process ends by itself"],
  ["exits", "process.exit() ends a process with a verification under way, and soon"],
  ["leaves", "a fetch that nobody waits for does not keep the process"],
]) {
  test(expected, async () => {
    const issuer = await startIssuer();
    try {
      issuer.hold();
      const parameters = JSON.stringify({ options: issuer.options, token: issuer.mint() });
      const asked = issuer.asked();
      const child = run([ending, manner, parameters]);
      await asked;
      if (manner === "waits") {
        issuer.release();
      } else {
        child.message("end");
      }
      if (manner === "exits") {
        await child.answered;
      }
      const told = performance.now();
      const { code, signal, stdout, stderr } = await child;
      // Far below the 5 s that the keys, which do not come, are waited for.
      assert.ok(performance.now() - told < 2500);
      assert.deepEqual(
        { code, signal, stdout, stderr },
        { code: manner === "exits" ? 7 : 0, signal: null, stdout: manner === "waits" ? "user_01\n" : "", stderr: "" },
      );
    } finally {
      issuer.stop();
    }
  });
}
