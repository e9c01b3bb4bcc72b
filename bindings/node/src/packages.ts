// Finds what other packages bring, without Node's loader of CommonJS where they lie as npm and pnpm put them: to
// start it takes a process half as long as all else up to the first verdict.

import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** This package's folder. */
export const OWN = dirname(__dirname);

/**
 * A file of another package, as Node finds it from the package in `folder`: in that one's node_modules, or beside
 * it. Undefined where it is in neither, which is not to say that Node cannot find it.
 */
export function nearby(file: string, folder: string): string | undefined {
  const inside = `${folder}/node_modules/${file}`;
  if (existsSync(inside)) {
    return inside;
  }
  const around = dirname(folder);
  const beside = `${around}/${file}`;
  return basename(around) === "node_modules" && existsSync(beside) ? beside : undefined;
}

/** The `require` of this package's files. */
export function ownRequire(): NodeJS.Require {
  const { createRequire } = require("node:module") as typeof import("node:module");
  return createRequire(join(OWN, "package.json"));
}
