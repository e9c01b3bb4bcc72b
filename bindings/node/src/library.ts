// Finds and loads the native library, once per thread, when the first verifier needs it.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve, toNamespacedPath } from "node:path";
import type { LibraryHandle } from "koffi";

import { badConfig, messageOf } from "./errors.js";
import { ABI_VERSION, abiVersion, bind, type Koffi, type Native } from "./native.js";
import { nearby, OWN, ownRequire } from "./packages.js";
import { fileName, platform } from "./platform.js";

const PATH_VARIABLE = "AUTHKIT_LIBRARY_PATH";
/** The release that package.json asks for. */
const KOFFI_VERSION = "3.3.4";
const OPTIONAL = "`npm install --include=optional` on this machine brings it";

let loaded: Native | undefined;

/** The library's functions. A failure is not remembered: the next call tries again. */
export function native(): Native {
  return (loaded ??= load(libraryPath()));
}

function libraryPath(): string {
  const chosen = process.env[PATH_VARIABLE];
  if (chosen) {
    if (!existsSync(chosen)) {
      throw badConfig(`there is no ${chosen}, which ${PATH_VARIABLE} names`);
    }
    // With its directories, since the system's loader looks for a bare name elsewhere.
    return resolve(chosen);
  }
  // Only a checkout has one, and who built it there means it.
  const built = join(OWN, "native", fileName());
  return existsSync(built) ? built : packagedPath();
}

/** The library of the platform's package, which npm installs beside this one. */
function packagedPath(): string {
  const name = `@authkit-verifier/${platform()}`;
  const manifest = manifestOf(name);
  if (manifest === undefined) {
    throw badConfig(
      `authkit-verifier has no native library for ${platform()}: the package ${name} is not installed`,
      `if the release has it, ${OPTIONAL}; otherwise build the library in a checkout with \`npm run build:native\`, ` +
        `and name it in ${PATH_VARIABLE}`,
    );
  }
  const [own, its] = [versionIn(join(OWN, "package.json")), versionIn(manifest)];
  if (its !== own) {
    throw badConfig(
      `${name} is of release ${its}, and authkit-verifier of release ${own}`,
      `install both of one release: \`npm install authkit-verifier@${own}\``,
    );
  }
  return join(dirname(manifest), fileName());
}

function manifestOf(name: string): string | undefined {
  const file = `${name}/package.json`;
  try {
    return nearby(file, OWN) ?? ownRequire().resolve(file);
  } catch {
    return undefined;
  }
}

function versionIn(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

function load(path: string): Native {
  const koffi = foreignFunctions();
  let library: LibraryHandle;
  let version: number;
  try {
    library = koffi.load(path);
    version = abiVersion(library);
  } catch (cause) {
    throw badConfig(`${path} cannot be loaded as the authkit library: ${messageOf(cause)}`);
  }
  if (version !== ABI_VERSION) {
    throw badConfig(
      `${path} keeps ABI ${version}, and this package speaks ABI ${ABI_VERSION}`,
      "install the library and the package of the same release",
    );
  }
  try {
    return bind(library);
  } catch (cause) {
    throw badConfig(`${path} is older than this package: ${messageOf(cause)}`);
  }
}

/** koffi, whose own native part is optional too: loaded here, so that what is missing is said and not thrown at `import`. */
function foreignFunctions(): Koffi {
  try {
    return nativePart() ?? (ownRequire()("koffi") as Koffi);
  } catch (cause) {
    throw badConfig(`koffi, by which the library is called, cannot be loaded: ${messageOf(cause)}`, OPTIONAL);
  }
}

/**
 * koffi's native part, which is all of koffi but for old names: the JavaScript that koffi finds it with takes
 * a process longer than all else up to the first verdict. Undefined where it is another release's or does not
 * lie where npm and pnpm put it; koffi then looks for it. It is an instance of our own: a program that uses
 * koffi too has another.
 */
function nativePart(): Koffi | undefined {
  const { arch } = process;
  const [system, libc] = platform().endsWith("-musl") ? ["linux", "musl"] : [process.platform, process.platform];
  try {
    const koffi = nearby("koffi", OWN);
    const file =
      koffi && nearby(`@koromix/koffi-${system}-${arch}/${libc}_${arch}/koffi.node`, realpathSync.native(koffi));
    if (!file) {
      return undefined;
    }
    const part = { exports: {} as Koffi };
    process.dlopen(part, toNamespacedPath(file));
    return part.exports.version === KOFFI_VERSION ? part.exports : undefined;
  } catch {
    return undefined;
  }
}
