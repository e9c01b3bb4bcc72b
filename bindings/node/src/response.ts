// What a resource server answers, as the library made it: to be sent as it is.

import type { Acceptance, Claims } from "./claims.js";
import { defect, dropError, takeError, toldError, type AuthKitError, type Refusal } from "./errors.js";
import type { LogLine } from "./log.js";
import { slotPointer, type Native, type Pointer, type PointerSlot } from "./native.js";
import type { Written } from "./record.js";

/** An HTTP response as data. */
export interface Response {
  readonly status: number;
  /** By name in lower case; values are printable ASCII, whatever the request held. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or empty; its length is for the server to state. */
  readonly body: string;
}

/** Whether a request may go on; where it may not, the response to send. */
export interface Decision extends Response {
  readonly allowed: boolean;
  /** What the accepted token says; undefined where the request may not go on. */
  readonly claims: Claims | undefined;
  /** Why it may not: it says more than the client is told. */
  readonly error: AuthKitError | undefined;
  /**
   * What to write into the log if the response is sent. Undefined if the request may go on or has no credentials, or if
   * the same cause was told less than 10 s ago; a later line counts it.
   */
  readonly logLine: LogLine | undefined;
}

/** The decision on a request that may go on. */
export function allowed(claims: Claims): Decision {
  return Object.freeze({ status: 200, headers: NO_HEADERS, body: "", allowed: true, claims, error: undefined, logLine: undefined });
}

const NO_HEADERS = Object.freeze({});

/** What a call of authorize has written. Throws where there is no response to send: a call that cannot be made. */
export function decisionOf(native: Native, written: Written, keep: (acceptance: Acceptance) => Claims): Decision {
  const accepted = written.accepted();
  if (accepted !== undefined) {
    return allowed(keep(accepted));
  }
  const { status, refusal } = written.refused();
  const error = toldError(native, status, refusal);
  if (!isAnswer(refusal)) {
    throw error;
  }
  const headers = Object.freeze(Object.fromEntries(refusal.headers));
  const { body, log } = refusal;
  const logLine = log == null ? undefined : Object.freeze(log);
  return Object.freeze({ status: refusal.status, headers, body, allowed: false, claims: undefined, error, logLine });
}

/** A refusal with the response to send; a call that cannot be made has none. */
interface Answer extends Refusal {
  readonly status: number;
  readonly headers: [name: string, value: string][];
  readonly body: string;
  readonly log?: LogLine | null;
}

function isAnswer(refusal: Refusal): refusal is Answer {
  return "status" in refusal;
}

/** What a call of well_known left behind; null where the path is not the library's. */
export function takeResponse(
  native: Native,
  status: number,
  out: PointerSlot,
  error: PointerSlot,
): Response | null {
  const pointer = slotPointer(out);
  if (pointer === null) {
    if (native.statusName(status) === "ABSENT") {
      dropError(native, error);
      return null;
    }
    throw takeError(native, status, error);
  }
  try {
    // Why it is a 503 stands in it, as far as a client may know.
    dropError(native, error);
    return Object.freeze(read(native, pointer));
  } finally {
    native.responseFree(pointer);
  }
}

/** Frees a response that nobody asks. */
export function dropResponse(native: Native, out: PointerSlot, error: PointerSlot): void {
  dropError(native, error);
  native.responseFree(slotPointer(out));
}

function read(native: Native, response: Pointer): Response {
  const headers: Record<string, string> = {};
  for (let index = 0; index < native.responseHeaderCount(response); index++) {
    headers[text(native.responseHeaderNameAt(response, index))] = text(
      native.responseHeaderValueAt(response, index),
    );
  }
  const body = native.responseBody(response, null) ?? "";
  return { status: native.responseStatus(response), headers: Object.freeze(headers), body };
}

function text(value: string | null): string {
  if (value === null) {
    throw defect("a header of the response cannot be read");
  }
  return value;
}
