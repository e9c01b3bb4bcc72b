// Packs the packages of a release: `node scripts/pack.mjs --out DIRECTORY [--repository URL] PLATFORM=LIBRARY…`.
//
// One package for each platform that a library is given for, which holds that library, and `authkit-verifier`, which
// holds the compiled JavaScript and depends on just those, each optional and of its own very version. A platform that
// the release lacks is not named: some clients fail on a name that the registry does not know, and who locked such an
// install would not get the library when it comes.
//
// What is packed is made from this folder's package.json, without what only a checkout needs: no script is left, and so
// nothing runs at a user's install.

import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { PLATFORMS, packageName } from "./platforms.mjs";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const checkout = join(here, "..", "..");
const LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"];
// Of what is linked into the library.
const OF_OTHERS = "LICENSE-THIRD-PARTY";

const { values, positionals } = parseArgs({
  options: { out: { type: "string" }, repository: { type: "string" } },
  allowPositionals: true,
});
if (!values.out || positionals.length === 0) {
  fail("usage: node scripts/pack.mjs --out DIRECTORY [--repository URL] PLATFORM=LIBRARY…");
}
const libraries = positionals.map(libraryOf);
const out = resolve(values.out);
const { private: _, scripts, devDependencies, ...checkedIn } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
if (values.repository) {
  checkedIn.repository = { type: "git", url: values.repository, directory: "bindings/node" };
} else {
  console.error("authkit-verifier: packed without --repository, which npm asks for where it publishes with provenance");
}

mkdirSync(out, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "authkit-pack-"));
try {
  libraries.forEach(packPlatform);
  packMain();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function libraryOf(argument) {
  const [platform, library] = argument.split(/=(.*)/s);
  if (!Object.hasOwn(PLATFORMS, platform) || !library) {
    fail(`${argument} is not PLATFORM=LIBRARY with a platform of ${Object.keys(PLATFORMS).join(", ")}`);
  }
  return { platform, library };
}

function packPlatform({ platform, library }) {
  const { os, cpu, libc, file } = PLATFORMS[platform];
  const { version, license, repository, type, engines, publishConfig } = checkedIn;
  const name = packageName(platform);
  const folder = stage(platform, {
    name,
    version,
    description: `The native library of authkit-verifier for ${platform}`,
    license,
    repository,
    type,
    engines,
    os: [os],
    cpu: [cpu],
    libc: libc && [libc],
    files: [file],
    // A system's loader opens the library, which it cannot inside an archive (Yarn's Plug'n'Play).
    preferUnplugged: true,
    publishConfig,
  }, [...LICENSES, OF_OTHERS]);
  copyFileSync(library, join(folder, file));
  const parent = "[authkit-verifier](https://www.npmjs.com/package/authkit-verifier)";
  writeFileSync(join(folder, "README.md"), `# ${name}\n\nThe native library of ${parent} for ${platform}, which installs it.\n`);
  pack(folder);
}

function packMain() {
  const { version } = checkedIn;
  const optionalDependencies = Object.fromEntries(libraries.map(({ platform }) => [packageName(platform), version]));
  const folder = stage("main", { ...checkedIn, optionalDependencies }, LICENSES);
  cpSync(join(here, "dist"), join(folder, "dist"), { recursive: true });
  copyFileSync(join(here, "README.md"), join(folder, "README.md"));
  pack(folder);
}

function stage(name, manifest, licenses) {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const files = [...manifest.files, ...licenses];
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ ...manifest, files }, null, 2)}\n`);
  for (const license of licenses) {
    copyFileSync(join(checkout, license), join(folder, license));
  }
  return folder;
}

function pack(folder) {
  const parameters = ["pack", "--silent", "--pack-destination", out];
  const { status, error, stdout } = spawnSync("npm", parameters, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  if (error || status !== 0) {
    fail(`npm ${parameters.join(" ")} failed`);
  }
  console.log(join(out, stdout.toString().trim()));
}

function fail(message) {
  console.error(`authkit-verifier: ${message}`);
  process.exit(1);
}
