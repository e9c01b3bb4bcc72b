// Names this machine's platform as the packages with the native library are named.

import { closeSync, openSync, readSync } from "node:fs";

/** `linux-x64-gnu`, `linux-arm64-musl`, `darwin-arm64`, …: the names of scripts/platforms.mjs. */
export function platform(): string {
  const name = `${process.platform}-${process.arch}`;
  return process.platform === "linux" ? `${name}-${libc()}` : name;
}

/** What the library is called there. */
export function fileName(): string {
  switch (process.platform) {
    case "win32":
      return "authkit.dll";
    case "darwin":
      return "libauthkit.dylib";
    default:
      return "libauthkit.so";
  }
}

/** The C library that this Node runs on. */
function libc(): "gnu" | "musl" {
  switch (/\/ld-(linux|musl)/.exec(executableHead())?.[1]) {
    case "linux":
      return "gnu";
    case "musl":
      return "musl";
    default:
      return reportedLibc();
  }
}

/** The executable's first page, where linkers put the name of its loader. */
function executableHead(): string {
  const head = Buffer.alloc(4096);
  try {
    const file = openSync(process.execPath, "r");
    try {
      readSync(file, head);
    } finally {
      closeSync(file);
    }
  } catch {
    // An executable that was replaced or cannot be read: the report tells.
  }
  return head.toString("latin1");
}

/** By Node's diagnostic report, which takes more than ten times as long as a look at the executable. */
function reportedLibc(): "gnu" | "musl" {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? "musl" : "gnu";
}
