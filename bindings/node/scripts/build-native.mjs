// Places the native library beside the package: `npm run build:native [-- --library PATH]`.
//
// Without --library it is built from the checkout that this package lies in, by the one recipe for
// it (mk/native.mk), which needs cargo, make and a C compiler.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const checkout = resolve(here, "..", "..", "..");
const recipe = join("mk", "native.mk");

const { values } = parseArgs({ options: { library: { type: "string" } } });

if (values.library === undefined) {
  if (!existsSync(join(checkout, recipe))) {
    fail(`there is no ${recipe} here: the native library is built in a checkout, or given with --library PATH`);
  }
  const made = spawnSync("make", ["-f", recipe, "lib"], { cwd: checkout, stdio: "inherit" });
  if (made.error) {
    fail(`make cannot be run: ${made.error.message}`);
  }
  if (made.status !== 0) {
    fail("the native library was not built; it needs Rust (cargo), make and a C compiler");
  }
}

const library = values.library ?? join(checkout, "build", "lib", "libauthkit.so");
const target = join(here, "..", "native", "libauthkit.so");
mkdirSync(dirname(target), { recursive: true });
// Renamed into place, since a process may have the old one mapped.
copyFileSync(library, `${target}.new`);
renameSync(`${target}.new`, target);

function fail(message) {
  console.error(`authkit-verifier: ${message}`);
  process.exit(1);
}
