// The platforms that a release can have a native library for, each in an npm package of its own.

/**
 * By the name that src/platform.ts gives them: what npm compares with a machine before it installs the package, and
 * the library's file name there.
 */
export const PLATFORMS = {
  "linux-x64-gnu": { os: "linux", cpu: "x64", libc: "glibc", file: "libauthkit.so" },
  "linux-arm64-gnu": { os: "linux", cpu: "arm64", libc: "glibc", file: "libauthkit.so" },
  "linux-x64-musl": { os: "linux", cpu: "x64", libc: "musl", file: "libauthkit.so" },
  "linux-arm64-musl": { os: "linux", cpu: "arm64", libc: "musl", file: "libauthkit.so" },
  "darwin-x64": { os: "darwin", cpu: "x64", file: "libauthkit.dylib" },
  "darwin-arm64": { os: "darwin", cpu: "arm64", file: "libauthkit.dylib" },
  "win32-x64": { os: "win32", cpu: "x64", file: "authkit.dll" },
};

/** In a scope of our own, where nobody else can publish a library for a platform that we do not have. */
export const packageName = (platform) => `@authkit-verifier/${platform}`;
