// Runs the tests on each Node release that is supported: `npm run test:all`.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { RELEASES, releaseDirectory } from "./releases.mjs";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const tests = readdirSync(join(here, "test"))
  .filter((name) => name.endsWith(".test.mjs"))
  .map((name) => join("test", name));

for (const release of RELEASES) {
  const path = `${releaseDirectory(release)}${delimiter}${process.env.PATH}`;
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
