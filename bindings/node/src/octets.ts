// Text and bytes as the octets that a native call reads, with their length beside them.

import { types } from "node:util";

import { misuse } from "./errors.js";

/** Octets for one synchronous call: the first `length` of `bytes`. */
export interface Octets {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Longer than any token that is read, so that a longer one costs an allocation and nothing else. */
const SCRATCH_SIZE = 32 * 1024;

// One buffer for all calls of a thread: an allocation per token costs more than its copy. Nothing
// runs between filling it and the native call that reads it.
const scratch = new Uint8Array(SCRATCH_SIZE);
const encoder = new TextEncoder();

/**
 * A token's octets, valid until the next call of this function.
 *
 * A NUL is kept, and a lone surrogate becomes U+FFFD, which no token may hold: both are the
 * library's to refuse.
 */
export function tokenOctets(token: string | Uint8Array): Octets {
  if (typeof token === "string") {
    const { read, written } = encoder.encodeInto(token, scratch);
    if (read === token.length) {
      return { bytes: scratch, length: written };
    }
    const bytes = encoder.encode(token);
    return { bytes, length: bytes.length };
  }
  // Not instanceof: that fails for bytes of another realm, as in a test runner's sandbox.
  if (!types.isUint8Array(token)) {
    throw misuse(`the token is ${kindOf(token)}, neither a string nor a Uint8Array`);
  }
  const bytes = copied(token, "the token");
  if (bytes.length <= SCRATCH_SIZE) {
    scratch.set(bytes);
    return { bytes: scratch, length: bytes.length };
  }
  return { bytes, length: bytes.length };
}

/**
 * A copy of the octets, made by one read: in a SharedArrayBuffer another thread can change them, and their number,
 * between two reads. The constructor makes it, since that calls no method which the object may have overridden.
 */
function copied(octets: Uint8Array, name: string): Uint8Array {
  try {
    return new Uint8Array(octets);
  } catch {
    throw misuse(`${name} was moved elsewhere: its buffer is detached, or shorter than it was`);
  }
}

/** Text of a request as octets of their own; none where there is none. */
export function textOctets(text: unknown, name: string): { bytes: Uint8Array | null; length: number } {
  if (text === undefined || text === null) {
    return { bytes: null, length: 0 };
  }
  if (typeof text !== "string") {
    throw misuse(`${name} is ${kindOf(text)}, not a string`);
  }
  return documentOctets(text);
}

/** Octets that stay as they are. */
export function kept(octets: Octets): Octets {
  return { bytes: octets.bytes.slice(0, octets.length), length: octets.length };
}

/** A document's octets: of text, or a copy of bytes. */
export function documentOctets(document: string | Uint8Array): Octets {
  const bytes = typeof document === "string" ? Buffer.from(document) : copied(document, "the document");
  // Never empty, since the address of nothing is NULL and NULL is another mistake.
  return { bytes: bytes.length === 0 ? new Uint8Array(1) : bytes, length: bytes.length };
}

/** Text that C reads up to its NUL, and so must not hold one: `read\0 write` would ask for less. */
export function cString(text: unknown, name: string): string {
  if (typeof text !== "string") {
    throw misuse(`${name} is ${kindOf(text)}, not a string`);
  }
  if (text.includes("\0")) {
    throw misuse(`${name} holds a NUL`);
  }
  return text;
}

/**
 * The object, if all that it says are members of its own: what is inherited or hidden, as in a class, a Map or a
 * promise that was not awaited, would be demanded by whoever wrote it, and by nobody here.
 */
export function plainObject<T>(value: T, name: string): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw misuse(`${name} is ${kindOf(value)}, not an object`);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain =
    prototype === null ||
    prototype === Object.prototype ||
    // Of another realm, such as a test runner's.
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf"));
  if (!isPlain || Reflect.ownKeys(value).length !== Object.keys(value).length) {
    throw misuse(`${name} is no plain object: it has members that are inherited or hidden`);
  }
  return value;
}

export function kindOf(value: unknown): string {
  if (value === null) {
    return "null";
  }
  return Array.isArray(value) ? "an array" : `of type ${typeof value}`;
}
