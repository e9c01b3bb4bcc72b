// Records: what a verdict in one call writes into a buffer, the claims of a token or why it is refused.

import { fromRecord, type Acceptance } from "./claims.js";
import { OK, toldError } from "./errors.js";
import type { Native } from "./native.js";

/** AUTHKIT_RECORD_CAPACITY: room for every record. */
export const RECORD_CAPACITY = 65536;

/** A buffer for one call at a time. */
export function recordBuffer(): Buffer {
  // Not of Node's pool, which other code writes to.
  return Buffer.allocUnsafeSlow(RECORD_CAPACITY);
}

/** The status of a call that gave the record's length, or a status negated. */
export function statusOf(written: number): number {
  return written > 0 ? OK : -written;
}

/** The claims that a call wrote, or its error thrown. A record's length alone accepts. */
export function readRecord(native: Native, written: number, buffer: Buffer): Acceptance {
  if (written > 0) {
    return fromRecord(buffer.toString("utf8", 0, written));
  }
  throw toldError(native, -written, buffer.toString("utf8", 0, buffer.indexOf(0)));
}
