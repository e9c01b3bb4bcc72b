// Calls that need keys from the network: one waits for them on a worker thread, the others for it.

import { OK, WOULD_BLOCK, defect, dropError, messageOf, takeError } from "./errors.js";
import { takeClaims, type Claims } from "./claims.js";
import type { Handle } from "./handle.js";
import { pointerSlot, slotPointer, type Native, type Pointer, type PointerSlot } from "./native.js";
import type { Octets } from "./octets.js";

/** A verification that is to be settled; it owns its policy and one use of the handle. */
interface Call {
  readonly verifier: Pointer;
  readonly token: Octets;
  readonly policy: Pointer | null;
  readonly resolve: (claims: Claims) => void;
  readonly reject: (error: unknown) => void;
}

/** How long verifications may hold the event loop before others get their turn. */
const TURN_MS = 2;

/** When the others are first tried again while one blocks; each further time comes twice as late. */
const FIRST_LOOK_MS = 50;

/**
 * The waiting calls of one verifier.
 *
 * Blocking calls run on libuv's few threads, which the host needs for files and names too: two
 * hundred requests before the first keys would hold all of them for as long as the issuer takes. So
 * one call at a time blocks, and when it is answered the others are tried again, which as a rule
 * settles them all. They are also tried in between: another issuer than the one that is blocked on
 * may have answered, since each attempt starts the fetch that it lacks.
 *
 * koffi runs the call on a stack of 128 KiB; the deepest it goes, a fetch with a TLS handshake, was
 * measured at 46.
 */
export class Waiting {
  readonly #native: Native;
  readonly #handle: Handle;
  #calls: Call[] = [];
  /** A call is blocking a thread. */
  #blocking = false;
  /** The calls are being tried again, over several turns of the event loop. */
  #trying = false;
  #nextLook: NodeJS.Timeout | undefined;
  #refresh: Promise<void> | undefined;

  constructor(native: Native, handle: Handle) {
    this.#native = native;
    this.#handle = handle;
  }

  /** The verdict on a token that `authkit_verifier_try_verify()` could not give. Takes the policy over. */
  verify(token: Octets, policy: Pointer | null): Promise<Claims> {
    return new Promise((resolve, reject) => {
      this.#calls.push({ verifier: this.#handle.retain(), token, policy, resolve, reject });
      this.#lead();
    });
  }

  /** Fetches the keys now. Who asks while a fetch is asked for shares it. */
  refresh(): Promise<void> {
    this.#handle.open();
    this.#refresh ??= this.#startRefresh().finally(() => {
      this.#refresh = undefined;
    });
    return this.#refresh;
  }

  async #startRefresh(): Promise<void> {
    const verifier = this.#handle.retain();
    try {
      const error = pointerSlot();
      const status = await blocking((done) => this.#native.verifierRefresh.async(verifier, error, done));
      if (status !== OK) {
        throw takeError(this.#native, status, error);
      }
    } finally {
      this.#handle.release();
    }
  }

  /** Lets the first call block, unless one does, or may soon need not. */
  #lead(): void {
    if (this.#blocking || this.#trying) {
      return;
    }
    const call = this.#calls.shift();
    if (call === undefined) {
      return;
    }
    this.#blocking = true;
    this.#lookIn(FIRST_LOOK_MS);
    const { verifier, token, policy } = call;
    const [claims, error] = [pointerSlot(), pointerSlot()];
    void blocking((done) =>
      this.#native.verifierVerify.async(verifier, token.bytes, token.length, policy, claims, error, done),
    )
      .then(
        (status) => this.#settle(call, status, claims, error),
        (problem: unknown) => this.#finish(call, () => call.reject(problem)),
      )
      .then(() => {
        clearTimeout(this.#nextLook);
        this.#blocking = false;
        this.#tryAgain();
      });
  }

  #lookIn(delay: number): void {
    // What keeps the process is the call that blocks.
    this.#nextLook = setTimeout(() => {
      this.#tryAgain();
      this.#lookIn(2 * delay);
    }, delay).unref();
  }

  /** Tries the waiting calls; those that still need the network wait on. */
  #tryAgain(): void {
    if (!this.#trying) {
      this.#trying = true;
      this.#turn(this.#calls.splice(0));
    }
  }

  #turn(calls: readonly Call[]): void {
    const end = performance.now() + TURN_MS;
    let next = 0;
    for (; next < calls.length && performance.now() < end; next++) {
      this.#retry(calls[next] as Call);
    }
    if (next < calls.length) {
      setImmediate(() => this.#turn(calls.slice(next)));
      return;
    }
    this.#trying = false;
    this.#lead();
  }

  #retry(call: Call): void {
    const { verifier, token, policy } = call;
    const [claims, error] = [pointerSlot(), pointerSlot()];
    const status = this.#native.verifierTryVerify(verifier, token.bytes, token.length, policy, claims, error);
    if (status === WOULD_BLOCK) {
      dropError(this.#native, error);
      this.#calls.push(call);
      return;
    }
    this.#settle(call, status, claims, error);
  }

  #settle(call: Call, status: number, claims: PointerSlot, error: PointerSlot): void {
    this.#finish(call, () => {
      try {
        call.resolve(verdict(this.#native, status, claims, error));
      } catch (refusal) {
        call.reject(refusal);
      }
    });
  }

  #finish(call: Call, settle: () => void): void {
    if (call.policy !== null) {
      this.#native.policyFree(call.policy);
    }
    this.#handle.release();
    settle();
  }
}

/** The claims that a call made, or its error thrown. */
export function verdict(native: Native, status: number, claims: PointerSlot, error: PointerSlot): Claims {
  if (status !== OK) {
    throw takeError(native, status, error);
  }
  return takeClaims(native, slotPointer(claims));
}

/** A native call on a worker thread. What koffi itself refuses, such as too many calls, is our error too. */
function blocking(start: (done: (problem: unknown, status: number) => void) => void): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    start((problem, status) => {
      if (problem) {
        reject(problem);
      } else {
        resolve(status);
      }
    });
  }).catch((problem: unknown) => {
    throw defect(`the call cannot be made: ${messageOf(problem)}`);
  });
}
