// What hosts write into their logs: the library's lines, each written where the server's operator looks. The library
// decides the level, the sentence and how often.

import type { Native, Pointer } from "./native.js";
import type { Verifier } from "./verifier.js";

/** One line for a log: printable, without the token and without a secret. Frozen. */
export interface LogLine {
  /** "warning" if an operator should look. */
  readonly level: "info" | "warning";
  readonly text: string;
}

/** Writes one line; the request is the one that was refused, if the line is about one. */
export type WriteLine<R> = (line: LogLine, request?: R) => void;

/** How often trouble with keys is looked for, in milliseconds. */
const INTERVAL = 1000;

/** AUTHKIT_LOG_INFO. */
const INFO = 1;

/** To standard error, in each case: on standard output a host may speak a protocol. */
export function toConsole({ level, text }: LogLine): void {
  console.warn(`${level === "info" ? "INFO" : "WARNING"} authkit-verifier: ${text}`);
}

/** The verifiers whose log has begun. */
const begun = new WeakSet<Verifier>();

/**
 * Begins a verifier's log, once: what is guarded, then what happens to its keys. Has the keys fetched. Called with the
 * first request, and not when a guard is made, so that a module that is only loaded, as by a bundler, does nothing. Ends
 * when the verifier is closed or collected.
 */
export function beginLog(verifier: Verifier, write: WriteLine<never>): void {
  // A verifier of an older copy of this package has no lines.
  if (begun.has(verifier) || typeof verifier.logLines !== "function") {
    return;
  }
  begun.add(verifier);
  drain(verifier, write);
  try {
    verifier.startRefresh();
  } catch {
    // If the refresh mode makes no threads, the first token fetches.
  }
  const known = new WeakRef(verifier);
  const timer = setInterval(() => {
    const verifier = known.deref();
    if (verifier === undefined || verifier.closed) {
      clearInterval(timer);
    } else {
      drain(verifier, write);
    }
  }, INTERVAL).unref();
}

/** Writes the lines that belong to no request. */
export function drain(verifier: Verifier, write: WriteLine<never>): void {
  if (!verifier.closed && typeof verifier.logLines === "function") {
    verifier.logLines().forEach((line) => write(line));
  }
}

/** Takes the lines that belong to no request. */
export function takeLogLines(native: Native, verifier: Pointer): LogLine[] {
  const lines: LogLine[] = [];
  for (let line = native.verifierNextLogLine(verifier); line !== null; line = native.verifierNextLogLine(verifier)) {
    try {
      const level = native.logLineLevel(line) === INFO ? "info" : "warning";
      lines.push(Object.freeze({ level, text: native.logLineText(line) ?? "" }));
    } finally {
      native.logLineFree(line);
    }
  }
  return lines;
}
