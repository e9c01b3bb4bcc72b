// What one call demands beyond the configuration, as the library's policy.

import { OK, defect, misuse, takeError } from "./errors.js";
import { pointerSlot, type Native, type Pointer } from "./native.js";
import { cString, kindOf, plainObject } from "./octets.js";

/** Demands of one call. */
export interface VerifyOptions {
  /** Scopes that this operation needs, beyond those of the configuration. */
  requiredScopes?: readonly string[] | undefined;
  /** Scopes of which this operation needs one, whichever. An empty list is refused: no token has one of it. */
  anyScopes?: readonly string[] | undefined;
  /** Unix time in seconds to judge the token by, in place of the clock. */
  now?: number | undefined;
  /** The MCP tool that is called, as this server names it. Only the log uses it. */
  tool?: string | undefined;
}

/** Demands of one request, and its query. */
export interface AuthorizeOptions extends VerifyOptions {
  /** The query of the request's target, still encoded: a token in it is refused. */
  query?: string | undefined;
}

const errorSlot = pointerSlot();

/** The policy of these demands, which the caller frees; null where there are none. */
export function policyOf(native: Native, options: VerifyOptions | undefined): Pointer | null {
  if (options === undefined) {
    return null;
  }
  const { requiredScopes, anyScopes, now, tool } = checked(options);
  // A tool by itself demands nothing.
  if (requiredScopes === undefined && anyScopes === undefined && now === undefined) {
    return null;
  }
  const policy = native.policyNew();
  if (policy === null) {
    throw defect("no policy can be made");
  }
  try {
    for (const scope of requiredScopes ?? []) {
      const status = native.policyRequireScope(policy, cString(scope, "a required scope"), errorSlot);
      if (status !== OK) {
        throw takeError(native, status, errorSlot);
      }
    }
    if (anyScopes !== undefined) {
      const status = native.policyRequireAnyScope(policy, joined(anyScopes), errorSlot);
      if (status !== OK) {
        throw takeError(native, status, errorSlot);
      }
    }
    if (now !== undefined && native.policySetNow(policy, now) !== OK) {
      throw defect("the time cannot be set");
    }
    if (tool !== undefined && native.policySetTool(policy, cString(tool, "the tool")) !== OK) {
      throw defect("the tool cannot be named");
    }
    return policy;
  } catch (error) {
    native.policyFree(policy);
    throw error;
  }
}

/** The options, if they are what they are said to be: a slip here would demand less than was meant. */
function checked(options: VerifyOptions): VerifyOptions {
  plainObject(options, "the options");
  for (const name of Object.keys(options)) {
    if (name !== "requiredScopes" && name !== "anyScopes" && name !== "now" && name !== "tool") {
      throw misuse(`${JSON.stringify(name)} is no option of a call; there are requiredScopes, anyScopes, now and tool`);
    }
  }
  const { requiredScopes, anyScopes, now, tool } = options;
  for (const [name, scopes] of Object.entries({ requiredScopes, anyScopes })) {
    if (scopes !== undefined && !Array.isArray(scopes)) {
      throw misuse(`${name} is ${kindOf(scopes)}, not an array of strings`);
    }
  }
  if (now !== undefined && !Number.isSafeInteger(now)) {
    throw misuse("now is not a whole number of seconds");
  }
  return { requiredScopes, anyScopes, now, tool };
}

/** The scopes with a space between each two; one with a space in it would be read as two. */
function joined(scopes: readonly string[]): string {
  const texts = Array.from(scopes, (scope) => cString(scope, "a scope of anyScopes"));
  if (texts.some((scope) => scope.includes(" "))) {
    throw misuse("a scope of anyScopes holds a space");
  }
  return texts.join(" ");
}

/** Throws what a call with these demands would throw: for who is told them before the first request. */
export function checkDemands(native: Native, demands: VerifyOptions): void {
  const policy = policyOf(native, demands);
  if (policy !== null) {
    native.policyFree(policy);
  }
}
