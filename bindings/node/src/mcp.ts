// `authkit-verifier/mcp`: for servers of the MCP TypeScript SDKs, 1.x and 2.x.

import type { AuthInfo } from "./auth-info.js";
import { misuse, type AuthKitError } from "./errors.js";
import { Grant, Guard, checkNames, type AuthKitOptions } from "./guard.js";
import { kindOf } from "./octets.js";
import type { Response } from "./response.js";

export { checkScopes } from "./auth-info.js";
export type { AuthInfo } from "./auth-info.js";
export type { Claims } from "./claims.js";
export { authkitRouter, requireAuthKit, requireScopes } from "./express.js";
export type { AuthorizedRequest, Middleware, Next } from "./express.js";
export type { AuthKitOptions, RouterOptions } from "./guard.js";

/** The error classes of SDK 1.x: `import * as errors from "@modelcontextprotocol/sdk/server/auth/errors.js"`. */
export interface ErrorsOfSdk1 {
  readonly InvalidTokenError: new (message: string) => Error;
  readonly InsufficientScopeError: new (message: string) => Error;
  readonly ServerError: new (message: string) => Error;
}

/** The error class of SDK 2.x and its codes: `import * as errors from "@modelcontextprotocol/server"`. */
export interface ErrorsOfSdk2 {
  readonly OAuthError: new (code: string, message: string) => Error;
  readonly OAuthErrorCode: {
    readonly InvalidToken: string;
    readonly InsufficientScope: string;
    readonly ServerError: string;
  };
}

export interface TokenVerifierOptions extends Pick<
  AuthKitOptions<undefined>,
  "verifier" | "requiredScopes" | "anyScopes" | "log"
> {
  /**
   * The host's error classes, imported where the host is: SDK 1.x comes as ESM and as CommonJS, each with classes of its
   * own, and answers 500 to those of the other.
   */
  errors: ErrorsOfSdk1 | ErrorsOfSdk2;
  /** Told why a token was refused, for the log. */
  onRefusal?: ((refusal: AuthKitError) => void) | undefined;
}

const OPTIONS = ["errors", "verifier", "requiredScopes", "anyScopes", "log", "onRefusal"];

/** Makes the host's error of an answer's status and sentence. */
type HostError = (status: number, message: string) => Error;

/**
 * A verifier for the SDKs' own `requireBearerAuth`. Give that no `requiredScopes` of its own: it knows nothing of the
 * scope hierarchy. If a token cannot be judged, neither SDK can answer 503 or 429: it answers 500.
 * `requireAuthKit` answers correctly.
 */
export class OAuthTokenVerifier {
  readonly #guard: Guard<undefined>;
  readonly #hostError: HostError;

  constructor(options: TokenVerifierOptions) {
    checkNames(options, OPTIONS);
    const { errors, ...guarding } = options;
    this.#hostError = hostError(errors);
    this.#guard = new Guard(guarding);
  }

  /** What the token says; rejects with the host's error, whose message is the sentence for the client. */
  async verifyAccessToken(token: string): Promise<AuthInfo> {
    const outcome = await this.#guard.authorize({ authorization: `Bearer ${token}`, query: "" }, undefined);
    if (outcome instanceof Grant) {
      return outcome.auth;
    }
    throw this.#hostError(outcome.status, sentenceOf(outcome));
  }
}

function hostError(errors: unknown): HostError {
  const { InvalidTokenError, InsufficientScopeError, ServerError, OAuthError, OAuthErrorCode } = (errors ??
    {}) as Partial<ErrorsOfSdk1 & ErrorsOfSdk2>;
  // SDK 1.x has an OAuthError too, without codes.
  if (OAuthError !== undefined && OAuthErrorCode !== undefined) {
    const { InvalidToken, InsufficientScope, ServerError: Server } = OAuthErrorCode;
    return (status, message) => new OAuthError(byStatus(status, InvalidToken, InsufficientScope, Server), message);
  }
  if (InvalidTokenError === undefined || InsufficientScopeError === undefined || ServerError === undefined) {
    throw misuse(
      `errors is ${kindOf(errors)}, not the SDK's errors: of 1.x "@modelcontextprotocol/sdk/server/auth/errors.js", ` +
        'of 2.x "@modelcontextprotocol/server"',
    );
  }
  return (status, message) => new (byStatus(status, InvalidTokenError, InsufficientScopeError, ServerError))(message);
}

function byStatus<T>(status: number, invalidToken: T, insufficientScope: T, server: T): T {
  switch (status) {
    case 403:
      return insufficientScope;
    case 400:
    case 401:
      return invalidToken;
    default: // Nobody knows whether the token is good: a client that was told 401 would throw it away.
      return server;
  }
}

function sentenceOf({ body }: Response): string {
  return (JSON.parse(body) as { error_description: string }).error_description;
}
