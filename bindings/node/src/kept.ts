// What was made of tokens that come again, by the number of their acceptance.

import type { Acceptance, Claims } from "./claims.js";

/** The slots that a ticket can name, in its low bits. */
const SLOTS = 65536;

/**
 * The claims that were made of the acceptances that the library keeps, in its slots, and so no more of them. Good
 * only when the library gives the very ticket again, which it does after it has judged the token again.
 */
export class Kept {
  #acceptances: Acceptance[] = [];

  /** What was made of the acceptance that the library has just told of. */
  of(ticket: number): Claims | undefined {
    if (ticket === 0) {
      return undefined;
    }
    const kept = this.#acceptances[ticket % SLOTS];
    return kept?.ticket === ticket ? kept.claims : undefined;
  }

  add(acceptance: Acceptance): Claims {
    if (acceptance.ticket !== 0) {
      this.#acceptances[acceptance.ticket % SLOTS] = acceptance;
    }
    return acceptance.claims;
  }

  clear(): void {
    this.#acceptances = [];
  }
}
