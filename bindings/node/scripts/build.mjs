// Makes dist/ of src/: types by the TypeScript compiler, module by module; code by Rolldown, in few files, since a
// file takes Node longer to find, read and compile than what is in it takes to run.
//
// The code is there twice, as CommonJS (.js) and as ESM (.mjs): an `import` of CommonJS would start Node's loader of
// CommonJS first, which takes a process half as long as this package takes up to a verdict. It runs once all the same,
// by whichever of the two is loaded first, so that each class exists once and `instanceof` holds either way.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "rolldown";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(here, "dist");
const PUBLIC = ["index", "express", "fastify", "fetch", "mcp"];
// The verifier with all that it is made of; what only the hosts' entries need has files of its own.
const CORE = "verifier";
// What is packed leaves these out.
const FOR_TESTS = ["library", "native", "platform"];
// How Rolldown exports a name, since a variable might change; none that we export may.
const GETTER =
  /Object\.defineProperty\(exports, "(\w+)", \{\s+enumerable: true,\s+get: function\(\) \{\s+return (\w+);\s+\}\s+\}\);/g;

rmSync(dist, { recursive: true, force: true });
declareTypes();
const chunks = await bundle();
const [core] = chunks.filter(({ name }) => name === CORE);
for (const chunk of chunks.filter((other) => other !== core)) {
  writeFileSync(join(dist, `${chunk.name}.js`), commonJs(chunk));
  if (!FOR_TESTS.includes(chunk.name)) {
    writeFileSync(join(dist, `${chunk.name}.mjs`), esm(chunk));
  }
}

function declareTypes() {
  const compiler = createRequire(import.meta.url).resolve("typescript/package.json");
  const { bin } = createRequire(import.meta.url)(compiler);
  execFileSync(process.execPath, [join(dirname(compiler), bin.tsc)], { cwd: here, stdio: "inherit" });
}

async function bundle() {
  const { output } = await build({
    input: Object.fromEntries([...PUBLIC, ...FOR_TESTS].map((name) => [name, join(here, "src", `${name}.ts`)])),
    platform: "node",
    external: (name) => !/^[./]/.test(name),
    logLevel: "warn",
    write: false,
    output: {
      format: "cjs",
      strict: true,
      generatedCode: { symbols: false },
      // They are in the types, and in src/; a single letter beyond Latin-1 would double what Node holds of a file.
      comments: false,
      entryFileNames: "[name].js",
      chunkFileNames: "[name].js",
      codeSplitting: { groups: [{ name: CORE, test: /src\/verifier\.ts$/ }] },
    },
  });
  return output;
}

function commonJs(chunk) {
  return `"use strict";
${othersOf(chunk).map((other) => `require("./${other}.js");\n`).join("")}\
${made(chunk, { folder: "__dirname", builtin: "require" })}
module.exports = all;
`;
}

function esm(chunk) {
  return `${othersOf(chunk).map((other) => `import "./${other}.mjs";\n`).join("")}\
${made(chunk, { folder: "import.meta.dirname", builtin: "process.getBuiltinModule" })}
${(chunk.isEntry ? chunk.exports : []).map((name) => `export const ${name} = all.${name};\n`).join("")}`;
}

/** The files that a chunk's code needs to have run. */
function othersOf(chunk) {
  return chunk.name === "index" ? [] : chunk.imports.filter(isOurs).map((file) => homeOf(file.replace(/\.js$/, "")));
}

function isOurs(name) {
  return name.endsWith(".js");
}

/** The core is in the index's file: one of its own would take longer than all that the index has else. */
function homeOf(name) {
  return name === CORE ? "index" : name;
}

// What has run is kept by the names that the code requires it by, in the process and for this folder alone: another
// release's, or another copy's, is another package.
function made(chunk, { folder, builtin }) {
  const own = chunk.name === "index" ? [core, chunk] : [chunk];
  return `const made = (globalThis[Symbol.for("authkit-verifier:" + ${folder})] ??= { __proto__: null });
const need = (name) => made[name] ?? ${builtin}(name);
${own.map(({ name, code }) => `made["./${name}.js"] ??= ((exports, require, __dirname) => {
${bodyOf(code)}return exports;
})({}, need, ${folder});`).join("\n")}
const all = made["./${chunk.name}.js"];`;
}

function bodyOf(code) {
  return code.replace('"use strict";\n', "").replace(GETTER, (_, name, variable) => {
    if (code.includes(`let ${variable}`)) {
      throw new Error(`${name} is exported and may change`);
    }
    return `exports.${name} = ${variable};`;
  });
}
