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

  /** For a call that begins now: refused once closed. */
  open(): Pointer {
    if (this.#closed) {
      throw misuse("the verifier is closed");
    }
    return this.#pointer;
  }

  /** For a call that outlives its caller's turn: the pointer stays good until `release()`. */
  retain(): Pointer {
    const pointer = this.open();
    this.#users++;
    return pointer;
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
