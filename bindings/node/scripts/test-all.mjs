// Runs the tests on each Node release that is supported: `npm run test:all`.
//
// npm packages bring the releases; the one that runs this comes first.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const RELEASES = [20, 22, 24];

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const tests = readdirSync(join(here, "test"))
  .filter((name) => name.endsWith(".test.mjs"))
  .map((name) => join("test", name));
const own = Number(process.versions.node.split(".")[0]);
const scratch = mkdtempSync(join(tmpdir(), "authkit-node-"));
try {
  test(dirname(process.execPath));
  for (const release of RELEASES.filter((release) => release !== own)) {
    test(install(release));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function install(release) {
  // The executable's own package: `node` itself would fetch it in an install script, which npm may not run.
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = join(scratch, String(release));
  run("npm", ["install", "--prefix", prefix, "--no-save", `${name}@${release}`], process.env);
  return join(prefix, "node_modules", name, "bin");
}

function test(directory) {
  const path = `${directory}${delimiter}${process.env.PATH}`;
  const environment = { ...process.env, PATH: path };
  run("node", ["--version"], environment);
  run("node", ["--test", "--test-reporter=spec", ...tests], environment);
}

function run(command, parameters, env) {
  const { status, error } = spawnSync(command, parameters, { cwd: here, env, stdio: "inherit" });
  if (error) {
    throw error;
  }
  if (status !== 0) {
    process.exitCode = 1;
    throw new Error(`${command} ${parameters.join(" ")} failed`);
  }
}
