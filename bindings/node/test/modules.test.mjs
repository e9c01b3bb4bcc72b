// Loading: as ESM and CommonJS, in worker threads, with a library that is missing or wrong; and ending.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
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

// In the order in which a program loads them, what the one makes must do for the other.
for (const [order, text] of [
  ["import after require", 'const required = load(); const imported = await entries();'],
  ["require after import", 'const imported = await entries(); const required = load();'],
]) {
  test(`${order} gives the same, for every entry of the package`, async () => {
    const program = script(
      "both.cjs",
      `const names = ${JSON.stringify(ENTRIES)};
       const load = () => names.map((name) => require(name));
       const entries = () => Promise.all(names.map((name) => import(name)));
       (async () => {
         ${text}
         const same = imported.every((entry, i) => Object.keys(entry).every((name) => entry[name] === required[i][name]));
         try { new imported[0].Verifier({}); } catch (error) { console.log(same, error instanceof required[0].ConfigError); }
       })();`,
    );
    const { stdout, stderr } = await run([program], { cwd: scratch, env: cleanEnvironment({}) });
    assert.deepEqual({ stdout, stderr }, { stdout: "true true\n", stderr: "" });
  });
}

test("a second copy of the package is another package", async () => {
  const [one, two] = ["first", "second"].map((name) => installed(name, ["koffi", "@koromix"], version));
  const text = `
    const [one, two] = process.argv.slice(1).map((root) => require(root));
    import(process.argv[1] + "/dist/index.mjs").then((own) => {
      console.log(own.Verifier === one.Verifier, one.Verifier === two.Verifier);
    });`;
  const { stdout } = await run(["--eval", text, one, two]);
  assert.equal(stdout, "true false\n");
});

// Says the modules that Node's loader of CommonJS has, and the native parts that were loaded.
const verdict = `
  const parts = [];
  const { dlopen } = process;
  process.dlopen = (part, file) => { parts.push(file); dlopen(part, file); };
  const judge = ({ Verifier }) => {
    const { options, token } = JSON.parse(process.argv[2]);
    new Verifier(options).tryVerify(token);
    const names = (files) => files.map((file) => file.replace(/.*[/\\\\]/, ""));
    console.log(JSON.stringify([names(Object.keys(process.getBuiltinModule("module")._cache)), names(parts)]));
  };`;

for (const [name, load, files] of [
  ["verdict.cjs", 'judge(require("authkit-verifier"));', ["verdict.cjs", "index.js"]],
  // And so does not start it.
  ["verdict.mjs", 'judge(await import("authkit-verifier"));', []],
]) {
  test(`up to a verdict ${name} loads no other CommonJS, and koffi's native part alone`, async () => {
    const { options, token } = offline();
    const program = script(name, `${verdict}\n${load}`);
    const { stdout } = await run([program, JSON.stringify({ options, token })], { cwd: scratch });
    assert.deepEqual(JSON.parse(stdout), [files, ["koffi.node"]]);
  });
}

test("an import of any entry loads no CommonJS", async () => {
  const imports = ENTRIES.map((entry) => `await import("${entry}");`).join("\n");
  const program = script("entries.mjs", `${imports}\nconsole.log(Object.keys(process.getBuiltinModule("module")._cache));`);
  assert.equal((await run([program], { cwd: scratch })).stdout, "[]\n");
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
  symlinkSync(ownLibrary, join(scratch, "relative.so"));
  const env = cleanEnvironment({ AUTHKIT_LIBRARY_PATH: "relative.so" });
  const { stdout } = await run([report], { env, cwd: scratch });
  assert.match(JSON.parse(stdout).reason, /^authkitDomain and baseUrl are missing/);
});

test("a file that is no library is named", async () => {
  const text = script("text.so", "not a library");
  const { reason } = await loadFailure({ AUTHKIT_LIBRARY_PATH: text });
  assert.ok(reason.includes(text));
});

// --- the package as it is installed: without a library of its own --------------------------------------

const PLATFORM = createRequire(import.meta.url)("../dist/platform.js").platform();
const { version } = createRequire(import.meta.url)("authkit-verifier/package.json");
const ownLibrary = resolve(process.env.AUTHKIT_LIBRARY_PATH || join(here, "..", "native", "libauthkit.so"));

/** A folder with the compiled package, the given packages of npm, and the platform's package in a version. */
function installed(name, dependencies, platformVersion) {
  const root = join(scratch, name);
  const modules = join(root, "node_modules");
  cpSync(join(here, "..", "dist"), join(root, "dist"), { recursive: true });
  cpSync(join(here, "..", "package.json"), join(root, "package.json"));
  mkdirSync(modules);
  for (const dependency of dependencies) {
    symlinkSync(join(here, "..", "node_modules", dependency), join(modules, dependency));
  }
  if (platformVersion) {
    const folder = join(modules, "@authkit-verifier", PLATFORM);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ version: platformVersion }));
    symlinkSync(ownLibrary, join(folder, basename(ownLibrary)));
  }
  return root;
}

/** What the first verifier there says; in a Node that takes another file for its executable, if one is given. */
async function firstWords(root, { executable = process.execPath, entry = "index.js" } = {}) {
  const text = `
    process.execPath = ${JSON.stringify(executable)};
    import(${JSON.stringify(pathToFileURL(join(root, "dist", entry)).href)}).then(({ Verifier }) => {
      try { new Verifier({}); } catch (error) { console.log(error.name, error.message); }
    });`;
  const { stdout } = await run(["--eval", text], { env: cleanEnvironment({ AUTHKIT_LIBRARY_PATH: "" }) });
  return stdout;
}

for (const entry of ["index.js", "index.mjs"]) {
  test(`the platform's package brings the library to ${entry}`, async () => {
    const words = await firstWords(installed(`whole-${entry}`, ["koffi", "@koromix"], version), { entry });
    assert.match(words, /^ConfigError authkitDomain and baseUrl are missing/);
  });

  test(`what lies farther than npm puts it is found by Node for ${entry}`, async () => {
    const above = installed(join(`hoisted-${entry}`), ["koffi", "@koromix"], version);
    const words = await firstWords(installed(join(`hoisted-${entry}`, "packages", "own"), []), { entry });
    assert.match(words, /^ConfigError authkitDomain and baseUrl are missing/, above);
  });
}

test("a missing platform's package is named with what brings it", async () => {
  const words = await firstWords(installed("bare", ["koffi", "@koromix"]));
  assert.equal(
    words,
    `ConfigError authkit-verifier has no native library for ${PLATFORM}: the package @authkit-verifier/${PLATFORM} is ` +
      "not installed (if the release has it, `npm install --include=optional` on this machine brings it; otherwise build " +
      "the library in a checkout with `npm run build:native`, and name it in AUTHKIT_LIBRARY_PATH)\n",
  );
});

// By the loader that Node's executable names; where it names none or is gone, by the diagnostic report.
const reported = process.report.getReport().header.glibcVersionRuntime ? "gnu" : "musl";
for (const [name, head, libc] of [
  ["musl", "\x7fELF\0/lib/ld-musl-x86_64.so.1\0", "musl"],
  ["glibc", "\x7fELF\0/lib64/ld-linux-x86-64.so.2\0", "gnu"],
  ["odd", "\x7fELF\0", reported],
  ["gone", undefined, reported],
]) {
  test(`the C library is told of a Node on Linux that is ${name}`, { skip: process.platform !== "linux" }, async () => {
    const executable = head === undefined ? join(scratch, "gone") : script(`node-${name}`, head);
    const words = await firstWords(installed(`loader-${name}`, []), { executable });
    const platform = `linux-${process.arch}-${libc}`;
    assert.ok(words.includes(`no native library for ${platform}: the package @authkit-verifier/${platform} is`), words);
  });
}

test("a platform's package of another release is refused", async () => {
  const words = await firstWords(installed("mixed", ["koffi", "@koromix"], "0.0.7"));
  assert.equal(
    words,
    `ConfigError @authkit-verifier/${PLATFORM} is of release 0.0.7, and authkit-verifier of release ${version} ` +
      `(install both of one release: \`npm install authkit-verifier@${version}\`)\n`,
  );
});

test("a koffi without its native part is a refusal, not a failed import", async () => {
  const root = installed("halved", [], version);
  cpSync(join(here, "..", "node_modules", "koffi"), join(root, "node_modules", "koffi"), { recursive: true });
  const words = await firstWords(root);
  assert.match(words, /^ConfigError koffi, by which .* cannot be loaded: .*npm install --include=optional/);
});

// What koffi depends on lies where koffi is, in a store, as pnpm has it. A native part in it is of the release that
// package.json asks for, or else is not used.
for (const [manner, spoils, asked] of [
  ["of this release is loaded from where koffi lies", "", false],
  ["of another release is left to koffi", "part.exports.version = '3.0.0';", true],
]) {
  test(`koffi's native part ${manner}`, async () => {
    const { options, token } = offline();
    const root = installed(`stored-${asked}`, [], version);
    const store = join(scratch, `store-${asked}`, "node_modules");
    mkdirSync(store, { recursive: true });
    for (const dependency of ["koffi", "@koromix"]) {
      cpSync(join(here, "..", "node_modules", dependency), join(store, dependency), { recursive: true });
    }
    symlinkSync(join(store, "koffi"), join(root, "node_modules", "koffi"));
    const text = `
      const versions = [];
      const { dlopen } = process;
      process.dlopen = (part, file) => {
        dlopen(part, file);
        versions.push([file, part.exports.version]);
        if (versions.length === 1) { ${spoils} }
      };
      const [dist, settings] = process.argv.slice(1);
      const { Verifier } = require(dist);
      const { options, token } = JSON.parse(settings);
      const { subject } = new Verifier(options).tryVerify(token);
      console.log(JSON.stringify([subject, versions, Object.keys(require.cache).some((file) => /koffi.*js$/.test(file))]));`;
    const settings = JSON.stringify({ options, token });
    const env = cleanEnvironment({ AUTHKIT_LIBRARY_PATH: "" });
    const { stdout } = await run(["--eval", text, join(root, "dist", "index.js"), settings], { env });
    const loaded = [nativePart(store), require("authkit-verifier/package.json").dependencies.koffi];
    assert.deepEqual(JSON.parse(stdout), ["user_01", asked ? [loaded, loaded] : [loaded], asked]);
  });
}

test("a program that uses koffi too has its own", async () => {
  const { options, token } = offline();
  const text = `
    const koffi = require(${JSON.stringify(require.resolve("koffi"))});
    koffi.alias("authkit_verifier", "void *");
    const { Verifier } = require(${JSON.stringify(join(here, "..", "dist", "index.js"))});
    const { options, token } = ${JSON.stringify({ options, token })};
    const verifier = new Verifier(options);
    const version = koffi.load(${JSON.stringify(ownLibrary)}).func("uint32_t authkit_abi_version(void)");
    console.log(verifier.tryVerify(token).subject, version());
    verifier.close();`;
  const { stdout, stderr } = await run(["--eval", text]);
  assert.deepEqual({ stdout, stderr }, { stdout: "user_01 1\n", stderr: "" });
});

/** koffi's native part for this machine below a node_modules. */
function nativePart(modules) {
  const [package_] = readdirSync(join(modules, "@koromix"));
  const folder = PLATFORM.endsWith("-musl") ? `musl_${process.arch}` : `${process.platform}_${process.arch}`;
  return join(modules, "@koromix", package_, folder, "koffi.node");
}

// Compiled here: a library with one function.
for (const [name, abi, told] of [
  ["of another ABI", 99, /ABI 99.*ABI 1/],
  // Before anything else of it is called.
  ["without a function that is called", 1, /is older than this package: .*'authkit_status_name'/],
]) {
  test(`a library ${name} is refused`, async (t) => {
    const source = script(`abi-${abi}.c`, `unsigned authkit_abi_version(void) { return ${abi}; }`);
    const other = join(scratch, `abi-${abi}.so`);
    if (spawnSync("cc", ["-shared", "-fPIC", "-o", other, source]).status !== 0) {
      t.skip("no C compiler");
      return;
    }
    const { reason } = await loadFailure({ AUTHKIT_LIBRARY_PATH: other });
    assert.match(reason, told);
  });
}

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
  ["NAME\nAUTHKIT_LEEWAY hunter2", /ConfigError .*wrong\.env' cannot be read: line 2/],
  ["FASTMCP_SERVER_AUTH=AuthKitProvider", /ConfigError .*AUTHKITPROVIDER_AUTHKIT_DOMAIN.*AUTHKITPROVIDER_BASE_URL/],
]) {
  test(`an env file with ${text} is refused`, async () => {
    const { stdout } = await run([environmentFile, script("wrong.env", text)], { env: cleanEnvironment({}) });
    assert.match(stdout, says);
    assert.ok(!stdout.includes("hunter2"), stdout);
  });
}

test("an env file's lines of other programs are passed over", async () => {
  const others = "DATABASE_URL=postgres://u:${PGPASS}@h/db\nNAME\nA='x' y\nKEY=`\nAUTHKIT_RESOURCE=https://stray.example\n`\n";
  const file = script("others.env", `${others}AUTHKIT_DOMAIN=https://a.authkit.app\n${others}AUTHKIT_BASE_URL=https://mcp.example.com\n`);
  const { stdout } = await run([environmentFile, file], { env: cleanEnvironment({}) });
  assert.match(stdout, /^resource indicator: https:\/\/mcp\.example\.com\/mcp\n/);
});

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
  assert.match(stderr, /ConfigError: AUTHKIT_DOMAIN is missing/);
});

// --- worker threads ---------------------------------------------------------------------------------

const workerScript = join(here, "support", "worker.mjs");

test("two worker threads verify at once, and their claims can be sent", async () => {
  const { options, token } = offline();
  const own = new esm.Verifier(options).tryVerify(token).toJSON();
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
