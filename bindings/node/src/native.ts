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
  configSet: (config: Pointer, name: string, value: string, outError: PointerSlot) => number;
  configFree: Free;

  policyNew: () => Pointer | null;
  policyRequireScope: (policy: Pointer, scope: string, outError: PointerSlot) => number;
  policyRequireAnyScope: (policy: Pointer, scopes: string, outError: PointerSlot) => number;
  policySetNow: (policy: Pointer, unixSeconds: number) => number;
  policySetTool: (policy: Pointer, tool: string) => number;
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
  verifierStartRefresh: (verifier: Pointer, outError: PointerSlot) => number;
  verifierFetchesEnded: (verifier: Pointer) => number | bigint;
  verifierFetchTimeout: (verifier: Pointer) => number;
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

  verifierNextLogLine: (verifier: Pointer) => Pointer | null;
  logLineLevel: (line: Pointer) => number;
  logLineText: Text;
  logLineFree: Free;

  errorStatus: (error: Pointer) => number;
  errorReason: Text;
  errorHint: Text;
  errorRetryAfter: (error: Pointer) => number | bigint;
  errorFree: Free;
}

/** The contract that this file is written for: AUTHKIT_ABI_VERSION. */
export const ABI_VERSION = 1;

export function abiVersion(library: LibraryHandle): number {
  return library.func("uint32_t authkit_abi_version(void)")();
}

/**
 * The library's functions, each declared to koffi when it is first used: a verifier calls nine of them up to its
 * first verdict, and to declare one takes longer than to call it. In a worker thread all at once: one that is
 * terminated while it declares a function has koffi abort the process, and may be from its first verifier on.
 */
export function bind(library: LibraryHandle): Native {
  // What a worker may not do is marked so; to load node:worker_threads, which tells it, takes as long as all of ours.
  const isWorker = "disabled" in process.chdir;
  const functions = Object.create(
    new Proxy(PROTOTYPES, {
      get(prototypes, name: keyof Native) {
        const value = library.func(prototypes[name]);
        Object.defineProperty(functions, name, { value, enumerable: true, writable: true });
        return value;
      },
    }),
  ) as Native;
  for (const name in PROTOTYPES) {
    // Looked up all the same: an older library is told at once, and not by the first call that it cannot do.
    const prototype = PROTOTYPES[name as keyof Native];
    library.symbol(prototype.slice(prototype.indexOf("authkit_"), prototype.indexOf("(")));
    if (isWorker) {
      void functions[name as keyof Native];
    }
  }
  return functions;
}

// Handles, buffers and slots are plain addresses: a named type would be registered for the whole process, where a
// second copy of this package, or a namesake in another, could not load, and koffi tells no pointer from another.
const PROTOTYPES: Record<keyof Native, string> = {
  statusName: "const char *authkit_status_name(int32_t)",
  statusHttpStatus: "int32_t authkit_status_http_status(int32_t)",
  statusOauthError: "const char *authkit_status_oauth_error(int32_t)",
  statusClass: "int32_t authkit_status_class(int32_t)",

  configFromEnvironment: "int32_t authkit_config_from_environment(void *, void *)",
  configFromEnvFile: "int32_t authkit_config_from_env_file(const char *, void *, void *)",
  configSet: "int32_t authkit_config_set(void *, const char *, const char *, void *)",
  configFromJson: "int32_t authkit_config_from_json(void *, size_t, void *, void *)",
  configFree: "void authkit_config_free(void *)",

  policyNew: "void *authkit_policy_new(void)",
  policyRequireScope: "int32_t authkit_policy_require_scope(void *, const char *, void *)",
  policyRequireAnyScope: "int32_t authkit_policy_require_any_scope(void *, const char *, void *)",
  policySetNow: "int32_t authkit_policy_set_now(void *, int64_t)",
  policySetTool: "int32_t authkit_policy_set_tool(void *, const char *)",
  policyFree: "void authkit_policy_free(void *)",

  verifierNew: "int32_t authkit_verifier_new(void *, void *, void *)",
  verifierRecall: "uint64_t authkit_verifier_recall(void *, void *, size_t, void *)",
  verifierRecallRequest: "uint64_t authkit_verifier_recall_request(void *, void *, size_t, void *, size_t, void *)",
  verifierVerifyInto: "int32_t authkit_verifier_verify_into(void *, void *, size_t, void *, void *, size_t)",
  verifierTryVerifyInto: "int32_t authkit_verifier_try_verify_into(void *, void *, size_t, void *, void *, size_t)",
  verifierRefresh: "int32_t authkit_verifier_refresh(void *, void *)",
  verifierStartRefresh: "int32_t authkit_verifier_start_refresh(void *, void *)",
  verifierFetchesEnded: "uint64_t authkit_verifier_fetches_ended(void *)",
  verifierFetchTimeout: "uint32_t authkit_verifier_fetch_timeout(void *)",
  verifierWait: "int32_t authkit_verifier_wait(void *, uint64_t, uint32_t)",
  verifierWaitReady: "int32_t authkit_verifier_wait_ready(void *, uint32_t, void *)",
  verifierSetJwks: "int32_t authkit_verifier_set_jwks(void *, const char *, void *, size_t, void *)",
  verifierAuthorizeInto:
    "int32_t authkit_verifier_authorize_into(void *, void *, size_t, void *, size_t, void *, void *, size_t)",
  verifierTryAuthorizeInto:
    "int32_t authkit_verifier_try_authorize_into(void *, void *, size_t, void *, size_t, void *, void *, size_t)",
  verifierWellKnown: "int32_t authkit_verifier_well_known(void *, const char *, void *, size_t, void *, void *)",
  verifierTryWellKnown: "int32_t authkit_verifier_try_well_known(void *, const char *, void *, size_t, void *, void *)",
  verifierResourceMetadataUrl: "const char *authkit_verifier_resource_metadata_url(void *)",
  responseStatus: "int32_t authkit_response_status(void *)",
  responseHeaderCount: "size_t authkit_response_header_count(void *)",
  responseHeaderNameAt: "const char *authkit_response_header_name_at(void *, size_t)",
  responseHeaderValueAt: "const char *authkit_response_header_value_at(void *, size_t)",
  responseBody: "const char *authkit_response_body(void *, void *)",
  responseFree: "void authkit_response_free(void *)",
  verifierResource: "const char *authkit_verifier_resource(void *)",
  verifierDescribe: "const char *authkit_verifier_describe(void *, void *)",
  verifierFree: "void authkit_verifier_free(void *)",

  // The JSON as text up to its NUL: it cannot hold a raw one.
  verifierStats: "int32_t authkit_verifier_stats(void *, void *, void *)",
  statsJson: "const char *authkit_stats_json(void *, void *)",
  statsFree: "void authkit_stats_free(void *)",

  verifierNextEvent: "void *authkit_verifier_next_event(void *)",
  eventJson: "const char *authkit_event_json(void *, void *)",
  eventFree: "void authkit_event_free(void *)",

  verifierNextLogLine: "void *authkit_verifier_next_log_line(void *)",
  logLineLevel: "int32_t authkit_log_line_level(void *)",
  logLineText: "const char *authkit_log_line_text(void *)",
  logLineFree: "void authkit_log_line_free(void *)",

  errorStatus: "int32_t authkit_error_status(void *)",
  errorReason: "const char *authkit_error_reason(void *)",
  errorHint: "const char *authkit_error_hint(void *)",
  errorRetryAfter: "int64_t authkit_error_retry_after(void *)",
  errorFree: "void authkit_error_free(void *)",
};
