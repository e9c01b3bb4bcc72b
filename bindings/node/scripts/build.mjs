// Makes dist/ of src/: types and ESM by the TypeScript compiler, module by module; CommonJS by Rolldown, in few
// files, since a file takes Node longer to find, read and wrap than what is in it takes to run.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "rolldown";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(here, "dist");
const PUBLIC = ["index", "express", "fastify", "fetch", "mcp"];
// What is packed leaves these out.
const FOR_TESTS = ["library", "native", "platform"];

rmSync(dist, { recursive: true, force: true });
compile();
for (const file of readdirSync(dist).filter((name) => name.endsWith(".js"))) {
  rmSync(join(dist, file));
}
await build({
  input: Object.fromEntries([...PUBLIC, ...FOR_TESTS].map((name) => [name, join(here, "src", `${name}.ts`)])),
  platform: "node",
  external: (name) => !/^[./]/.test(name),
  logLevel: "warn",
  output: {
    dir: dist,
    format: "cjs",
    strict: true,
    // They are in the types, and in src/; a single letter beyond Latin-1 would double what Node holds of a file.
    comments: false,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    // The verifier with all that it is made of; what only the hosts' entries need has files of its own.
    codeSplitting: { groups: [{ name: "verifier", test: /src\/verifier\.ts$/ }] },
  },
});

// index.js only passes on what is in verifier.js: the ESM entry takes it there, and spares a process one file; and
// the search for a package that might be called "module".
const esm = join(dist, "index.mjs");
const compiled = readFileSync(esm, "utf8");
writeFileSync(esm, compiled.replace('"./index.js"', '"./verifier.js"').replace('from "module"', 'from "node:module"'));

function compile() {
  const compiler = createRequire(import.meta.url).resolve("typescript/package.json");
  const { bin } = createRequire(import.meta.url)(compiler);
  execFileSync(process.execPath, [join(dirname(compiler), bin.tsc)], { cwd: here, stdio: "inherit" });
}
