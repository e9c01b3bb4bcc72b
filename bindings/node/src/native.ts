// The C ABI as JavaScript functions: the part of include/authkit.h that this package calls, nothing added.

import type { KoffiFunc, LibraryHandle } from "koffi";

export type Koffi = typeof import("koffi");

/** Address of a native object. koffi gives NULL as null and takes it likewise. */
export type Pointer = bigint;

/** Where a native function writes a pointer; zero for NULL. */
export type PointerSlot = BigUint64Array;

export function pointerSlot(): PointerSlot {
  // Over a buffer of its own: V8 keeps a small typed array without one on its heap, where it moves.
  return new BigUint64Array(new ArrayBuffer(8));
}

/** What a slot holds, NULL as null. */
export function slotPointer(slot: PointerSlot): Pointer | null {
  return slot[0] || null;
}

type Judge = (
  verifier: Pointer,
  token: Uint8Array,
  length: number,
  policy: Pointer | null,
  buffer: Uint8Array,
  capacity: number,
) => number;
type AuthorizeInto = (
  verifier: Pointer,
  authorization: Uint8Array | null,
  authorizationLength: number,
  query: Uint8Array | null,
  queryLength: number,
  policy: Pointer | null,
  buffer: Uint8Array,
  capacity: number,
) => number;
type WellKnown = (
  verifier: Pointer,
  method: string,
  path: Uint8Array,
  pathLength: number,
  outResponse: PointerSlot,
  outError: PointerSlot,
) => number;
type Text = (owner: Pointer) => string | null;
type Free = (owner: Pointer) => void;

/** The functions, by their names in C without `authkit_`. */
export interface Native {
  statusName: (status: number) => string;
  statusHttpStatus: (status: number) => number;
  statusOauthError: (status: number) => string | null;
  statusClass: (status: number) => number;

  configFromEnvironment: (outConfig: PointerSlot, outError: PointerSlot) => number;
  configFromEnvFile: (path: string, outConfig: PointerSlot, outError: PointerSlot) => number;
  configFromJson: (json: Uint8Array, length: number, outConfig: PointerSlot, outError: PointerSlot) => number;
  configFree: Free;

  policyNew: () => Pointer | null;
  policyRequireScope: (policy: Pointer, scope: string, outError: PointerSlot) => number;
  policyRequireAnyScope: (policy: Pointer, scopes: string, outError: PointerSlot) => number;
  policySetNow: (policy: Pointer, unixSeconds: number) => number;
  policyFree: Free;

  verifierNew: (config: Pointer, outVerifier: PointerSlot, outError: PointerSlot) => number;
  /** A ticket, which is below 2^53; 0 for none. */
  verifierRecall: (verifier: Pointer, token: Uint8Array, length: number, policy: Pointer | null) => number;
  verifierRecallRequest: (
    verifier: Pointer,
    authorization: Uint8Array | null,
    authorizationLength: number,
    query: Uint8Array | null,
    queryLength: number,
    policy: Pointer | null,
  ) => number;
  verifierVerifyInto: KoffiFunc<Judge>;
  verifierTryVerifyInto: Judge;
  verifierRefresh: KoffiFunc<(verifier: Pointer, outError: PointerSlot) => number>;
  verifierFetchesEnded: (verifier: Pointer) => number | bigint;
  verifierWait: KoffiFunc<(verifier: Pointer, seen: number | bigint, milliseconds: number) => number>;
  verifierWaitReady: KoffiFunc<(verifier: Pointer, milliseconds: number, outError: PointerSlot) => number>;
  verifierSetJwks: (
    verifier: Pointer,
    issuer: string | null,
    json: Uint8Array,
    length: number,
    outError: PointerSlot,
  ) => number;
  verifierAuthorizeInto: KoffiFunc<AuthorizeInto>;
  verifierTryAuthorizeInto: AuthorizeInto;
  verifierWellKnown: KoffiFunc<WellKnown>;
  verifierTryWellKnown: WellKnown;
  verifierResourceMetadataUrl: Text;
  responseStatus: (response: Pointer) => number;
  responseHeaderCount: (response: Pointer) => number;
  responseHeaderNameAt: (response: Pointer, index: number) => string | null;
  responseHeaderValueAt: (response: Pointer, index: number) => string | null;
  responseBody: (response: Pointer, outLength: null) => string | null;
  responseFree: (response: Pointer | null) => void;
  verifierResource: Text;
  verifierDescribe: (verifier: Pointer, outLength: null) => string | null;
  verifierFree: Free;

  verifierStats: (verifier: Pointer, outStats: PointerSlot, outError: PointerSlot) => number;
  statsJson: (stats: Pointer, outLength: null) => string | null;
  statsFree: Free;

  verifierNextEvent: (verifier: Pointer) => Pointer | null;
  eventJson: (event: Pointer, outLength: null) => string | null;
  eventFree: Free;

  errorStatus: (error: Pointer) => number;
  errorReason: Text;
  errorHint: Text;
  errorRetryAfter: (error: Pointer) => number | bigint;
  errorFree: Free;
}

/** The contract that this file is written for: AUTHKIT_ABI_VERSION. */
export const ABI_VERSION = 1;

export function abiVersion(library: LibraryHandle): number {
  return library.func("authkit_abi_version", "uint32_t", [])();
}

/** koffi's declaration of a function; what it returns has the type that {@link Native} gives it. */
type Declare = (name: string, result: unknown, parameters: unknown[]) => any;

export function bind(library: LibraryHandle, koffi: Koffi): Native {
  // Anonymous types: a named one is registered for the whole process, and a second copy of this
  // package, or a namesake in another, could not load.
  const handle = () => koffi.pointer(koffi.opaque());
  const config = handle();
  const policy = handle();
  const verifier = handle();
  const stats = handle();
  const event = handle();
  const error = handle();
  // Buffers and slots go as plain addresses, which costs a third of koffi's conversions.
  const address = "void *";

  const status = "int32_t";
  const func: Declare = library.func.bind(library) as Declare;
  const response = handle();
  const judge = [verifier, address, "size_t", policy, address, "size_t"];
  const request = [verifier, address, "size_t", address, "size_t", policy];
  const authorize = [...request, address, "size_t"];
  const wellKnown = [verifier, "str", address, "size_t", address, address];
  return {
    statusName: func("authkit_status_name", "str", [status]),
    statusHttpStatus: func("authkit_status_http_status", "int32_t", [status]),
    statusOauthError: func("authkit_status_oauth_error", "str", [status]),
    statusClass: func("authkit_status_class", "int32_t", [status]),

    configFromEnvironment: func("authkit_config_from_environment", status, [address, address]),
    configFromEnvFile: func("authkit_config_from_env_file", status, ["str", address, address]),
    configFromJson: func("authkit_config_from_json", status, [address, "size_t", address, address]),
    configFree: func("authkit_config_free", "void", [config]),

    policyNew: func("authkit_policy_new", policy, []),
    policyRequireScope: func("authkit_policy_require_scope", status, [policy, "str", address]),
    policyRequireAnyScope: func("authkit_policy_require_any_scope", status, [policy, "str", address]),
    policySetNow: func("authkit_policy_set_now", status, [policy, "int64_t"]),
    policyFree: func("authkit_policy_free", "void", [policy]),

    verifierNew: func("authkit_verifier_new", status, [config, address, address]),
    verifierRecall: func("authkit_verifier_recall", "uint64_t", [verifier, address, "size_t", policy]),
    verifierRecallRequest: func("authkit_verifier_recall_request", "uint64_t", request),
    verifierVerifyInto: func("authkit_verifier_verify_into", status, judge),
    verifierTryVerifyInto: func("authkit_verifier_try_verify_into", status, judge),
    verifierRefresh: func("authkit_verifier_refresh", status, [verifier, address]),
    verifierFetchesEnded: func("authkit_verifier_fetches_ended", "uint64_t", [verifier]),
    verifierWait: func("authkit_verifier_wait", status, [verifier, "uint64_t", "uint32_t"]),
    verifierWaitReady: func("authkit_verifier_wait_ready", status, [verifier, "uint32_t", address]),
    verifierSetJwks: func("authkit_verifier_set_jwks", status, [verifier, "str", address, "size_t", address]),
    verifierAuthorizeInto: func("authkit_verifier_authorize_into", status, authorize),
    verifierTryAuthorizeInto: func("authkit_verifier_try_authorize_into", status, authorize),
    verifierWellKnown: func("authkit_verifier_well_known", status, wellKnown),
    verifierTryWellKnown: func("authkit_verifier_try_well_known", status, wellKnown),
    verifierResourceMetadataUrl: func("authkit_verifier_resource_metadata_url", "str", [verifier]),
    responseStatus: func("authkit_response_status", "int32_t", [response]),
    responseHeaderCount: func("authkit_response_header_count", "size_t", [response]),
    responseHeaderNameAt: func("authkit_response_header_name_at", "str", [response, "size_t"]),
    responseHeaderValueAt: func("authkit_response_header_value_at", "str", [response, "size_t"]),
    responseBody: func("authkit_response_body", "str", [response, address]),
    responseFree: func("authkit_response_free", "void", [response]),
    verifierResource: func("authkit_verifier_resource", "str", [verifier]),
    verifierDescribe: func("authkit_verifier_describe", "str", [verifier, address]),
    verifierFree: func("authkit_verifier_free", "void", [verifier]),

    // The JSON as text up to its NUL: it cannot hold a raw one.
    verifierStats: func("authkit_verifier_stats", status, [verifier, address, address]),
    statsJson: func("authkit_stats_json", "str", [stats, address]),
    statsFree: func("authkit_stats_free", "void", [stats]),

    verifierNextEvent: func("authkit_verifier_next_event", event, [verifier]),
    eventJson: func("authkit_event_json", "str", [event, address]),
    eventFree: func("authkit_event_free", "void", [event]),

    errorStatus: func("authkit_error_status", status, [error]),
    errorReason: func("authkit_error_reason", "str", [error]),
    errorHint: func("authkit_error_hint", "str", [error]),
    errorRetryAfter: func("authkit_error_retry_after", "int64_t", [error]),
    errorFree: func("authkit_error_free", "void", [error]),
  };
}
