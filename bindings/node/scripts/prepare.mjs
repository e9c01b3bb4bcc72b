// Makes the package ready to use from a checkout; npm runs it for `npm ci` here and for `npm install PATH` elsewhere.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");

// An install by path links to this folder and runs this script, but installs nothing in it.
if (!existsSync(join(here, "node_modules", "typescript"))) {
  run("ci", "--ignore-scripts", "--no-audit", "--no-fund");
}
run("run", "build");
run("run", "build:native");

function run(...parameters) {
  // The outer npm says in the environment which folder is its own; this is about another.
  const { status, error } = spawnSync("npm", ["--prefix", here, ...parameters], { cwd: here, stdio: "inherit" });
  if (error || status !== 0) {
    console.error(`authkit-verifier: npm ${parameters.join(" ")} failed`);
    process.exit(1);
  }
}
