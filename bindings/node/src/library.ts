// Finds and loads the native library, once per thread, when the first verifier needs it.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { LibraryHandle } from "koffi";

import { badConfig, messageOf } from "./errors.js";
import { ABI_VERSION, abiVersion, bind, type Koffi, type Native } from "./native.js";
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
  const built = join(__dirname, "..", "native", fileName());
  return existsSync(built) ? built : packagedPath();
}

/** The library of the platform's package, which npm installs beside this one. */
function packagedPath(): string {
  const name = `@authkit-verifier/${platform()}`;
  let manifest: string;
  try {
    manifest = require.resolve(`${name}/package.json`);
  } catch {
    throw badConfig(
      `authkit-verifier has no native library for ${platform()}: the package ${name} is not installed`,
      `if the release has it, ${OPTIONAL}; otherwise build the library in a checkout with \`npm run build:native\`, ` +
        `and name it in ${PATH_VARIABLE}`,
    );
  }
  const [own, its] = [versionIn("../package.json"), versionIn(manifest)];
  if (its !== own) {
    throw badConfig(
      `${name} is of release ${its}, and authkit-verifier of release ${own}`,
      `install both of one release: \`npm install authkit-verifier@${own}\``,
    );
  }
  return join(dirname(manifest), fileName());
}

function versionIn(manifest: string): string {
  return (require(manifest) as { version: string }).version;
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
    return nativePart() ?? (require("koffi") as Koffi);
  } catch (cause) {
    throw badConfig(`koffi, by which the library is called, cannot be loaded: ${messageOf(cause)}`, OPTIONAL);
  }
}

/**
 * koffi's native part, which is all of koffi but for old names: the JavaScript that koffi finds it with takes
 * a process longer than all else up to the first verdict. Undefined where it is another release's or does not
 * lie beside koffi, as pnpm has it; koffi then looks for it.
 */
function nativePart(): Koffi | undefined {
  const { arch } = process;
  const [system, libc] = platform().endsWith("-musl") ? ["linux", "musl"] : [process.platform, process.platform];
  try {
    const found = require(`@koromix/koffi-${system}-${arch}/${libc}_${arch}/koffi.node`) as Koffi;
    return found.version === KOFFI_VERSION ? found : undefined;
  } catch {
    return undefined;
  }
}
