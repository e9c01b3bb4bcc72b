// The verifier: options in, claims or a precise refusal out.

import { types } from "node:util";

import type { Claims } from "./claims.js";
import { FETCH_NEEDED, OK, WOULD_BLOCK, misuse, takeError, tooLate } from "./errors.js";
import { takeEvents, type Event } from "./events.js";
import { Handle } from "./handle.js";
import { Kept } from "./kept.js";
import { native } from "./library.js";
import { takeLogLines, type LogLine } from "./log.js";
import { pointerSlot, slotPointer, type Native, type Pointer } from "./native.js";
import { cString, documentOctets, kept, kindOf, plainObject, textOctets, tokenOctets, type Octets } from "./octets.js";
import { json, optionsJson, type VerifierOptions } from "./options.js";
import { policyOf, type AuthorizeOptions, type VerifyOptions } from "./policy.js";
import { RECORD_CAPACITY, Written } from "./record.js";
import { allowed, decisionOf, dropResponse, takeResponse, type Decision, type Response } from "./response.js";
import { takeStats, type Stats } from "./stats.js";
import { Waiting, type Question } from "./waiting.js";

/** What {@link Verifier.fromEnv} is told. */
export interface EnvironmentOptions {
  /**
   * Path of an env file (`.env`) for what the environment does not set. The environment wins, setting by
   * setting, and is not changed. Left out: no file is read.
   */
  envFile?: string | undefined;
}

/** Stands for the options of {@link Verifier.fromEnv}, which are the library's to read. */
class Environment {
  constructor(readonly file: string | undefined) {}
}

// For synchronous calls, whose results are read before anything else runs.
const outSlot = pointerSlot();
const errorSlot = pointerSlot();
const synchronous = new Written();

/** Frees what was dropped without `close()`. */
const dropped = new FinalizationRegistry<Handle>((handle) => handle.close());

/**
 * Verifies access tokens by one configuration and keeps the issuer's keys. Make one per resource
 * when the server starts, and share it between requests.
 */
export class Verifier {
  /** The resource that tokens must be meant for; undefined where only `audiences` is configured. */
  readonly resource: string | undefined;

  readonly #native: Native;
  readonly #handle: Handle;
  #waiting: Waiting | undefined;
  readonly #kept = new Kept();

  /**
   * Checks every setting; opens no connection. Keys are fetched when the first token needs them.
   *
   * @throws {ConfigError} naming the setting that is missing, wrong or unknown.
   */
  constructor(options: VerifierOptions = {}) {
    this.#native = native();
    const pointer = build(this.#native, options);
    this.#handle = new Handle(this.#native, pointer);
    dropped.register(this, this.#handle, this);
    this.resource = this.#native.verifierResource(pointer) ?? undefined;
  }

  /**
   * Makes a verifier from the process environment: `AUTHKIT_DOMAIN`, `AUTHKIT_BASE_URL` and every
   * other setting, or FastMCP's names; and, where it is asked for, from an env file. A worker thread sees the process's variables, not what it
   * wrote into its own copy of `process.env`.
   *
   * @throws {ConfigError} naming the variable that is missing, empty, wrong or unknown, or the file's
   *   line that cannot be read.
   */
  static fromEnv(options: EnvironmentOptions = {}): Verifier {
    return new this(new Environment(envFile(options)) as VerifierOptions);
  }

  /**
   * Verifies a token: the text after "Bearer " and nothing else. Never blocks the event loop: where
   * the keys are at hand the verdict is made at once, otherwise they are awaited on another thread,
   * one for all calls, at most `fetchTimeout` (5 seconds).
   *
   * Rejects with {@link TokenError} (401), {@link InsufficientScopeError} (403) or
   * {@link KeysUnavailableError} (503).
   */
  async verify(token: string | Uint8Array, options?: VerifyOptions): Promise<Claims> {
    return this.#handle.use((verifier) => this.#verdict(verifier, token, options));
  }

  #verdict(verifier: Pointer, token: string | Uint8Array, options: VerifyOptions | undefined): Promise<Claims> | Claims {
    const native = this.#native;
    const policy = policyOf(native, options);
    let octets = this.#tokenOctets(token, policy);
    const known = this.#recall(verifier, octets, policy);
    if (known !== undefined) {
      this.#free(policy);
      return known;
    }
    const written = new Written();
    return this.#answer(verifier, {
      policy,
      attempt: (verifier) =>
        written.now((buffer) => {
          const { bytes, length } = octets;
          return native.verifierTryVerifyInto(verifier, bytes, length, policy, buffer, RECORD_CAPACITY);
        }),
      wait: (verifier, _out, _error, done) =>
        written.later((buffer, noted) => {
          const { bytes, length } = octets;
          native.verifierVerifyInto.async(verifier, bytes, length, policy, buffer, RECORD_CAPACITY, noted);
        }, done),
      read: () => this.#kept.add(written.read(native)),
      // Before the next turn of the loop: the octets are another call's then.
      drop: () => {
        octets = kept(octets);
      },
      late: () => {
        throw tooLate(written.refused().refusal);
      },
    });
  }

  /**
   * Decides whether an HTTP request may go on, and what to answer where it may not. The library reads
   * the header; hand it on as it came. Never blocks the event loop; waits as {@link verify} does. A
   * refusal is no rejection: it is a {@link Decision} with the response to send.
   *
   * @param authorization the value of the `Authorization` header; undefined where there is none.
   *   Node hides all but the first of several such lines: join those of `rawHeaders` with a comma, and they
   *   are refused.
   */
  async authorize(authorization: string | null | undefined, options: AuthorizeOptions = {}): Promise<Decision> {
    return this.#handle.use((verifier) => this.#decision(verifier, authorization, options));
  }

  #decision(
    verifier: Pointer,
    authorization: string | null | undefined,
    options: AuthorizeOptions,
  ): Promise<Decision> | Decision {
    const native = this.#native;
    const header = textOctets(authorization, "the Authorization header");
    const { query, ...demands } = plainObject(options, "the options");
    const target = textOctets(query, "the query");
    const policy = policyOf(native, demands);
    const request = [header.bytes, header.length, target.bytes, target.length, policy] as const;
    const known = this.#kept.asks
      ? this.#kept.of(native.verifierRecallRequest(verifier, ...request))
      : undefined;
    if (known !== undefined) {
      this.#free(policy);
      return allowed(known);
    }
    const written = new Written();
    const decision = () => decisionOf(native, written, (acceptance) => this.#kept.add(acceptance));
    return this.#answer<Decision>(verifier, {
      policy,
      attempt: (verifier) =>
        written.now((buffer) => native.verifierTryAuthorizeInto(verifier, ...request, buffer, RECORD_CAPACITY)),
      wait: (verifier, _out, _error, done) =>
        written.later((buffer, noted) => {
          native.verifierAuthorizeInto.async(verifier, ...request, buffer, RECORD_CAPACITY, noted);
        }, done),
      read: decision,
      drop: () => {},
      // The call has waited long enough: it gets the answer of a call that would have to wait.
      late: () => ({ ...decision(), error: tooLate(written.refused().refusal) }),
    });
  }

  /**
   * Answers a request for one of this server's well-known documents; null for any other path. Protected
   * resource metadata (RFC 9728) with and without the resource's path, and the authorization server's metadata
   * (RFC 8414) for clients that ask here. Never blocks the event loop.
   *
   * @param method the request's method
   * @param path the path of the request's target, as it came
   */
  async wellKnown(method: string, path: string): Promise<Response | null> {
    const native = this.#native;
    this.#handle.check();
    const [name, { bytes, length }] = [cString(method, "the method"), documentOctets(cString(path, "the path"))];
    return this.#handle.use((verifier) =>
      this.#answer<Response | null>(verifier, {
        policy: null,
        attempt: (verifier, out, error) => native.verifierTryWellKnown(verifier, name, bytes, length, out, error),
        wait: (verifier, out, error, done) =>
          native.verifierWellKnown.async(verifier, name, bytes, length, out, error, done),
        read: (status, out, error) => takeResponse(native, status, out, error),
        drop: (out, error) => dropResponse(native, out, error),
        late: (out, error) => takeResponse(native, WOULD_BLOCK, out, error),
      }),
    );
  }

  /** Where clients find the protected resource metadata; undefined if no resource is configured. */
  get resourceMetadataUrl(): string | undefined {
    return this.#handle.use((verifier) => this.#native.verifierResourceMetadataUrl(verifier)) ?? undefined;
  }

  /**
   * As {@link verify}, but blocks the calling thread while keys are fetched: for scripts, not for
   * servers.
   */
  verifySync(token: string | Uint8Array, options?: VerifyOptions): Claims {
    return this.#judge(this.#native.verifierVerifyInto, token, options);
  }

  /**
   * As {@link verify}, at once or not at all.
   *
   * @throws {WouldBlockError} where keys must be fetched first; the fetch has then been started, unless
   *   `refreshMode` is "inline", where it takes {@link verify}.
   */
  tryVerify(token: string | Uint8Array, options?: VerifyOptions): Claims {
    return this.#judge(this.#native.verifierTryVerifyInto, token, options);
  }

  /**
   * Fetches the keys of every issuer now: to warm up before the first token. Rejects with
   * {@link KeysUnavailableError}; keys fetched earlier stay in use.
   */
  async refresh(): Promise<void> {
    await this.#waits.refresh();
  }

  /**
   * Starts to fetch the keys of every issuer and returns at once; what comes of it, {@link stats} and events tell.
   *
   * @throws {MisuseError} where `refreshMode` is not "background".
   */
  startRefresh(): void {
    this.#handle.use((verifier) => {
      const status = this.#native.verifierStartRefresh(verifier, errorSlot);
      if (status !== OK) {
        throw takeError(this.#native, status, errorSlot);
      }
    });
  }

  /**
   * Waits until every issuer has keys to verify with: before a server listens, or in its readiness
   * check. Fetches what is missing, again and again where a fetch fails; at once where all are there.
   *
   * Rejects after the timeout with {@link KeysUnavailableError}, whose reason says why, or with
   * {@link WouldBlockError} while a first fetch is still under way.
   *
   * @param timeout in milliseconds, of any length, Infinity too; with 0 it starts missing fetches and does not wait.
   *   Default: 10 000.
   */
  async waitReady(timeout = 10_000): Promise<void> {
    if (typeof timeout !== "number" || !(timeout >= 0)) {
      throw misuse("the timeout is not a number of milliseconds");
    }
    await this.#waits.ready(timeout);
  }

  /**
   * What the verifier has and has done: keys in use and dropped, freshness, fetches, verdicts. For a
   * health check, a metric, a person with a 503. Waits for nothing; holds nothing of a token.
   */
  stats(): Stats {
    return this.#handle.use((verifier) => takeStats(this.#native, verifier));
  }

  /**
   * Takes what has happened to the keys since the last call, the oldest first. 256 events are kept;
   * `events_lost` of {@link stats} counts those that were lost. `watchEvents()` does it on a timer.
   */
  events(): Event[] {
    return this.#handle.use((verifier) => takeEvents(this.#native, verifier));
  }

  /**
   * Takes the lines for the log that belong to no request: at first those for the start (the resource indicator, the
   * trusted issuers, the required scopes, a warning for each setting that weakens the guard), then trouble with keys,
   * its end, and counts of refusals that had no line. The guards of this package write them; a host of its own takes
   * them when it starts, after a refusal and about each second. Once {@link events} was called, there are no lines
   * about keys.
   */
  logLines(): LogLine[] {
    return this.#handle.use((verifier) => takeLogLines(this.#native, verifier));
  }

  /**
   * Gives an issuer's keys as a JWKS document (RFC 7517), an object or its text; from then on
   * nothing is fetched for it.
   *
   * @param issuer a configured issuer; may be left out where there is one.
   * @throws {ConfigError} where the issuer is not configured or no key of the document is usable;
   *   the old keys stay.
   */
  setJwks(document: string | Uint8Array | object, issuer?: string): void {
    this.#handle.use((verifier) => {
      const name = issuer === undefined ? null : cString(issuer, "the issuer");
      const { bytes, length } = documentOctets(jwksText(document));
      const status = this.#native.verifierSetJwks(verifier, name, bytes, length, errorSlot);
      if (status !== OK) {
        throw takeError(this.#native, status, errorSlot);
      }
    });
  }

  /**
   * The configuration in force, for a log or a person, without a secret. The first line is what to paste
   * into the AuthKit dashboard, `resource indicator: https://…/mcp`; then a line for each issuer and each
   * setting, its value as JSON.
   */
  describe(): string {
    return this.#handle.use((verifier) => this.#native.verifierDescribe(verifier, null)) ?? "";
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /** Ends the verifier. Verifications under way are still answered; later ones are refused. */
  close(): void {
    dropped.unregister(this);
    this.#handle.close();
    this.#kept.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #waits(): Waiting {
    return (this.#waiting ??= new Waiting(this.#native, this.#handle));
  }

  /** A token's octets; where it is none, the policy is not needed any more. */
  #tokenOctets(token: string | Uint8Array, policy: Pointer | null): Octets {
    try {
      return tokenOctets(token);
    } catch (problem) {
      this.#free(policy);
      throw problem;
    }
  }

  #free(policy: Pointer | null): void {
    if (policy !== null) {
      this.#native.policyFree(policy);
    }
  }

  /** The claims of a token that the library, if it is asked, has just accepted again. */
  #recall(verifier: Pointer, { bytes, length }: Octets, policy: Pointer | null): Claims | undefined {
    return this.#kept.asks
      ? this.#kept.of(this.#native.verifierRecall(verifier, bytes, length, policy))
      : undefined;
  }

  /** The answer at once, or when the library has what it lacks. */
  async #answer<T>(verifier: Pointer, question: Question<T>): Promise<T> {
    let lent = question.policy;
    try {
      // Before the try: whatever ends after it is seen.
      const seen = this.#native.verifierFetchesEnded(verifier);
      const status = question.attempt(verifier, outSlot, errorSlot);
      if (status !== WOULD_BLOCK && status !== FETCH_NEEDED) {
        return question.read(status, outSlot, errorSlot);
      }
      question.drop(outSlot, errorSlot);
      const answer = this.#waits.answer(question, seen, status);
      lent = null;
      return answer;
    } finally {
      this.#free(lent);
    }
  }

  #judge(
    judge: Native["verifierTryVerifyInto"],
    token: string | Uint8Array,
    options: VerifyOptions | undefined,
  ): Claims {
    const verifier = this.#handle.retain();
    let policy: Pointer | null = null;
    try {
      policy = policyOf(this.#native, options);
      const octets = tokenOctets(token);
      const known = this.#recall(verifier, octets, policy);
      if (known !== undefined) {
        return known;
      }
      synchronous.now((buffer) =>
        judge(verifier, octets.bytes, octets.length, policy, buffer, RECORD_CAPACITY),
      );
      return this.#kept.add(synchronous.read(this.#native));
    } finally {
      this.#free(policy);
      this.#handle.release();
    }
  }
}

/** The options, if they are what they are said to be. */
function build(native: Native, options: VerifierOptions): Pointer {
  const config = configure(native, options);
  try {
    trustAsNodeDoes(native, config, options);
    const status = native.verifierNew(config, outSlot, errorSlot);
    return made(native, status);
  } finally {
    native.configFree(config);
  }
}

/** Node's own requests trust the authorities in this variable's file. What works for them must work here. */
function trustAsNodeDoes(native: Native, config: Pointer, options: VerifierOptions): void {
  const file = process.env["NODE_EXTRA_CA_CERTS"];
  const ours = options instanceof Environment ? process.env["AUTHKIT_EXTRA_CA_FILE"] : options.extraCaFile;
  if (file !== undefined && file !== "" && ours === undefined) {
    const status = native.configSet(config, "extra_ca_file", file, errorSlot);
    if (status !== OK) {
      throw takeError(native, status, errorSlot);
    }
  }
}

/** The env file that is asked for; a slip here would read another configuration than was meant. */
function envFile(options: EnvironmentOptions): string | undefined {
  if (typeof options !== "object" || options === null) {
    throw misuse(`the options are ${kindOf(options)}, not an object`);
  }
  const unknown = Object.keys(options).find((name) => name !== "envFile");
  if (unknown !== undefined) {
    throw misuse(`${JSON.stringify(unknown)} is no option of fromEnv; there is envFile`);
  }
  return options.envFile === undefined ? undefined : cString(options.envFile, "envFile");
}

function configure(native: Native, options: VerifierOptions): Pointer {
  if (options instanceof Environment) {
    const { file } = options;
    const status =
      file === undefined
        ? native.configFromEnvironment(outSlot, errorSlot)
        : native.configFromEnvFile(file, outSlot, errorSlot);
    return made(native, status);
  }
  if (typeof options !== "object" || options === null) {
    throw misuse(`the options are ${kindOf(options)}, not an object`);
  }
  const { bytes, length } = documentOctets(optionsJson(options));
  return made(native, native.configFromJson(bytes, length, outSlot, errorSlot));
}

/** What a call has put into the slot, or its error thrown. */
function made(native: Native, status: number): Pointer {
  const pointer = slotPointer(outSlot);
  if (status !== OK || pointer === null) {
    throw takeError(native, status, errorSlot);
  }
  return pointer;
}

function jwksText(document: string | Uint8Array | object): string | Uint8Array {
  if (typeof document === "string" || types.isUint8Array(document)) {
    return document;
  }
  if (typeof document !== "object" || document === null) {
    throw misuse(`the JWKS document is ${kindOf(document)}`);
  }
  return json("the JWKS document", document);
}
