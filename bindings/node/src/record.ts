// Records: what a verdict in one call writes into a buffer, the claims of a token or why it is refused.

import { fromRecord, type Acceptance } from "./claims.js";
import { INTERNAL, OK, toldError, type Refusal } from "./errors.js";
import type { Native } from "./native.js";

/** AUTHKIT_RECORD_CAPACITY: room for every record. */
export const RECORD_CAPACITY = 65536;

/** For synchronous calls, each of which is read before anything else runs. */
const shared = recordBuffer();

/** What a call has written: at once, into the buffer of all such calls, or on another thread, into one of its own. */
export class Written {
  #buffer = shared;
  #result = 0;

  /** Makes a call at once; gives its status. */
  now(call: (buffer: Buffer) => number): number {
    this.#buffer = shared;
    // It must not show an earlier verdict, even if this call fails.
    shared[0] = 0;
    this.#result = call(shared);
    return statusOf(this.#result);
  }

  /** Makes a call on another thread; tells its status. */
  later(
    call: (buffer: Buffer, done: (problem: unknown, result: number) => void) => void,
    done: (problem: unknown, status: number) => void,
  ): void {
    this.#buffer = recordBuffer();
    call(this.#buffer, (problem, result) => {
      this.#result = result;
      done(problem, statusOf(result));
    });
  }

  /** The claims that were written, undefined where it was a refusal. A record's length alone accepts. */
  accepted(): Acceptance | undefined {
    return this.#result > 0 ? fromRecord(this.#buffer.toString("utf8", 0, this.#result)) : undefined;
  }

  /** The refusal that was written, and its status. */
  refused(): { status: number; refusal: Refusal } {
    const document = this.#buffer.toString("utf8", 0, this.#buffer.indexOf(0));
    const refusal = document.startsWith("{") ? (JSON.parse(document) as Refusal) : {};
    return { status: statusOf(this.#result), refusal };
  }

  /** The claims that were written, or the refusal thrown. */
  read(native: Native): Acceptance {
    const accepted = this.accepted();
    if (accepted !== undefined) {
      return accepted;
    }
    const { status, refusal } = this.refused();
    throw toldError(native, status, refusal);
  }
}

function recordBuffer(): Buffer {
  // Not of Node's pool, which other code writes to.
  const buffer = Buffer.allocUnsafeSlow(RECORD_CAPACITY);
  buffer[0] = 0;
  return buffer;
}

/** The status of a call that gave the record's length, or a status negated. Success without a record is a defect. */
function statusOf(result: number): number {
  return result > 0 ? OK : -result || INTERNAL;
}
