// Calls that need keys from the network: one wait on a worker thread serves all, and they are tried again.

import { FETCH_NEEDED, OK, WOULD_BLOCK, defect, dropError, messageOf, takeError } from "./errors.js";
import type { Handle } from "./handle.js";
import { pointerSlot, type Native, type Pointer, type PointerSlot } from "./native.js";

/** What is asked of the library until it can answer. Its policy, if it has one, is its own. */
export interface Question<T> {
  /** Asks without waiting. */
  readonly attempt: (verifier: Pointer, out: PointerSlot, error: PointerSlot) => number;
  /** Asks on a worker thread, which waits. */
  readonly wait: (verifier: Pointer, out: PointerSlot, error: PointerSlot, done: Done) => void;
  /** The answer that was left, or its error thrown; frees both. */
  readonly read: (status: number, out: PointerSlot, error: PointerSlot) => T;
  /** Frees what an attempt left that would have had to wait. */
  readonly drop: (out: PointerSlot, error: PointerSlot) => void;
  /** The answer, or its error thrown, for who has waited for long enough; frees what the last attempt left. */
  readonly late: (out: PointerSlot, error: PointerSlot) => T;
  readonly policy: Pointer | null;
}

type Done = (problem: unknown, status: number) => void;

/** A question that is to be settled; it owns its policy and one use of the handle. */
interface Call {
  readonly verifier: Pointer;
  readonly question: Question<unknown>;
  readonly deadline: number;
  /** No fetch is under way (`refreshMode: "inline"`): a call that blocks must start it. */
  mustLead: boolean;
  timer?: NodeJS.Timeout;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/** How long verifications, and what the host does at once with their answers, may hold the event loop before others get their turn. */
const TURN_MS = 2;

/** After this time calls are tried again whatever has happened: keys past their time to live will do then. */
const STEP_MS = 1000;

/** How long one native call blocks, and so how long `process.exit()` can be kept. */
const BLOCK_MS = 100;

/**
 * The waiting calls of one verifier.
 *
 * Blocking calls run on libuv's few threads, which the host needs for files and names too: two
 * hundred requests before the first keys would hold all of them for as long as the issuer takes. So
 * one native call at a time waits for a fetch to end, and then all verifications are tried again.
 *
 * koffi runs the call on a stack of 128 KiB; the deepest it goes, a fetch with a TLS handshake, was
 * measured at 46.
 */
export class Waiting {
  readonly #native: Native;
  readonly #handle: Handle;
  #calls: Call[] = [];
  /** A thread waits, or the calls are being tried again. */
  #busy = false;
  #refresh: Promise<void> | undefined;

  constructor(native: Native, handle: Handle) {
    this.#native = native;
    this.#handle = handle;
  }

  /**
   * The answer that could not be given at once, for this status, when so many fetches had ended. Takes the
   * question's policy over.
   */
  answer<T>(question: Question<T>, seen: number | bigint, status: number): Promise<T> {
    // Before the promise: if it throws, the caller keeps the policy.
    const verifier = this.#handle.retain();
    return new Promise((resolve, reject) => {
      const patience = 1000 * this.#native.verifierFetchTimeout(verifier);
      const deadline = performance.now() + patience;
      const mustLead = status === FETCH_NEEDED;
      const call: Call = { verifier, question, deadline, mustLead, resolve, reject };
      // If the one worker thread is with another call for longer than that.
      call.timer = setTimeout(() => this.#answerNow(call), patience + BLOCK_MS);
      this.#calls.push(call);
      if (!this.#busy) {
        this.#busy = true;
        void this.#waitAndTry(seen);
      }
    });
  }

  /** Fetches the keys now. Who asks while a fetch is asked for shares it. */
  refresh(): Promise<void> {
    this.#handle.check();
    this.#refresh ??= this.#startRefresh().finally(() => {
      this.#refresh = undefined;
    });
    return this.#refresh;
  }

  async #startRefresh(): Promise<void> {
    // Whether it went well is known to the call that waits for it, so that one blocks, and for all of it.
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

  /** Waits until every issuer has keys. */
  async ready(timeout: number): Promise<void> {
    const verifier = this.#handle.retain();
    const deadline = performance.now() + timeout;
    try {
      for (;;) {
        const left = Math.max(0, deadline - performance.now());
        const error = pointerSlot();
        const status = await blocking((done) =>
          this.#native.verifierWaitReady.async(verifier, Math.ceil(Math.min(left, BLOCK_MS)), error, done),
        );
        if (status === OK) {
          return;
        }
        if (left <= BLOCK_MS) {
          throw takeError(this.#native, status, error);
        }
        dropError(this.#native, error);
      }
    } finally {
      this.#handle.release();
    }
  }

  /** Until nobody waits any more. */
  async #waitAndTry(seen: number | bigint): Promise<void> {
    while (this.#calls.length > 0) {
      try {
        if (this.#calls[0]?.mustLead) {
          await this.#lead(this.#calls.shift() as Call);
        } else {
          await this.#wait(seen);
        }
      } catch (problem) {
        this.#calls.splice(0).forEach((call) => this.#finish(call, () => call.reject(problem)));
      }
      if (this.#calls.length > 0) {
        // Before the tries: whatever ends after it is seen.
        seen = this.#native.verifierFetchesEnded(this.#first());
        await this.#tryAll();
      }
    }
    this.#busy = false;
  }

  #first(): Pointer {
    return (this.#calls[0] as Call).verifier;
  }

  /** Waits for a fetch to end after so many, and no longer than it takes for another try to be due. */
  async #wait(seen: number | bigint): Promise<void> {
    const verifier = this.#first();
    const due = Math.min(performance.now() + STEP_MS, ...this.#calls.map(({ deadline }) => deadline));
    for (;;) {
      const time = Math.max(0, Math.min(BLOCK_MS, Math.ceil(due - performance.now())));
      const status = await blocking((done) => this.#native.verifierWait.async(verifier, seen, time, done));
      if (status !== WOULD_BLOCK || performance.now() >= due) {
        return;
      }
    }
  }

  /** Has a call block until it is answered. */
  async #lead(call: Call): Promise<void> {
    const [out, error] = [pointerSlot(), pointerSlot()];
    try {
      const status = await blocking((done) => call.question.wait(call.verifier, out, error, done));
      this.#settle(call, () => call.question.read(status, out, error));
    } catch (problem) {
      this.#finish(call, () => call.reject(problem));
    }
  }

  /** Tries the waiting calls in turns; those that still need the network wait on. */
  async #tryAll(): Promise<void> {
    const calls = this.#calls.splice(0);
    let end = performance.now() + TURN_MS;
    for (const call of calls) {
      if (performance.now() >= end) {
        await new Promise(setImmediate);
        end = performance.now() + TURN_MS;
      }
      this.#retry(call);
      // A tick of its own comes after all that the answer has set going: the host's work counts as well.
      await new Promise(process.nextTick);
    }
  }

  #retry(call: Call): void {
    const { verifier, question, deadline } = call;
    const [out, error] = [pointerSlot(), pointerSlot()];
    const status = question.attempt(verifier, out, error);
    call.mustLead = status === FETCH_NEEDED;
    if (status !== WOULD_BLOCK && status !== FETCH_NEEDED) {
      this.#settle(call, () => question.read(status, out, error));
    } else if (performance.now() >= deadline) {
      this.#settle(call, () => question.late(out, error));
    } else {
      question.drop(out, error);
      this.#calls.push(call);
    }
  }

  /** Answers a call whose time is over. Its current owner ends it. */
  #answerNow(call: Call): void {
    const [out, error] = [pointerSlot(), pointerSlot()];
    const { question, verifier } = call;
    const status = question.attempt(verifier, out, error);
    const isOpen = status === WOULD_BLOCK || status === FETCH_NEEDED;
    answerBy(call, () => (isOpen ? question.late(out, error) : question.read(status, out, error)));
  }

  #settle(call: Call, answer: () => unknown): void {
    this.#finish(call, () => answerBy(call, answer));
  }

  #finish(call: Call, settle: () => void): void {
    clearTimeout(call.timer);
    if (call.question.policy !== null) {
      this.#native.policyFree(call.question.policy);
    }
    this.#handle.release();
    settle();
  }
}

function answerBy(call: Call, answer: () => unknown): void {
  try {
    call.resolve(answer() as never);
  } catch (refusal) {
    call.reject(refusal);
  }
}

/** A native call on a worker thread. What koffi itself refuses, such as too many calls, is our error too. */
function blocking(start: (done: Done) => void): Promise<number> {
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
