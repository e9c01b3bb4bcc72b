// The native verifier's life: freed once, when it is closed and its last call has ended.

import { misuse } from "./errors.js";
import type { Native, Pointer } from "./native.js";

export class Handle {
  readonly #native: Native;
  readonly #pointer: Pointer;
  #users = 0;
  #closed = false;
  #freed = false;

  constructor(native: Native, pointer: Pointer) {
    this.#native = native;
    this.#pointer = pointer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Refuses a call once closed. */
  check(): void {
    if (this.#closed) {
      throw misuse("the verifier is closed");
    }
  }

  /**
   * The pointer, for `call` to use at once. It stays valid until `call` returns, even if other code runs meanwhile:
   * the caller's options and documents can have getters, and these can close the verifier.
   */
  use<R>(call: (verifier: Pointer) => R): R {
    const verifier = this.retain();
    try {
      return call(verifier);
    } finally {
      this.release();
    }
  }

  /** For a call that outlives its caller's turn: the pointer stays good until `release()`. */
  retain(): Pointer {
    this.check();
    this.#users++;
    return this.#pointer;
  }

  release(): void {
    this.#users--;
    this.#free();
  }

  close(): void {
    this.#closed = true;
    this.#free();
  }

  #free(): void {
    if (this.#closed && this.#users === 0 && !this.#freed) {
      this.#freed = true;
      this.#native.verifierFree(this.#pointer);
    }
  }
}
