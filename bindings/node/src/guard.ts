// What the middlewares share: options that are checked when the server starts, and the library asked about each request.

import { authInfo, type AuthInfo } from "./auth-info.js";
import type { Claims } from "./claims.js";
import { Cors } from "./cors.js";
import { AuthKitError, defect, messageOf, misuse } from "./errors.js";
import { native } from "./library.js";
import { beginLog, drain, toConsole, type LogLine, type WriteLine } from "./log.js";
import { kindOf, plainObject } from "./octets.js";
import { checkDemands, type VerifyOptions } from "./policy.js";
import type { Response } from "./response.js";
import { UnfitBody, calledTools } from "./tools.js";
import { Verifier } from "./verifier.js";

/** What a middleware is told. An unknown name is refused when the server starts. */
export interface AuthKitOptions<R = unknown> {
  /** Who decides. Default: one for all middlewares of this thread, from the environment ({@link Verifier.fromEnv}). */
  verifier?: Verifier | undefined;
  /** Scopes that every request here needs, beyond those of the verifier. */
  requiredScopes?: readonly string[] | undefined;
  /** Scopes of which every request here needs one, whichever. */
  anyScopes?: readonly string[] | undefined;
  /**
   * From the name of an MCP tool to the scopes that a call of it needs as well; a tool that is not named needs none.
   * With this, bodies are looked into before the host gets them: they must be JSON-RPC, in UTF-8.
   */
  toolScopes?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The longest body that is read for `toolScopes`, in bytes. Default: 4 MiB, as in the MCP SDKs. */
  bodyLimit?: number | undefined;
  /**
   * Which origins' scripts may call this endpoint: all (true), or those of a list, each `https://host` without a
   * final slash. Preflights are answered then. Default: false, and CORS is the host's.
   */
  cors?: boolean | readonly string[] | undefined;
  /**
   * Told why each request was refused: it says more than the client is told, and never the token. Then no line about a
   * refusal is written.
   */
  onRefusal?: ((refusal: AuthKitError, request: R) => void) | undefined;
  /**
   * Writes the lines of the log: with the first request what is guarded, then refusals (each cause once in 10 s) and trouble with
   * keys. Default: the host's own logger (Fastify), else standard error. Of several guards of one verifier, the first
   * writes what is about no request.
   */
  log?: WriteLine<R> | undefined;
}

/** What of a request decides whether it may go on. */
export interface Credentials {
  /** The `Authorization` header's lines, joined by commas. */
  readonly authorization: string | undefined;
  readonly query: string;
}

const OPTIONS = ["verifier", "requiredScopes", "anyScopes", "toolScopes", "bodyLimit", "cors", "onRefusal", "log"];

const BODY_LIMIT = 4 * 1024 * 1024;

/** For what no request is the cause of. */
const SERVER_ERROR: Response = Object.freeze({
  status: 500,
  headers: Object.freeze({ "cache-control": "no-store", "content-type": "application/json" }),
  body: '{"error":"server_error","error_description":"The server cannot decide on this request"}',
});

let shared: Verifier | undefined;

/** The verifier that was given, or the one that all share who give none. */
export function verifierOf(given: Verifier | undefined): Verifier {
  if (given === undefined) {
    return (shared ??= Verifier.fromEnv());
  }
  // Not instanceof: that fails for a second copy of this package.
  if (typeof given !== "object" || given === null || typeof given.authorize !== "function") {
    throw misuse(`the verifier is ${kindOf(given)}, not a Verifier`);
  }
  return given;
}

/** What a router is told. */
export interface RouterOptions {
  /** Whose documents these are. Default: the one from the environment that all middlewares share. */
  verifier?: Verifier | undefined;
}

export function routerVerifier(options: RouterOptions): Verifier {
  checkNames(options, ["verifier"]);
  return verifierOf(options.verifier);
}

/** Refuses what is no object of options, and a name that there is not: a slip would demand less than was meant. */
export function checkNames(options: object, names: readonly string[]): void {
  plainObject(options, "the options");
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw misuse(`${JSON.stringify(unknown)} is no option here; there are ${names.join(", ")}`);
  }
}

/** A fault on this side, told to who runs the server; the client is told that it is one. */
export function fault(problem: unknown): Response {
  process.emitWarning(problem instanceof Error ? problem : messageOf(problem));
  return SERVER_ERROR;
}

/** One of the well-known documents, or null for any other path. */
export async function wellKnownDocument(verifier: Verifier, method: string, path: string): Promise<Response | null> {
  try {
    return await verifier.wellKnown(method, path);
  } catch (problem) {
    return fault(problem);
  }
}

/** A request that may go on. */
export class Grant {
  readonly claims: Claims;
  readonly auth: AuthInfo;
  /** The answer where the operation needs these scopes too and they are missing; undefined where they are not. */
  readonly refusal: (scopes: readonly string[], tool?: string) => Promise<Response | undefined>;

  constructor(claims: Claims, auth: AuthInfo, refusal: Grant["refusal"]) {
    this.claims = claims;
    this.auth = auth;
    this.refusal = refusal;
  }
}

/** The grants of requests that are going on, for who demands more of them later. */
export const grants = new WeakMap<object, Grant>();

/** What is demanded of a request that must have been let go on before: the answer, or undefined to go on. */
export async function refusalOf(request: object, scopes: readonly string[]): Promise<Response | undefined> {
  const grant = grants.get(request);
  return grant === undefined
    ? fault(misuse("requireScopes stands where no request has been authorized before"))
    : grant.refusal(scopes);
}

/** Scopes for {@link refusalOf}, if they are what they are said to be. */
export function checkedScopes(scopes: readonly string[]): readonly string[] {
  if (scopes.length === 0) {
    throw misuse("requireScopes is given no scope");
  }
  checkDemands(native(), { requiredScopes: scopes });
  return [...scopes];
}

/** One middleware's demands. */
export class Guard<R> {
  readonly verifier: Verifier;
  readonly cors: Cors;
  readonly bodyLimit: number;
  readonly #demands: VerifyOptions;
  readonly #metadataUrl: string | undefined;
  readonly #toolScopes: ReadonlyMap<string, readonly string[]>;
  readonly #onRefusal: AuthKitOptions<R>["onRefusal"];
  readonly #write: WriteLine<R>;
  #hasBegun = false;

  /** `hostLog` is where lines go that no option asks for. */
  constructor(options: AuthKitOptions<R>, hostLog: WriteLine<R> = toConsole) {
    checkNames(options, OPTIONS);
    const { requiredScopes, anyScopes, toolScopes, bodyLimit = BODY_LIMIT, onRefusal, log } = options;
    this.verifier = verifierOf(options.verifier);
    this.#metadataUrl = this.verifier.resourceMetadataUrl;
    checkDemands(native(), { requiredScopes, anyScopes });
    this.#demands = { requiredScopes: requiredScopes && [...requiredScopes], anyScopes: anyScopes && [...anyScopes] };
    this.#toolScopes = scopesByTool(toolScopes);
    if (!Number.isSafeInteger(bodyLimit) || bodyLimit < 0) {
      throw misuse("bodyLimit is not a whole number of bytes");
    }
    this.bodyLimit = bodyLimit;
    this.cors = new Cors(options.cors);
    for (const [name, callback] of Object.entries({ onRefusal, log })) {
      if (callback !== undefined && typeof callback !== "function") {
        throw misuse(`${name} is ${kindOf(callback)}, not a function`);
      }
    }
    this.#onRefusal = onRefusal;
    this.#write = log ?? hostLog;
  }

  /** The grant, or the answer to send in its place. */
  async authorize(credentials: Credentials, request: R): Promise<Grant | Response> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      beginLog(this.verifier, (line) => this.#line(line));
    }
    const decision = await this.#decide(credentials, request, this.#demands);
    if (decision.claims === undefined) {
      return decision;
    }
    const auth = authInfo(tokenOf(credentials.authorization), decision.claims, this.verifier, this.#metadataUrl);
    return new Grant(decision.claims, auth, async (scopes, tool) => {
      const requiredScopes = [...(this.#demands.requiredScopes ?? []), ...scopes];
      const further = await this.#decide(credentials, request, { ...this.#demands, requiredScopes, tool });
      return further.claims === undefined ? further : undefined;
    });
  }

  /** As {@link authorize}, and {@link refusalOfTools} where the credentials are good. */
  async admit(
    credentials: Credentials,
    request: R,
    bodies: () => Promise<readonly unknown[]>,
  ): Promise<Grant | Response> {
    const outcome = await this.authorize(credentials, request);
    return outcome instanceof Grant ? ((await this.refusalOfTools(outcome, request, bodies)) ?? outcome) : outcome;
  }

  /**
   * The answer where the tools that a body calls need scopes that are missing, or where nobody can say which
   * tools it calls; undefined where the request may go on. All tools of a batch are judged together, so that the
   * challenge names all of their scopes.
   *
   * @param bodies gives whatever the host could take for the body.
   */
  async refusalOfTools(
    grant: Grant,
    request: R,
    bodies: () => Promise<readonly unknown[]>,
  ): Promise<Response | undefined> {
    if (this.#toolScopes.size === 0) {
      return undefined;
    }
    try {
      const tools = (await bodies()).flatMap(calledTools);
      const scopes = new Set(tools.flatMap((tool) => this.#toolScopes.get(tool) ?? []));
      const guarded = [...new Set(tools)].filter((tool) => this.#toolScopes.get(tool)?.length);
      return scopes.size === 0 ? undefined : await grant.refusal([...scopes], guarded.length === 1 ? guarded[0] : undefined);
    } catch (problem) {
      return problem instanceof UnfitBody ? problem.answer : this.#failed(problem, request);
    }
  }

  async #decide(
    { authorization, query }: Credentials,
    request: R,
    demands: VerifyOptions,
  ): Promise<Response & { readonly claims?: Claims | undefined }> {
    try {
      const decision = await this.verifier.authorize(authorization, { ...demands, query });
      if (decision.claims === undefined) {
        this.#refused(decision.error ?? defect("a request was refused without a reason"), request, decision.logLine);
      }
      return decision;
    } catch (problem) {
      return this.#failed(problem, request);
    }
  }

  #failed(problem: unknown, request: R): Response {
    this.#refused(problem instanceof AuthKitError ? problem : defect(messageOf(problem)), request);
    return SERVER_ERROR;
  }

  /** Tells who wants to know; a fault on this side is told in any case. */
  #refused(refusal: AuthKitError, request: R, line?: LogLine): void {
    try {
      if (this.#onRefusal !== undefined) {
        this.#onRefusal(refusal, request);
      } else if (line !== undefined) {
        this.#line(line, request);
      } else if (refusal.httpStatus === 500) {
        process.emitWarning(refusal);
      }
    } catch (problem) {
      process.emitWarning(`onRefusal threw: ${messageOf(problem)}`);
    }
    drain(this.verifier, (line) => this.#line(line));
  }

  /** A host's log that fails fails no request. */
  #line(line: LogLine, request?: R): void {
    try {
      this.#write(line, request);
    } catch (problem) {
      process.emitWarning(`the log threw: ${messageOf(problem)}`);
    }
  }
}

/** Not the object itself: a tool may be called `constructor`. */
function scopesByTool(toolScopes: AuthKitOptions["toolScopes"]): ReadonlyMap<string, readonly string[]> {
  if (toolScopes === undefined) {
    return new Map();
  }
  return new Map(
    Object.entries(plainObject(toolScopes, "toolScopes")).map(([tool, scopes]) => {
      if (!Array.isArray(scopes)) {
        throw misuse(`toolScopes, ${JSON.stringify(tool)}: the scopes are ${kindOf(scopes)}, not an array of strings`);
      }
      checkDemands(native(), { requiredScopes: scopes });
      return [tool, [...scopes]];
    }),
  );
}

/** The token of a header that the library has accepted: what stands last in it. */
function tokenOf(authorization: string | undefined): string {
  return /[^ \t]+(?=[ \t]*$)/.exec(authorization ?? "")?.[0] ?? "";
}
