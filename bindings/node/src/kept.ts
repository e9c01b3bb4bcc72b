// What was made of tokens that come again, by the number of their acceptance.

import type { Acceptance, Claims } from "./claims.js";

/** The slots that a ticket can name, in its low bits. */
const SLOTS = 65536;

/**
 * So often in a row it is asked in vain whether a token comes again. Where none does, be it that clients have one
 * for every call or that nothing is kept, asking costs more than it spares.
 */
const VAIN = 4;

/**
 * The claims that were made of the acceptances that the library keeps, in its slots, and so no more of them. Good
 * only when the library gives the very ticket again, which it does after it has judged the token again.
 */
export class Kept {
  #acceptances: Acceptance[] = [];
  #inVain = 0;

  /** Whether it is worth asking the library if a token comes again. */
  get asks(): boolean {
    return this.#inVain < VAIN;
  }

  /** What was made of the acceptance that the library has told of, when it was asked. */
  of(ticket: number): Claims | undefined {
    const claims = this.#made(ticket);
    this.#inVain = claims === undefined ? this.#inVain + 1 : 0;
    return claims;
  }

  /** The claims of an acceptance: those that were made of it before, where the library tells of it once more. */
  add(acceptance: Acceptance): Claims {
    const { ticket, claims } = acceptance;
    if (ticket === 0) {
      return claims;
    }
    const known = this.#made(ticket);
    if (known !== undefined) {
      // Tokens come again: from now on it is asked whether they do.
      this.#inVain = 0;
      return known;
    }
    this.#acceptances[ticket % SLOTS] = acceptance;
    return claims;
  }

  #made(ticket: number): Claims | undefined {
    const kept = ticket === 0 ? undefined : this.#acceptances[ticket % SLOTS];
    return kept?.ticket === ticket ? kept.claims : undefined;
  }

  clear(): void {
    this.#acceptances = [];
  }
}
