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
  const head = executableHead();
  if (head.includes("/ld-linux")) {
    return "gnu";
  }
  return head.includes("/ld-musl") ? "musl" : reportedLibc();
}

/** The executable's beginning, where linkers put the name of its loader. */
function executableHead(): string {
  // Not a Buffer: what makes one and its text of Latin-1 takes a new process longer than the reading.
  const head = new Uint8Array(2048);
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
  return String.fromCharCode.apply(null, head as unknown as number[]);
}

/** By Node's diagnostic report, which takes more than ten times as long as a look at the executable. */
function reportedLibc(): "gnu" | "musl" {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? "musl" : "gnu";
}
