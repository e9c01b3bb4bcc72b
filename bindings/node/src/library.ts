// Finds and loads the native library, once per thread, when the first verifier needs it.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import koffi, { type LibraryHandle } from "koffi";

import { badConfig, messageOf } from "./errors.js";
import { ABI_VERSION, abiVersion, bind, type Native } from "./native.js";

const PATH_VARIABLE = "AUTHKIT_LIBRARY_PATH";

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
  const packaged = join(__dirname, "..", "native", fileName());
  if (!existsSync(packaged)) {
    throw badConfig(
      `authkit-verifier has no native library for ${process.platform} ${process.arch}: there is no ${packaged}`,
      `build it in a checkout with \`npm run build:native\`, or name one in ${PATH_VARIABLE}`,
    );
  }
  return packaged;
}

function fileName(): string {
  switch (process.platform) {
    case "win32":
      return "authkit.dll";
    case "darwin":
      return "libauthkit.dylib";
    default:
      return "libauthkit.so";
  }
}

function load(path: string): Native {
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
