// The Node releases that are supported, each as an executable: `node scripts/releases.mjs` brings those that are missing.
//
// npm packages bring them, into the checkout's build/node/releases.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PINNED = { 20: "20.20.2", 22: "22.23.3", 24: "24.21.0" };
const own = process.versions.node.split(".")[0];
const here = dirname(fileURLToPath(import.meta.url));
const store = join(here, "..", "..", "..", "build", "node", "releases");
// The executable's own package: `node` itself would fetch it in an install script, which npm may not run.
const name = `node-${process.platform}-${process.arch}`;

/** The supported releases; first the one that runs this, if it is one. */
export const RELEASES = Object.keys(PINNED).sort((a, b) => (b === own) - (a === own) || a - b);

/** The directory with a release's `node`: its npm package's, or the running one's. */
export function releaseDirectory(release) {
  if (release === own) {
    return dirname(process.execPath);
  }
  const prefix = join(store, PINNED[release]);
  const directory = join(prefix, "node_modules", name, "bin");
  if (!existsSync(join(directory, "node"))) {
    const parameters = ["install", "--prefix", prefix, "--no-save", "--silent", `${name}@${PINNED[release]}`];
    const { status, error } = spawnSync("npm", parameters, { stdio: "inherit" });
    if (error || status !== 0) {
      throw error ?? new Error(`npm ${parameters.join(" ")} failed`);
    }
  }
  return directory;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  RELEASES.forEach(releaseDirectory);
}
