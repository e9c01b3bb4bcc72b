/*
 * authkit.h - may this bearer token call this MCP server?
 *
 * Verifies access tokens of WorkOS AuthKit: fetches and caches the issuer's keys, checks signature,
 * issuer, audience, times and scopes, and says precisely why not.
 *
 *     authkit_claims *claims;
 *     authkit_status status = authkit_verify(token, &claims);
 *     if (status == AUTHKIT_OK) {
 *         puts(authkit_claims_subject(claims));
 *         authkit_claims_free(claims);
 *     } else {
 *         respond(authkit_status_http_status(status));
 *     }
 *
 * authkit_verify() uses one verifier per process, configured by the environment. Programs with
 * several resources, per-call scopes or an event loop make their own: authkit_config_new(),
 * authkit_config_set(), authkit_verifier_new(), authkit_verifier_verify().
 *
 * OWNERSHIP
 *   Whoever receives a `T *` owns it and frees it exactly once with authkit_T_free(), which ignores
 *   NULL. No call consumes an argument or keeps a pointer to it. A returned `const char *` is
 *   borrowed: it lives as long as the handle it was asked of, or forever where the text is static.
 *   Every output parameter is set on every path: to NULL, 0 or false on failure. Set or not, its
 *   old content is never read or freed. Parameters named `nullable_...` may be NULL; any other NULL
 *   is AUTHKIT_MISUSE, or the result that the function names.
 *
 * THREAD SAFETY
 *   A `const T *` parameter may be used by any number of threads at once; a `T *` parameter by one
 *   thread at a time and by no other call meanwhile. No handle belongs to the thread that made it.
 *   There is no hidden per-thread state.
 *
 * ERRORS
 *   Functions that can fail return authkit_status, and compilers warn if it is ignored. Ignoring it opens
 *   nothing: after a failed setting or demand, all later calls refuse the handle, with the first failure's
 *   reason. If there is a parameter `authkit_error **nullable_out_error`, a failure also makes an error object with a sentence of
 *   reason, perhaps a hint, and the seconds to wait. A defect in the library becomes
 *   AUTHKIT_INTERNAL (NULL from a function that returns a pointer); nothing aborts or unwinds.
 *   Every function can return AUTHKIT_INTERNAL; their comments do not repeat it.
 *
 * TEXT
 *   Text is UTF-8. `const char *` alone is NUL-terminated; with a `size_t len` it is that many bytes
 *   and need not be. Lengths are in bytes and never count the final NUL. Text that is not UTF-8 is
 *   AUTHKIT_MISUSE, except in a token, which is then AUTHKIT_MALFORMED.
 *
 * TIME
 *   Points in time are seconds since 1970-01-01T00:00:00Z without leap seconds; spans are seconds.
 *
 * FORK, SIGNALS, UNLOADING
 *   Handles stay usable in the child of a fork(). No function may be called from a signal handler.
 *   The shared library stays mapped after dlclose(), so that threads which ran its code end safely.
 *
 * VERSIONS
 *   Functions and values are only ever added. What is here since ABI 1, release 0.1, says nothing;
 *   what comes later names its release.
 *
 * Generated from src/ffi by cbindgen (`make header`); do not edit.
 */

#ifndef AUTHKIT_H
#define AUTHKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For the linker and the loader; define it beforehand to replace it. */
#ifndef AUTHKIT_API
#  if defined(__GNUC__) || defined(__clang__)
#    define AUTHKIT_API __attribute__((visibility("default")))
#  else
#    define AUTHKIT_API
#  endif
#endif

/* Compilers warn if the result of such a function is ignored. To turn the warnings off, define it as empty
   before you include this file. */
#ifndef AUTHKIT_MUST_USE
#  if defined(__GNUC__) || defined(__clang__)
#    define AUTHKIT_MUST_USE __attribute__((warn_unused_result))
#  elif defined(_MSC_VER)
#    include <sal.h>
#    define AUTHKIT_MUST_USE _Check_return_
#  elif (defined(__cplusplus) && __cplusplus >= 201703L) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#    define AUTHKIT_MUST_USE [[nodiscard]]
#  else
#    define AUTHKIT_MUST_USE
#  endif
#endif

/** The release that this header came with; authkit_version() tells the loaded library's. */
#define AUTHKIT_VERSION "0.1.0"
/** Its first number. */
#define AUTHKIT_VERSION_MAJOR 0
/** Its second number. */
#define AUTHKIT_VERSION_MINOR 1
/** Its third number. */
#define AUTHKIT_VERSION_PATCH 0

/**
 * The contract this header describes. A program compares it with authkit_abi_version() when it
 * loads the library at run time.
 */
#define AUTHKIT_ABI_VERSION 1

/**
 * The size of a buffer for the scopes of a path, in bytes, including the NUL.
 */
#define AUTHKIT_ACCESS_CAPACITY 8192

/**
 * Room for every record and every refusal that is written into a caller's buffer, in bytes.
 */
#define AUTHKIT_RECORD_CAPACITY 65536

/**
 * The kind of an outcome: the low byte of authkit_status. It alone fixes the HTTP status. Values
 * are fixed; new ones may be added.
 */
enum authkit_class
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Success.
     */
    AUTHKIT_CLASS_OK = 0,
    /**
     * The caller broke this header's contract.
     */
    AUTHKIT_CLASS_MISUSE = 1,
    /**
     * A setting is missing or wrong.
     */
    AUTHKIT_CLASS_CONFIG = 2,
    /**
     * The token is not acceptable: HTTP 401.
     */
    AUTHKIT_CLASS_TOKEN = 3,
    /**
     * The token is good but lacks a scope: HTTP 403.
     */
    AUTHKIT_CLASS_FORBIDDEN = 4,
    /**
     * The issuer's keys could not be had: HTTP 503. Says nothing about the token.
     */
    AUTHKIT_CLASS_KEYS_UNAVAILABLE = 5,
    /**
     * The answer needs the network and the call does not wait.
     */
    AUTHKIT_CLASS_WOULD_BLOCK = 6,
    /**
     * The thing asked for is not there.
     */
    AUTHKIT_CLASS_ABSENT = 7,
    /**
     * A defect in this library, stopped before it could do harm: HTTP 500.
     */
    AUTHKIT_CLASS_INTERNAL = 8,
    /**
     * The request carries no bearer token: HTTP 401, and no error named.
     */
    AUTHKIT_CLASS_NO_CREDENTIALS = 9,
    /**
     * The request carries its token in a way that must not be: HTTP 400.
     */
    AUTHKIT_CLASS_REQUEST = 10,
    /**
     * HTTP 429. The token may be good: the issuer could not be asked about its key.
     */
    AUTHKIT_CLASS_UNCONFIRMED = 11,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum authkit_class authkit_class;
#else
typedef int32_t authkit_class;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The outcome of a call: (detail << 8) | class. Only AUTHKIT_OK accepts a token; everything else,
 * numbers not listed here included, refuses it. Values are fixed; new ones may be added.
 */
enum authkit_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Success. From a verify function: the token is accepted.
     */
    AUTHKIT_OK = 0,
    /**
     * The caller broke this header's contract: a NULL or text that is not UTF-8 where neither is
     * allowed, an impossible length.
     */
    AUTHKIT_MISUSE = 1,
    /**
     * A setting is missing or wrong; nothing was built.
     */
    AUTHKIT_CONFIG = 2,
    /**
     * 401. Not a compact JWS with one strict JSON object as header and one as payload.
     */
    AUTHKIT_MALFORMED = ((1 << 8) | 3),
    /**
     * 401. Longer than any token this library reads (16 KiB), or a header field is.
     */
    AUTHKIT_TOO_LARGE = ((2 << 8) | 3),
    /**
     * 401. The signature algorithm is not allow-listed, or not the key's.
     */
    AUTHKIT_ALGORITHM = ((3 << 8) | 3),
    /**
     * 401. The header demands an extension (`crit`); none is supported.
     */
    AUTHKIT_CRITICAL_HEADER = ((4 << 8) | 3),
    /**
     * 401. The token is something other than an access token: by its `typ`, or an ID token by its claims.
     */
    AUTHKIT_TYPE = ((5 << 8) | 3),
    /**
     * 401. No key of the issuer has this key id.
     */
    AUTHKIT_UNKNOWN_KEY = ((6 << 8) | 3),
    /**
     * 401. The signature does not verify.
     */
    AUTHKIT_SIGNATURE = ((7 << 8) | 3),
    /**
     * 401. `exp` is past, or `iat` older than max_token_age.
     */
    AUTHKIT_EXPIRED = ((8 << 8) | 3),
    /**
     * 401. `nbf` or `iat` is still to come.
     */
    AUTHKIT_NOT_YET_VALID = ((9 << 8) | 3),
    /**
     * 401. A claim is missing or of the wrong type, or binds the token to a key (`cnf`).
     */
    AUTHKIT_CLAIM = ((10 << 8) | 3),
    /**
     * 401. The issuer is not allow-listed.
     */
    AUTHKIT_ISSUER = ((11 << 8) | 3),
    /**
     * 401. The token is meant for another resource, or is a session token of another client.
     */
    AUTHKIT_AUDIENCE = ((12 << 8) | 3),
    /**
     * 403. The token is good, but a required scope is missing.
     */
    AUTHKIT_SCOPE = ((1 << 8) | 4),
    /**
     * 503. The issuer's keys could not be had; see authkit_error_retry_after().
     */
    AUTHKIT_KEYS_UNAVAILABLE = 5,
    /**
     * The answer needs the network, and a fetch is under way. Wait in authkit_verifier_wait() on
     * another thread, then try again.
     */
    AUTHKIT_WOULD_BLOCK = 6,
    /**
     * The answer needs the network, and no fetch is under way (refresh_mode inline).
     * Call authkit_verifier_verify() on a thread that may wait.
     */
    AUTHKIT_FETCH_NEEDED = ((1 << 8) | 6),
    /**
     * The thing asked for is not there: a claim that the token does not carry in this type.
     */
    AUTHKIT_ABSENT = 7,
    /**
     * A defect in this library. The token was not accepted; the handles remain usable.
     */
    AUTHKIT_INTERNAL = 8,
    /**
     * 401. The request carries no bearer token.
     */
    AUTHKIT_NO_CREDENTIALS = 9,
    /**
     * 400. The request carries its token twice, in the query, or spelled as no token is.
     */
    AUTHKIT_INVALID_REQUEST = 10,
    /**
     * HTTP 429. The token names a key that is not among the issuer's known keys, and the issuer could not be
     * asked: it fails, is slow, or was asked too often. The token may be good; see
     * authkit_error_retry_after().
     */
    AUTHKIT_KEY_UNCONFIRMED = 11,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum authkit_status authkit_status;
#else
typedef int32_t authkit_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Who a token speaks for.
 */
enum authkit_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Neither of the two for certain: grant it what both may have.
     */
    AUTHKIT_KIND_UNKNOWN = 0,
    /**
     * A user: `sub` begins with `user_` and is not the client.
     */
    AUTHKIT_KIND_USER = 1,
    /**
     * A machine on its own behalf: `sub` is the client, and nothing speaks of a user or a session.
     */
    AUTHKIT_KIND_MACHINE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum authkit_kind authkit_kind;
#else
typedef int32_t authkit_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which of AuthKit's two families of access tokens a token is of.
 */
enum authkit_family
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Asked of NULL.
     */
    AUTHKIT_FAMILY_UNKNOWN = 0,
    /**
     * AuthKit Connect, as MCP clients and machines get them.
     */
    AUTHKIT_FAMILY_CONNECT = 1,
    /**
     * An AuthKit session, as the web application gets them that signed the user in.
     */
    AUTHKIT_FAMILY_SESSION = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum authkit_family authkit_family;
#else
typedef int32_t authkit_family;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How loud a line of the log is.
 */
enum authkit_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Worth a line, and no fault of this server: an expired token, a missing scope.
     */
    AUTHKIT_LOG_INFO = 1,
    /**
     * An operator should look: a setting, the clock or the issuer's keys are at fault.
     */
    AUTHKIT_LOG_WARNING = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum authkit_log_level authkit_log_level;
#else
typedef int32_t authkit_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Places: which paths demand which scopes, and which are open to all. Immutable. The caller's, freed with
 * authkit_access_free().
 */
typedef struct authkit_access authkit_access;

/**
 * What an accepted token says. Immutable, independent of the verifier that made it. The caller's,
 * freed with authkit_claims_free().
 */
typedef struct authkit_claims authkit_claims;

/**
 * Settings for a verifier, filled step by step. The caller's, freed with authkit_config_free();
 * a verifier copies what it needs, so the settings can be freed, or changed and used again.
 */
typedef struct authkit_config authkit_config;

/**
 * Why a call failed: status, one sentence of reason, perhaps a hint. Immutable. Made by any function
 * with an `authkit_error **` parameter when it fails; the caller's, freed with authkit_error_free().
 */
typedef struct authkit_error authkit_error;

/**
 * Something that happened to an issuer's keys. Immutable. The caller's, freed with
 * authkit_event_free().
 */
typedef struct authkit_event authkit_event;

/**
 * One line for a log: printable ASCII on one line, without the token and without a secret. Immutable. Freed with
 * authkit_log_line_free() if it is the caller's.
 */
typedef struct authkit_log_line authkit_log_line;

/**
 * What one call demands beyond the configuration, such as the scopes of one tool. Made once, it
 * serves any number of calls. The caller's, freed with authkit_policy_free().
 */
typedef struct authkit_policy authkit_policy;

/**
 * An HTTP response as data: status, headers, body; with the claims where a request may go on.
 * Immutable, independent of the verifier that made it, but for authkit_response_take_claims(). The
 * caller's, freed with authkit_response_free().
 */
typedef struct authkit_response authkit_response;

/**
 * A moment's state of a verifier's keys, and counts since it was made. Immutable. The caller's, freed
 * with authkit_stats_free().
 */
typedef struct authkit_stats authkit_stats;

/**
 * Verifies tokens by one configuration and keeps the issuers' keys. Make one per resource at start
 * and share it by all threads. The caller's, freed with authkit_verifier_free().
 */
typedef struct authkit_verifier authkit_verifier;

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------
 * Version: which contract the library keeps, and which release it is.
 */

/**
 * The contract that the loaded library keeps. It changes only when a function's signature or
 * meaning changes; new functions and new status values do not change it.
 *
 * Returns AUTHKIT_ABI_VERSION of the header that the library was built with. Never fails. Any
 * thread.
 */
AUTHKIT_API uint32_t authkit_abi_version(void);

/**
 * The release of the loaded library, such as "0.1.0" (semantic versioning).
 *
 * Returns static text, valid for the life of the process. Never fails. Any thread.
 */
AUTHKIT_API const char *authkit_version(void);

/* ------------------------------------------------------------------------------------------------
 * Status: every outcome as one number, and what it means for an HTTP server.
 */

/**
 * The stable name of a status for logs and programs: "OK", "EXPIRED", "KEYS_UNAVAILABLE" and so on.
 *
 * Returns static text; "UNKNOWN" for a number that is no status. Never NULL. Any thread.
 */
AUTHKIT_API const char *authkit_status_name(int32_t status);

/**
 * The HTTP status for a server to answer with: 200, 400, 401, 403, 429, 500 or 503.
 *
 * Returns 500 for a number that is no status. Any thread.
 */
AUTHKIT_API int32_t authkit_status_http_status(int32_t status);

/**
 * The `error` of a WWW-Authenticate challenge (RFC 6750 section 3.1): "invalid_request" with 400,
 * "invalid_token" with 401, "insufficient_scope" with 403.
 *
 * Returns static text, or NULL where no challenge is due. Any thread.
 */
AUTHKIT_API const char *authkit_status_oauth_error(int32_t status);

/**
 * The class of a status.
 *
 * Returns AUTHKIT_CLASS_INTERNAL for a number that is no status. Any thread.
 */
AUTHKIT_API authkit_class authkit_status_class(int32_t status);

/* ------------------------------------------------------------------------------------------------
 * Configuration: settings by name, checked as a whole by authkit_verifier_new().
 */

/**
 * Makes an empty configuration. At least `authkit_domain` (or `issuers`) and `base_url` (or
 * `resource`, or `audiences`) must be set before a verifier can be made of it.
 *
 * Returns a configuration that the caller owns; NULL only after a defect in this library. Any
 * thread.
 */
AUTHKIT_API authkit_config *authkit_config_new(void);

/**
 * Makes a configuration from the process environment: every setting of authkit_config_set() as
 * AUTHKIT_ and its name in capitals (AUTHKIT_BASE_URL; AUTHKIT_DOMAIN for authkit_domain), and
 * FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN, _BASE_URL and _REQUIRED_SCOPES as the FastMCP
 * guide spells them. A variable of these prefixes that is no setting is refused: a misspelling
 * must not leave a door open; and so is an empty one. FASTMCP_SERVER_AUTH naming an AuthKitProvider
 * asks for AuthKit: authkit_verifier_new() then names in FastMCP's words what is missing.
 *
 * `out_config` receives a configuration that the caller owns, NULL on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `out_config` is NULL; AUTHKIT_CONFIG, naming the variable
 * that is unknown or wrong. What is missing shows in authkit_verifier_new(). Any thread, while none
 * changes the environment (setenv, putenv).
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_config_from_environment(authkit_config **out_config,
                                               authkit_error **nullable_out_error);

/**
 * As authkit_config_from_environment(), and settings that are missing in the process environment are read from an
 * env file (`.env`) that your user or code names: lines NAME=value, comments (#), an optional `export`, values
 * bare or in single or double quotes. The process environment wins, setting by setting, and is not changed.
 * Other programs' lines are skipped. In lines that set an authkit variable, a reference (`${NAME}`) is
 * refused. The file's owner and permissions are not checked.
 *
 * `path` is the file's path, UTF-8; at most 1 MiB is read.
 * `out_config` receives a configuration that the caller owns, NULL on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `path` or `out_config` is NULL or `path` is not UTF-8;
 * AUTHKIT_CONFIG if the file cannot be read, or if an authkit variable or line is wrong; the reason names it
 * and the file. Any thread, while none changes the environment (setenv, putenv).
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_config_from_env_file(const char *path,
                                            authkit_config **out_config,
                                            authkit_error **nullable_out_error);

/**
 * As authkit_config_from_env_file(), for an env file that no one chose, such as the `.env` in the directory
 * where a program is started. Only the three FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_ variables and
 * FASTMCP_SERVER_AUTH are read from it. AUTHKIT_ variables have no effect, so that a stray file cannot make
 * anyone trusted. authkit_verifier_describe() then has a last line `without effect: `, and the hint of an error
 * of authkit_verifier_new() says so. If there is no regular file at `path`, only the process environment
 * counts.
 *
 * `path` is the file's path, UTF-8; at most 1 MiB is read.
 * `out_config` receives a configuration that the caller owns, NULL on failure.
 *
 * Returns what authkit_config_from_env_file() does, but AUTHKIT_OK for a missing file. Returns
 * AUTHKIT_CONFIG too if every user can write to the file, or if it, or a symbolic link to it, belongs to
 * neither this process's effective user nor root. Its group is trusted. Any thread, while none changes
 * the environment (setenv, putenv).
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_config_from_implicit_env_file(const char *path,
                                                     authkit_config **out_config,
                                                     authkit_error **nullable_out_error);

/**
 * Makes a configuration from a JSON object whose members are the settings of authkit_config_set(),
 * in JSON's own types: lists as arrays of strings, `jwks` as the object itself, times as numbers.
 * Unknown and repeated members are refused.
 *
 * `json` is `len` bytes of UTF-8; a NUL at the end is not needed and does not count.
 * `out_config` receives a configuration that the caller owns, NULL on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `json` or `out_config` is NULL or `json` is not UTF-8;
 * AUTHKIT_CONFIG, saying where and what. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_config_from_json(const char *json,
                                        size_t len,
                                        authkit_config **out_config,
                                        authkit_error **nullable_out_error);

/**
 * Sets one setting, replacing what was set before. The same names serve in JSON, as AUTHKIT_*
 * environment variables and in every language's bindings.
 *
 * Lists are written `a,b`, `a b` or as a JSON array; maps and key sets as JSON; booleans `true` or
 * `false`; times as whole seconds.
 *
 * - authkit_domain: URL of the AuthKit domain, https://your-project-12345.authkit.app: the
 *   issuer; its keys are fetched from {authkit_domain}/oauth2/jwks. Must be set, unless issuers
 *   or session_client_id is.
 * - base_url: public URL of this server, without the MCP path. Must be set, unless resource or
 *   audiences is.
 * - mcp_path: where the MCP endpoint lies below base_url. Default: /mcp.
 * - resource: the resource whole, in place of base_url and mcp_path. Default: base_url +
 *   mcp_path.
 * - resource_name: the resource's name for people, announced in its metadata (RFC 9728). Default:
 *   none.
 * - resource_documentation: URL where developers read about the resource, announced in its metadata.
 *   Default: none.
 * - audiences: list of `aud` values to accept, compared exactly. Default: the resource.
 * - accept_client_id_audience: list of client ids to accept as `aud`: machine tokens, and
 *   clients that send no `resource`. Such a token must have client_id, or be the machine's own (its
 *   `sub` is that id). Default: none.
 * - ignore_trailing_slash: boolean: also accept an `aud` that differs by one final slash.
 *   Default: false.
 * - required_scopes: list of scopes that every token must carry, all of them. Default: none.
 * - scopes_supported: list of scopes announced in the resource's metadata; offline_access is left out.
 *   Default: required_scopes.
 * - scope_claims: list of claims that scopes are read from. Default: scope, else scp.
 * - scope_hierarchy: JSON map from a scope to the list of scopes it includes. Default: none.
 * - issuers: JSON map from issuer to its JWKS URL, to null (for {issuer}/oauth2/jwks), or to an
 *   object with jwks_url or jwks; audience: "required", "if_present" (may be absent; if there is
 *   one, it must be accepted) or "not_checked"; audiences: a list in place of audiences
 *   and accept_client_id_audience; family: "connect" or "session". Default: authkit_domain alone.
 * - session_client_id: client id whose AuthKit session tokens are accepted too. Adds these issuers:
 *   https://api.workos.com, the same with a slash, and .../user_management/, .../sso/ and .../convex/
 *   with {session_client_id}. Their keys are at https://api.workos.com/sso/jwks/{session_client_id}. If a
 *   session token has client_id or azp, it must be this client. If it has `aud`, it must name an
 *   accepted audience or this client. Default: none.
 * - algorithms: list out of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA. Default:
 *   RS256.
 * - leeway: clock skew allowed to exp, nbf and iat, in seconds, 0 to 300. Default: 60.
 * - max_token_age: oldest `iat` to accept, in seconds before now. Default: unlimited.
 * - typ: any (no typ, JWT or at+jwt) or rfc9068 (at+jwt with client_id, iat, jti). Default: any.
 * - now: Unix time in seconds to judge tokens by, for tests. Default: the clock.
 * - jwks: the single issuer's keys as a JWKS document. Then nothing is fetched, and the setting issuers
 *   must not give this issuer keys too. Default: fetched.
 * - allow_insecure_loopback: boolean: allow http:// to this very machine, for tests. Default:
 *   false.
 * - allow_insecure_http: list of host names for which http:// is allowed, such as
 *   host.docker.internal. Anyone on the way can replace the keys. Default: none.
 * - ca_file: path of a PEM file with certificate authorities to trust in addition to the system's. Other
 *   blocks in it are skipped. authkit_verifier_new() refuses a file that cannot be read or holds no
 *   certificate. Default: none.
 * - extra_ca_file: as ca_file, but an unusable file is skipped, with the event `warned`. For a file that a
 *   runtime's own variable names (NODE_EXTRA_CA_CERTS). Default: none.
 * - proxy: http://host:port to fetch keys through. Default: none.
 * - fetch_timeout: the limit for one fetch, from the name look-up to the last byte, and for all waiting
 *   of one call, in whole seconds, 1 to 30. Default: 5.
 * - refresh_mode: background (the call that lacks keys fetches them; if no call should wait, a thread
 *   does that ends with the fetch), inline (a verification that finds a refresh due fetches; only the
 *   name look-up has a thread) or manual (only authkit_verifier_refresh() uses the network).
 *   Default: background.
 * - jwks_cache_dir: path of a directory in which processes of one user on one machine share fetched
 *   keys, so that one of them fetches for all; made where it is missing, on a local disk, writable
 *   only by that user. Default: none.
 * - token_cache_size: how many verified tokens are kept, so that they need not be verified again while
 *   the key set that signed them is in force; 0 to 65536, 0 for none. They take 8 KiB each on average
 *   at most. Default: 1024.
 *
 * `name` and `value` are copied.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or a text is not UTF-8; AUTHKIT_CONFIG
 * for an unknown setting or a value in the wrong form. After a failure the configuration is unusable:
 * authkit_verifier_new() refuses it with the first failure's status and reason. Free it and make a new one.
 * authkit_verifier_new() also checks whether the settings fit together. One thread at a time per
 * configuration.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_config_set(authkit_config *config,
                                  const char *name,
                                  const char *value,
                                  authkit_error **nullable_out_error);

/**
 * Frees a configuration. NULL is allowed and does nothing.
 *
 * No other thread may be using `config`.
 */
AUTHKIT_API void authkit_config_free(authkit_config *config);

/* ------------------------------------------------------------------------------------------------
 * Policy: what one call demands beyond the configuration.
 */

/**
 * Makes a policy that demands nothing more.
 *
 * Returns a policy that the caller owns. Never NULL, since a NULL policy demands nothing: if there is no
 * memory, the process ends. Any thread.
 */
AUTHKIT_API
authkit_policy *authkit_policy_new(void);

/**
 * Demands one more scope: a token without it is AUTHKIT_SCOPE. All scopes of the policy and of the
 * configuration's required_scopes must be granted. Scopes compare exactly; `scope_hierarchy` of
 * the configuration applies.
 *
 * `scope` is one scope of RFC 6749 section 3.3: printable ASCII without space, `"` and `\`; it is
 * copied.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` or `scope` is NULL or `scope` is not one scope. After a
 * failure the policy is unusable: every call with it returns AUTHKIT_MISUSE with the first failure's
 * reason. Free it and make a new one. One thread at a time per policy.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_policy_require_scope(authkit_policy *policy,
                                            const char *scope,
                                            authkit_error **nullable_out_error);

/**
 * Demands one of several scopes, whichever: a token with none of them is AUTHKIT_SCOPE. Every call adds a
 * group of its own, of each of which one scope must be granted. `scope_hierarchy` applies.
 *
 * `scopes` is one or more scopes of RFC 6749 section 3.3, with a single space between each two, as in
 * `read write`; it is copied.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` or `scopes` is NULL, `scopes` is empty or something
 * in it is not a scope; the policy is then unusable, as after authkit_policy_require_scope(). One thread at
 * a time per policy.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_policy_require_any_scope(authkit_policy *policy,
                                                const char *scopes,
                                                authkit_error **nullable_out_error);

/**
 * Judges tokens as of a given time in place of the clock, and in place of the configuration's
 * `now`: for tests, and for looking back.
 *
 * `unix_seconds` counts from 1970-01-01T00:00:00Z; any value is allowed.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` is NULL. One thread at a time per policy.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_policy_set_now(authkit_policy *policy,
                                      int64_t unix_seconds);

/**
 * Names the tool that is called, for the log: authkit_response_log_line(). It demands nothing. The name should be
 * the host's own and not the client's, since the log tells causes apart by it.
 *
 * `tool` is copied.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `policy` or `tool` is NULL or `tool` is not UTF-8. One thread at a time per
 * policy.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_policy_set_tool(authkit_policy *policy,
                                       const char *tool);

/**
 * Frees a policy. NULL is allowed and does nothing.
 *
 * No other thread may be using `policy`.
 */
AUTHKIT_API void authkit_policy_free(authkit_policy *policy);

/* ------------------------------------------------------------------------------------------------
 * Verifier: from a token to claims, or to a precise refusal.
 */

/**
 * Makes a verifier. Checks every setting and reads the certificate files that settings, SSL_CERT_FILE and
 * SSL_CERT_DIR name. Opens no connection: keys are fetched when the first token needs them, or by
 * authkit_verifier_refresh().
 *
 * `config` is read and stays the caller's.
 * `out_verifier` receives a verifier that the caller owns, NULL on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `config` or `out_verifier` is NULL; AUTHKIT_CONFIG if a setting is
 * missing or wrong: the reason names it, the hint says how to correct it. After a failed authkit_config_set()
 * it returns that status and reason, whatever was set since. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_new(const authkit_config *config,
                                    authkit_verifier **out_verifier,
                                    authkit_error **nullable_out_error);

/**
 * Verifies an access token: signature, issuer, audience, times, scopes. May wait for the issuer's
 * keys, at most fetch_timeout (5 seconds); on an event loop call authkit_verifier_try_verify() first.
 *
 * `token` is `len` bytes, the text after "Bearer " and nothing else; a NUL at the end is not needed.
 * `nullable_policy` adds demands of this call. NULL adds none, so do not pass NULL for a policy that could
 * not be made.
 * `out_claims` receives claims that the caller owns, NULL unless AUTHKIT_OK is returned.
 *
 * Returns AUTHKIT_OK if the token is accepted; AUTHKIT_MISUSE if `verifier`, `token` or `out_claims`
 * is NULL, `len` is no length, or a demand of the policy has failed; AUTHKIT_SCOPE (403);
 * AUTHKIT_KEYS_UNAVAILABLE (503); AUTHKIT_KEY_UNCONFIRMED (429); otherwise the reason to answer 401:
 * AUTHKIT_MALFORMED to AUTHKIT_AUDIENCE.
 * authkit_status_http_status() tells the HTTP status of each. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_verify(const authkit_verifier *verifier,
                                       const char *token,
                                       size_t len,
                                       const authkit_policy *nullable_policy,
                                       authkit_claims **out_claims,
                                       authkit_error **nullable_out_error);

/**
 * As authkit_verifier_verify(), without network and without waiting. If keys must be fetched first, it
 * starts the fetch in the background and returns AUTHKIT_WOULD_BLOCK. Then let another thread wait in
 * authkit_verifier_wait() and try again. In the refresh mode inline it starts nothing and returns
 * AUTHKIT_FETCH_NEEDED: let another thread call authkit_verifier_verify().
 *
 * Parameters and other results are those of authkit_verifier_verify(). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_try_verify(const authkit_verifier *verifier,
                                           const char *token,
                                           size_t len,
                                           const authkit_policy *nullable_policy,
                                           authkit_claims **out_claims,
                                           authkit_error **nullable_out_error);

/**
 * Fetches the keys of every issuer now, to warm up before the first token or to try again after an outage.
 * Waits for them, at most fetch_timeout (5 seconds); if the refresh mode allows no threads, that long for
 * each issuer. Issuers configured with keys of their own (`jwks`) are skipped; for others, fetched keys
 * replace those of authkit_verifier_set_jwks().
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL; AUTHKIT_KEYS_UNAVAILABLE if an issuer's
 * keys could not be had, in which case keys fetched earlier stay in use. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_refresh(const authkit_verifier *verifier,
                                        authkit_error **nullable_out_error);

/**
 * Starts to fetch the keys of every issuer and returns at once; authkit_verifier_wait() tells when a
 * fetch ended. An issuer whose keys are being fetched already is passed over, as is one configured
 * with keys of its own.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL, or its refresh mode is not background. Any
 * thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_start_refresh(const authkit_verifier *verifier,
                                              authkit_error **nullable_out_error);

/**
 * How many fetches of keys have ended in this process, good or bad: to be read before
 * authkit_verifier_try_verify() and given to authkit_verifier_wait().
 *
 * Returns 0 if `verifier` is NULL. Any thread.
 */
AUTHKIT_API uint64_t authkit_verifier_fetches_ended(const authkit_verifier *verifier);

/**
 * The setting fetch_timeout, for a host that waits for keys itself: how long one call may wait in all.
 *
 * Returns seconds, 1 to 30; 0 if `verifier` is NULL. Any thread.
 */
AUTHKIT_API
uint32_t authkit_verifier_fetch_timeout(const authkit_verifier *verifier);

/**
 * Waits until a fetch of keys has ended since `seen` was read. For the worker thread of a host with an
 * event loop. On the loop, read `seen` by authkit_verifier_fetches_ended() and call
 * authkit_verifier_try_verify(). On AUTHKIT_WOULD_BLOCK let one worker thread wait here, for all waiting
 * requests, then try each of them again. Wait at most one second per step, since after that long a try
 * uses stale keys. Wait at most authkit_verifier_fetch_timeout() in all.
 *
 * `seen` is what authkit_verifier_fetches_ended() returned.
 * `timeout_ms` is in milliseconds; 0 looks without waiting.
 *
 * Returns AUTHKIT_OK if a fetch has ended since; AUTHKIT_WOULD_BLOCK if no fetch has ended before the
 * timeout, or if none was under way for a second; AUTHKIT_MISUSE if `verifier` is NULL. Any thread; the
 * verifier must not be freed meanwhile.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_wait(const authkit_verifier *verifier,
                                     uint64_t seen,
                                     uint32_t timeout_ms);

/**
 * Waits until every issuer has keys to verify with, fetching those that are missing, again and again
 * where a fetch fails: for the start of a server, or its readiness check. At once where all are there.
 * In the refresh mode manual it waits for the host's authkit_verifier_refresh() on another thread.
 *
 * `timeout_ms` is in milliseconds; with 0 it starts what is missing and looks.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL; after the timeout AUTHKIT_KEYS_UNAVAILABLE with
 * the reason of the first issuer without keys, or AUTHKIT_WOULD_BLOCK if its first fetch is under way. Any
 * thread; the verifier must not be freed meanwhile.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_wait_ready(const authkit_verifier *verifier,
                                           uint32_t timeout_ms,
                                           authkit_error **nullable_out_error);

/**
 * Gives an issuer's keys as a JWKS document (RFC 7517). They do not age, and nothing is fetched for
 * this issuer until authkit_verifier_refresh() is called. The spellings of the session issuer
 * (session_client_id) share their keys. Calls that are verifying meanwhile see the
 * old keys or the new, never a mixture.
 *
 * `nullable_issuer` is a configured issuer; NULL means the only one. Copied.
 * `json` is `len` bytes of UTF-8. Copied.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` or `json` is NULL or a text is not UTF-8;
 * AUTHKIT_CONFIG if the issuer is not configured, or NULL while there are several, or the document
 * holds no usable key; then the old keys stay. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_set_jwks(const authkit_verifier *verifier,
                                         const char *nullable_issuer,
                                         const char *json,
                                         size_t len,
                                         authkit_error **nullable_out_error);

/**
 * The resource that tokens must be meant for: what to enter as resource indicator (RFC 8707) in the
 * AuthKit dashboard, and to announce as protected resource metadata (RFC 9728).
 *
 * Returns text borrowed from `verifier`; NULL if none is configured or `verifier` is NULL. Any
 * thread.
 */
AUTHKIT_API const char *authkit_verifier_resource(const authkit_verifier *verifier);

/**
 * The configuration in force, for a log or a person: the first line is what to paste into the AuthKit
 * dashboard, `resource indicator: https://.../mcp`; then a line for each issuer and each setting, its
 * value as JSON. Holds no secret: of a proxy its host and port, of given keys their ids.
 *
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns text borrowed from `verifier`; NULL only if `verifier` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_verifier_describe(const authkit_verifier *verifier,
                                      size_t *nullable_out_len);

/**
 * Frees a verifier. Claims and errors that it made stay valid. A fetch in the background ends by
 * itself. NULL is allowed and does nothing; what authkit_default_verifier() lent must not be freed.
 *
 * No call may be using `verifier`.
 */
AUTHKIT_API void authkit_verifier_free(authkit_verifier *verifier);

/* ------------------------------------------------------------------------------------------------
 * Responses: what a resource server answers, whole, for a web framework to send as it is.
 *
 * Ask authkit_verifier_well_known() first: it answers what clients read before they have a token. Every
 * other request goes to authkit_verifier_authorize(): on AUTHKIT_OK serve it, else send the response.
 */

/**
 * Decides whether a request may go on, by its Authorization header and its query, and says what to answer
 * where it may not: 400, 401, 403 with WWW-Authenticate (RFC 6750, RFC 9728), 500, or 429 or 503
 * with Retry-After. May wait as authkit_verifier_verify() does.
 *
 * - No header, an empty one, another scheme than Bearer: 401 that names no error.
 * - `access_token` in the query; two tokens or two headers; no token after Bearer, one longer than 16
 *   KiB, or an octet that no token has: 400 invalid_request.
 * - Otherwise the token decides, as by authkit_verifier_verify().
 *
 * `nullable_authorization` is the header's value of `authorization_len` bytes, raw; NULL if the
 * request has none. Several such headers are passed joined by commas, and are refused.
 * `nullable_query` is the query of the request's target, `query_len` bytes, still encoded; NULL for none.
 * `nullable_policy` adds demands of this call, and a challenge names all scopes; NULL adds none.
 * `out_response` receives a response that the caller owns, on refusals too; NULL after AUTHKIT_MISUSE and
 * AUTHKIT_INTERNAL, for which a server answers 500.
 *
 * Returns AUTHKIT_OK if and only if the request may go on; AUTHKIT_MISUSE if `verifier` or `out_response`
 * is NULL or a length is impossible; AUTHKIT_NO_CREDENTIALS, AUTHKIT_INVALID_REQUEST, or what
 * authkit_verifier_verify() returns. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_authorize(const authkit_verifier *verifier,
                                          const char *nullable_authorization,
                                          size_t authorization_len,
                                          const char *nullable_query,
                                          size_t query_len,
                                          const authkit_policy *nullable_policy,
                                          authkit_response **out_response,
                                          authkit_error **nullable_out_error);

/**
 * As authkit_verifier_authorize(), without network and without waiting: where keys must be fetched first
 * it returns AUTHKIT_WOULD_BLOCK, with a 503 for hosts that do not want to wait either.
 *
 * Parameters and other results are those of authkit_verifier_authorize(). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_try_authorize(const authkit_verifier *verifier,
                                              const char *nullable_authorization,
                                              size_t authorization_len,
                                              const char *nullable_query,
                                              size_t query_len,
                                              const authkit_policy *nullable_policy,
                                              authkit_response **out_response,
                                              authkit_error **nullable_out_error);

/**
 * Answers a request for one of this server's well-known documents, open to browsers of any origin:
 *
 * - /.well-known/oauth-protected-resource, with and without the resource's path behind it (RFC 9728);
 * - /.well-known/oauth-authorization-server and /.well-known/openid-configuration, likewise, for clients
 *   that ask here for the authorization server's metadata (RFC 8414): fetched from the first issuer whose
 *   tokens are for this resource, kept like keys, 503 in an outage. May wait as authkit_verifier_verify()
 *   does. Not where `jwks` is given, as then nothing is fetched.
 *
 * What stands in them is the configuration's: neither a proxy nor a mount changes it.
 *
 * `method` is the request's method: GET and HEAD are served, OPTIONS is a preflight, others get 405.
 * `path` is the path of the request's target, `path_len` raw bytes; a query after it is passed
 * over.
 * `out_response` receives a response that the caller owns, and sends whatever is returned; NULL where the
 * path is not one of these.
 *
 * Returns AUTHKIT_OK; AUTHKIT_ABSENT if the path is none of these; AUTHKIT_KEYS_UNAVAILABLE with a 503;
 * AUTHKIT_MISUSE if an argument is NULL or `method` is not UTF-8. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_well_known(const authkit_verifier *verifier,
                                           const char *method,
                                           const char *path,
                                           size_t path_len,
                                           authkit_response **out_response,
                                           authkit_error **nullable_out_error);

/**
 * As authkit_verifier_well_known(), without waiting: AUTHKIT_WOULD_BLOCK, with a 503, where the
 * authorization server must be asked first.
 *
 * Parameters and other results are those of authkit_verifier_well_known(). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_try_well_known(const authkit_verifier *verifier,
                                               const char *method,
                                               const char *path,
                                               size_t path_len,
                                               authkit_response **out_response,
                                               authkit_error **nullable_out_error);

/**
 * The protected resource metadata (RFC 9728): the JSON document that authkit_verifier_well_known()
 * serves.
 *
 * `nullable_out_len` receives the length, 0 with NULL.
 *
 * Returns text borrowed from `verifier`; NULL if no resource is configured or `verifier` is NULL. Any
 * thread.
 */
AUTHKIT_API
const char *authkit_verifier_resource_metadata(const authkit_verifier *verifier,
                                               size_t *nullable_out_len);

/**
 * Where clients find the protected resource metadata: the `resource_metadata` of challenges.
 *
 * Returns text borrowed from `verifier`; NULL if no resource is configured or `verifier` is NULL. Any
 * thread.
 */
AUTHKIT_API
const char *authkit_verifier_resource_metadata_url(const authkit_verifier *verifier);

/**
 * The HTTP status. 200 from authkit_verifier_authorize() means that the request may go on.
 *
 * Returns 500 if `response` is NULL. Any thread.
 */
AUTHKIT_API int32_t authkit_response_status(const authkit_response *response);

/**
 * How many headers there are.
 *
 * Returns 0 if `response` is NULL. Any thread.
 */
AUTHKIT_API size_t authkit_response_header_count(const authkit_response *response);

/**
 * A header's name, in lower case. Each name comes once.
 *
 * Returns text borrowed from `response`; NULL if `index` is not below authkit_response_header_count()
 * or `response` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_response_header_name_at(const authkit_response *response,
                                            size_t index);

/**
 * A header's value: printable ASCII without line breaks, whatever the request held.
 *
 * Returns text borrowed from `response`; NULL if `index` is not below authkit_response_header_count()
 * or `response` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_response_header_value_at(const authkit_response *response,
                                             size_t index);

/**
 * The body: JSON, or empty. Its length is for the server to state.
 *
 * `nullable_out_len` receives the length, 0 with NULL.
 *
 * Returns text borrowed from `response`; NULL if `response` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_response_body(const authkit_response *response,
                                  size_t *nullable_out_len);

/**
 * What the accepted token says.
 *
 * Returns claims borrowed from `response`, not to be freed; NULL where the request may not go on, after
 * authkit_response_take_claims(), or if `response` is NULL. Any thread.
 */
AUTHKIT_API
const authkit_claims *authkit_response_claims(const authkit_response *response);

/**
 * Takes what the accepted token says out of the response, to keep it longer.
 *
 * Returns claims that the caller owns; NULL where authkit_response_claims() gives none. Nothing that was
 * borrowed from the claims before stays valid. One thread at a time per response.
 */
AUTHKIT_API
authkit_claims *authkit_response_take_claims(authkit_response *response);

/**
 * Why this is a refusal, for the server's log: it says more than the body tells the client.
 *
 * Returns an error borrowed from `response`, not to be freed; NULL where nothing was refused or `response`
 * is NULL. Any thread.
 */
AUTHKIT_API
const authkit_error *authkit_response_error(const authkit_response *response);

/**
 * Frees a response and all that was borrowed from it. NULL is allowed and does nothing.
 *
 * No other thread may be using `response`.
 */
AUTHKIT_API void authkit_response_free(authkit_response *response);

/* ------------------------------------------------------------------------------------------------
 * Paths: which of them demand which scopes, and which are open to all.
 *
 * A server whose paths differ in that calls authkit_access_judge() first, with each request's path. If the
 * path is public, the server serves it. Otherwise it puts the scopes into a policy and calls
 * authkit_verifier_authorize().
 */

/**
 * Reads places from a JSON object, such as
 * `{"public": ["/health"], "required_scopes": {"/admin": ["admin"]}, "prefix": "/api"}`.
 * Each member may be left out:
 *
 * - required_scopes: a map from places (path prefixes) to scopes. A request at a place or below it needs a
 *   token with all of the place's scopes. If the list is empty, it needs a token. `/admin`, `/admin/` and
 *   `/admin` with a slash and a star are the same place. A place matches wherever its segments stand in
 *   the path, ignoring ASCII case: `/admin` matches /admin, /Admin/x, /api/admin and /admin.json, not
 *   /administrator. Signs that join words count as the same: `/a_b` matches /a-b.
 *   If routers could read a path in two ways, every place matches it. Such a path has an empty, `.` or `..`
 *   segment, a backslash, a control character, bytes that are not UTF-8, something that is encoded
 *   twice, more than 8192 bytes or 128 segments, or no slash at its start.
 * - public: paths that need no token. They are compared exactly with the path as received, letter case
 *   too. A slash and a star at the end mean all paths below. A known prefix is removed first: the longest
 *   of `prefix` and the request's own that the path begins with. A path with such a prefix elsewhere is not
 *   public. A path that routers could read in two ways is never public. A demand always wins.
 * - prefix: the part of the path that a proxy, a mount or a framework strips before it routes. With it a
 *   place matches only at the start of the path or after the prefix.
 *
 * `json` is `len` bytes of UTF-8; a NUL at the end is not needed and does not count.
 * `out_access` receives places that the caller owns, NULL on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `json` or `out_access` is NULL, `json` is not UTF-8 or a scope is
 * invalid; AUTHKIT_CONFIG if `json` is not such an object, if no path can match a place (because it is a
 * pattern, for example), if a demand always keeps a public path closed, or if the scopes do not fit into
 * AUTHKIT_ACCESS_CAPACITY. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_access_from_json(const char *json,
                                        size_t len,
                                        authkit_access **out_access,
                                        authkit_error **nullable_out_error);

/**
 * Says which scopes the path of a request demands, and whether it needs a token at all.
 *
 * `nullable_path` is the raw path of the request's target, `path_len` bytes; a query after it is ignored.
 * `nullable_decoded_path` is the percent-decoded path that the host's router uses, if the host knows it:
 * `decoded_path_len` bytes. If both paths are given, the demands of both hold, and the request is public
 * only if both are. If neither is given, every place matches.
 * `nullable_root_path` is the percent-decoded prefix below which the host has mounted its application:
 * `root_path_len` bytes. The path may begin with it or not. NULL if there is no prefix.
 * `scopes` has room for `capacity` bytes, at least AUTHKIT_ACCESS_CAPACITY. It receives the scopes, separated
 * by a single space, and a NUL. On failure it receives `\`, which is not a scope:
 * authkit_policy_require_scope() refuses it.
 * `out_public` receives whether the request needs no token; false on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `access`, `scopes` or `out_public` is NULL or `capacity` is too
 * small. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_access_judge(const authkit_access *access,
                                    const char *nullable_path,
                                    size_t path_len,
                                    const char *nullable_decoded_path,
                                    size_t decoded_path_len,
                                    const char *nullable_root_path,
                                    size_t root_path_len,
                                    char *scopes,
                                    size_t capacity,
                                    bool *out_public,
                                    authkit_error **nullable_out_error);

/**
 * Frees places. NULL is allowed and does nothing.
 *
 * No other thread may be using `access`.
 */
AUTHKIT_API void authkit_access_free(authkit_access *access);

/* ------------------------------------------------------------------------------------------------
 * Default verifier: one per process, from the environment, for programs with one resource.
 */

/**
 * Verifies an access token with the process's default verifier: the front door. May wait for the
 * issuer's keys, at most fetch_timeout (5 seconds). For the reason of a refusal in words, and for policies,
 * use authkit_default_verifier() with authkit_verifier_verify().
 *
 * `token` is NUL-terminated, the text after "Bearer " and nothing else.
 * `out_claims` receives claims that the caller owns, NULL unless AUTHKIT_OK is returned.
 *
 * Returns AUTHKIT_OK if the token is accepted; AUTHKIT_MISUSE if an argument is NULL; AUTHKIT_CONFIG
 * if the environment configures no verifier (authkit_default_verifier() says what is wrong);
 * otherwise what authkit_verifier_verify() returns. Any thread, as authkit_default_verifier().
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verify(const char *token,
                              authkit_claims **out_claims);

/**
 * Lends the process's default verifier, which is made from the environment on first use (see
 * authkit_config_from_environment()) unless authkit_set_default() came before.
 *
 * `out_verifier` receives a verifier that is valid for the life of the process and must not be
 * freed; NULL on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `out_verifier` is NULL; AUTHKIT_CONFIG, naming what is
 * missing or wrong. A failure is not remembered: the next call tries again. Any thread, while none
 * changes the environment (setenv, putenv) during the first use.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_default_verifier(const authkit_verifier **out_verifier,
                                        authkit_error **nullable_out_error);

/**
 * Makes a verifier the process's default, in place of the environment's. Call it at start, before
 * the default verifier is first used.
 *
 * `verifier` stays the caller's and may be freed at any time: the default keeps a reference of its
 * own, with the same keys.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` is NULL or a default verifier exists already, which stays.
 * After a NULL, the environment's verifier is not used instead: until a default is set, authkit_verify()
 * and authkit_default_verifier() return AUTHKIT_MISUSE. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_set_default(const authkit_verifier *verifier);

/* ------------------------------------------------------------------------------------------------
 * Claims: who an accepted token speaks for, and what it allows.
 *
 * Texts are borrowed from the claims, UTF-8 and NUL-terminated, valid until authkit_claims_free().
 * None reads shorter than it was signed: a token whose claims, their names or the strings in their
 * lists hold a U+0000 is refused (AUTHKIT_CLAIM).
 */

/**
 * The claims as they were signed: one JSON object, byte for byte the token's payload.
 *
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns borrowed text; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_json(const authkit_claims *claims, size_t *nullable_out_len);

/**
 * The token's header as it was signed: one JSON object.
 *
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns borrowed text; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_claims_header_json(const authkit_claims *claims,
                                       size_t *nullable_out_len);

/**
 * `iss`: who issued the token; one of the configured issuers.
 *
 * Returns borrowed text; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_issuer(const authkit_claims *claims);

/**
 * `sub`: the user, or for a machine's token the client. Never empty. Unique within the issuer only.
 *
 * Returns borrowed text; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_subject(const authkit_claims *claims);

/**
 * The configured audience that the token's `aud` matched: as a rule the resource.
 *
 * Returns borrowed text; NULL if the issuer's audience is not checked or `claims` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_claims_resource(const authkit_claims *claims);

/**
 * The client that the token was issued to: `client_id`, else `azp`, else `sub`.
 *
 * Returns borrowed text; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_client_id(const authkit_claims *claims);

/**
 * `kid` of the header: the id of the key that signed the token.
 *
 * Returns borrowed text; NULL if the token names no key or `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_key_id(const authkit_claims *claims);

/**
 * `alg` of the header: the algorithm of the signature, such as "RS256".
 *
 * Returns borrowed text; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_algorithm(const authkit_claims *claims);

/**
 * `exp`: when the token ends, in seconds since 1970-01-01T00:00:00Z, a fraction dropped. It was
 * accepted up to `leeway` seconds later.
 *
 * `out` receives the time, 0 on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_claims_expires_at(const authkit_claims *claims,
                                         int64_t *out);

/**
 * `iat`: when the token was issued, in seconds since 1970-01-01T00:00:00Z, a fraction dropped.
 *
 * `out` receives the time, 0 on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL; AUTHKIT_ABSENT if the token does not
 * say. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_claims_issued_at(const authkit_claims *claims,
                                        int64_t *out);

/**
 * `nbf`: when the token begins to hold, in seconds since 1970-01-01T00:00:00Z, a fraction dropped.
 *
 * `out` receives the time, 0 on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL; AUTHKIT_ABSENT if the token does not
 * say. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_claims_not_before(const authkit_claims *claims,
                                         int64_t *out);

/**
 * How many scopes the token carries.
 *
 * Returns 0 if `claims` is NULL. Any thread.
 */
AUTHKIT_API size_t authkit_claims_scope_count(const authkit_claims *claims);

/**
 * One of the token's scopes, in the token's order; `index` counts from 0.
 *
 * Returns borrowed text; NULL if `index` is not below authkit_claims_scope_count(). Any thread.
 */
AUTHKIT_API const char *authkit_claims_scope_at(const authkit_claims *claims, size_t index);

/**
 * Whether the token names a scope. Compared exactly; scope_hierarchy is not applied here (a policy
 * with authkit_policy_require_scope() applies it).
 *
 * `scope` is one scope.
 *
 * Returns false also if an argument is NULL or `scope` is not UTF-8. Any thread.
 */
AUTHKIT_API bool authkit_claims_has_scope(const authkit_claims *claims, const char *scope);

/**
 * How many audiences the token names: 1 for a single `aud`.
 *
 * Returns 0 if it names none or `claims` is NULL. Any thread.
 */
AUTHKIT_API size_t authkit_claims_audience_count(const authkit_claims *claims);

/**
 * One of the token's audiences, in the token's order; `index` counts from 0. Which of them is
 * meant here is authkit_claims_resource().
 *
 * Returns borrowed text; NULL if `index` is not below authkit_claims_audience_count(). Any thread.
 */
AUTHKIT_API const char *authkit_claims_audience_at(const authkit_claims *claims, size_t index);

/**
 * Frees claims and the texts borrowed from them. NULL is allowed and does nothing.
 *
 * No other thread may be using `claims`.
 */
AUTHKIT_API void authkit_claims_free(authkit_claims *claims);

/* ------------------------------------------------------------------------------------------------
 * Identity: what AuthKit says of the caller beyond the registered claims.
 *
 * The lists `roles`, `permissions`, `entitlements` and `feature_flags` are read by these names with
 * authkit_claims_list_count() and authkit_claims_list_at(). Texts are borrowed from the claims, as above.
 */

/**
 * All that this section tells as one JSON object, for bindings that copy it out: org_id, session_id,
 * role, actor (text or null), actors, roles, permissions, entitlements, feature_flags (lists of strings),
 * is_impersonated, is_machine, kind ("user", "machine" or "unknown"), family ("connect" or "session").
 * Later releases may add members.
 *
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns borrowed text; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_claims_identity_json(const authkit_claims *claims,
                                         size_t *nullable_out_len);

/**
 * `org_id`: the organization that the user signed in to.
 *
 * Returns borrowed text; NULL if the token names none or `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_org_id(const authkit_claims *claims);

/**
 * `sid`: the session that the token belongs to; a machine's has none.
 *
 * Returns borrowed text; NULL if the token names none or `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_session_id(const authkit_claims *claims);

/**
 * `role`: the user's role in the organization.
 *
 * Returns borrowed text; NULL if the token names none or `claims` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_claims_role(const authkit_claims *claims);

/**
 * `act.sub`: who acts for the subject now (RFC 8693 section 4.1), the first of the chain. If
 * authkit_claims_is_impersonated(), it is a person who impersonates the user. Otherwise it is an application
 * or agent to which the subject delegated its rights.
 *
 * Returns borrowed text; NULL if the token names no actor or `claims` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_claims_actor(const authkit_claims *claims);

/**
 * How many actors the token names, 0 to 8. Of a longer chain only the outermost 8 count.
 *
 * Returns 0 if it names none or `claims` is NULL. Any thread.
 */
AUTHKIT_API size_t authkit_claims_actor_count(const authkit_claims *claims);

/**
 * One of the chain of actors, outermost first; `index` counts from 0. The first acts now; the others
 * acted before it, and are only for the record (RFC 8693 section 4.1). An actor without a `sub` that is
 * a string ends the list.
 *
 * Returns borrowed text; NULL if `index` is not below authkit_claims_actor_count(). Any thread.
 */
AUTHKIT_API
const char *authkit_claims_actor_at(const authkit_claims *claims,
                                    size_t index);

/**
 * Whether a person acts as the user: a *session* token has an `act` that is not null, even one that names
 * nobody. False if a `sub_profile`, of the token or the `act`, says that the actor is an agent. Any other
 * `act` is a delegation.
 *
 * Returns true also if `claims` is NULL. Any thread.
 */
AUTHKIT_API
bool authkit_claims_is_impersonated(const authkit_claims *claims);

/**
 * Who the token speaks for. A user's: `sub` begins with `user_` and is not the client. A machine's:
 * `sub` is the client (`client_id`, else `azp`; where the token has neither, `sub` begins with
 * `client_`), does not begin with `user_`, and there is neither `sid` nor `act`.
 *
 * Returns AUTHKIT_KIND_UNKNOWN for everything else, and if `claims` is NULL. Any thread.
 */
AUTHKIT_API authkit_kind authkit_claims_kind(const authkit_claims *claims);

/**
 * Which family the token is of: by the configured issuer that vouched for it, never by what the token
 * says of itself.
 *
 * Returns AUTHKIT_FAMILY_UNKNOWN only if `claims` is NULL. Any thread.
 */
AUTHKIT_API
authkit_family authkit_claims_family(const authkit_claims *claims);

/* ------------------------------------------------------------------------------------------------
 * Other claims: any member of the payload by its name, without parsing JSON.
 *
 * Every top-level claim can be read in its own type; nested ones (`act`) are handed out as JSON text.
 * Texts are borrowed from the claims, as above.
 */

/**
 * A claim that is a string, such as "org_id", "sid" or "jti".
 *
 * `name` is the claim's name, compared exactly.
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns borrowed text; NULL if the token has no string of this name, an argument is NULL or `name`
 * is not UTF-8. Any thread.
 */
AUTHKIT_API
const char *authkit_claims_string(const authkit_claims *claims,
                                  const char *name,
                                  size_t *nullable_out_len);

/**
 * A claim that is a whole number, such as "auth_time".
 *
 * `name` is the claim's name, compared exactly.
 * `out` receives the number, 0 on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or `name` is not UTF-8; AUTHKIT_ABSENT if
 * the token has no number of this name, or one that int64_t cannot hold exactly. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_claims_integer(const authkit_claims *claims,
                                      const char *name,
                                      int64_t *out);

/**
 * A claim that is a number.
 *
 * `name` is the claim's name, compared exactly.
 * `out` receives the number, 0 on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or `name` is not UTF-8; AUTHKIT_ABSENT if
 * the token has no number of this name. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_claims_number(const authkit_claims *claims,
                                     const char *name,
                                     double *out);

/**
 * A claim that is true or false.
 *
 * `name` is the claim's name, compared exactly.
 * `out` receives the value, false on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or `name` is not UTF-8; AUTHKIT_ABSENT if
 * the token has no boolean of this name. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_claims_boolean(const authkit_claims *claims,
                                      const char *name,
                                      bool *out);

/**
 * How many strings a claim holds that is a list of strings, such as "permissions" or "roles".
 *
 * `name` is the claim's name, compared exactly.
 *
 * Returns 0 if the list is empty, the token has no such list of this name (a list with anything but
 * strings in it is none), an argument is NULL or `name` is not UTF-8. Any thread.
 */
AUTHKIT_API size_t authkit_claims_list_count(const authkit_claims *claims, const char *name);

/**
 * One string of a claim that is a list of strings, in the token's order; `index` counts from 0.
 *
 * `name` is the claim's name, compared exactly.
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns borrowed text; NULL if `index` is not below authkit_claims_list_count(). Any thread.
 */
AUTHKIT_API
const char *authkit_claims_list_at(const authkit_claims *claims,
                                   const char *name,
                                   size_t index,
                                   size_t *nullable_out_len);

/**
 * A claim of any type as its JSON text, as it was signed: for nested ones such as "act".
 *
 * `name` is the claim's name, compared exactly.
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns borrowed text ("null" for a claim that is null); NULL if the token has no claim of this
 * name, an argument is NULL or `name` is not UTF-8. Any thread.
 */
AUTHKIT_API
const char *authkit_claims_value_json(const authkit_claims *claims,
                                      const char *name,
                                      size_t *nullable_out_len);

/* ------------------------------------------------------------------------------------------------
 * Verdicts in one call: for bindings, to which each call, each output and each copy is dear.
 *
 * A binding that keeps what it made of a token asks authkit_verifier_recall() first: a ticket tells that
 * the token is accepted, now and by this policy, and which acceptance it is. On 0 it calls
 * authkit_verifier_verify_into(), and keeps what it makes of the record under the record's ticket. Likewise
 * with a whole request: authkit_verifier_recall_request(), then authkit_verifier_authorize_into().
 */

/**
 * Whether a token is one that was accepted before and is accepted now: never waits, makes nothing, and is
 * a verdict like any other: the signing key is in force, the times and the policy's scopes were judged.
 *
 * `token` is `len` bytes, as for authkit_verifier_verify().
 * `nullable_policy` adds demands of this call; NULL adds none.
 *
 * Returns the ticket of the acceptance, below 2^53: its low 16 bits are a slot, and no other acceptance by
 * this verifier ever has the same number, so that what a host keeps for a slot is good as long as the
 * tickets are equal. Returns 0 if the token must be verified: it is new, or
 * not kept (token_cache_size), or no longer good; and if `verifier` or `token` is NULL. Any thread.
 */
AUTHKIT_API
uint64_t authkit_verifier_recall(const authkit_verifier *verifier,
                                 const char *token,
                                 size_t len,
                                 const authkit_policy *nullable_policy);

/**
 * As authkit_verifier_recall(), for the token in a request: a ticket means that authkit_verifier_authorize()
 * would let the request go on.
 *
 * Parameters are those of authkit_verifier_authorize().
 *
 * Returns a ticket, or 0 if the request must be decided on. Any thread.
 */
AUTHKIT_API
uint64_t authkit_verifier_recall_request(const authkit_verifier *verifier,
                                         const char *nullable_authorization,
                                         size_t authorization_len,
                                         const char *nullable_query,
                                         size_t query_len,
                                         const authkit_policy *nullable_policy);

/**
 * Verifies a token as authkit_verifier_verify() does, may wait as long, and writes what it says, or why it
 * is refused, into the caller's buffer.
 *
 * The record of an accepted token has five parts with the octet 0x1E between them, which no JSON text
 * holds:
 *
 * 1. the ticket in decimal, 0 where the token is not kept;
 * 2. a JSON array of issuer, subject, client_id, scopes (list), expires_at (whole seconds), audience (list),
 *    resource (or null), issued_at, not_before (whole seconds, or null), key_id (or null), algorithm, kind, family;
 *    later releases may append to it;
 * 3. a JSON object of the other members of authkit_claims_identity_json(), but for null, false and empty lists;
 * 4. the header and
 * 5. the payload, both as they were signed.
 *
 * A refusal is a JSON object with reason, hint (or null) and retry_after (or null). Both are UTF-8 and end with
 * a NUL. The call clears the buffer first. If it writes nothing else, the buffer holds an empty text.
 *
 * `token`, `len` and `nullable_policy` are as for authkit_verifier_verify().
 * `buffer` has `capacity` bytes, AUTHKIT_RECORD_CAPACITY at least.
 *
 * Returns the record's length in bytes, without the NUL, if the token is accepted; else the status of
 * authkit_verifier_verify(), negated. With a NULL or a capacity that is too small it is -AUTHKIT_MISUSE, and
 * the buffer holds an empty text (if `capacity` is at least 1). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
int32_t authkit_verifier_verify_into(const authkit_verifier *verifier,
                                     const char *token,
                                     size_t len,
                                     const authkit_policy *nullable_policy,
                                     char *buffer,
                                     size_t capacity);

/**
 * As authkit_verifier_verify_into(), without network and without waiting, as authkit_verifier_try_verify().
 *
 * Parameters and results are those of authkit_verifier_verify_into(). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
int32_t authkit_verifier_try_verify_into(const authkit_verifier *verifier,
                                         const char *token,
                                         size_t len,
                                         const authkit_policy *nullable_policy,
                                         char *buffer,
                                         size_t capacity);

/**
 * Decides on a request as authkit_verifier_authorize() does, may wait as long, and writes what the token says, or
 * what to answer, into the caller's buffer.
 *
 * If the request may go on, it is a record as authkit_verifier_verify_into() writes it. Otherwise it is a JSON
 * object with the response, status (a number), headers (a list of lists of a name and a value) and body (text),
 * beside the reason, hint and retry_after of authkit_verifier_verify_into(), which are only for the server's log,
 * and log (null, or an object with level and text): the line of authkit_response_log_line().
 * A challenge or body that does not fit, as with thousands of scopes, is left out.
 *
 * `nullable_authorization` is `authorization_len` bytes, `nullable_query` is `query_len`, both raw; NULL if
 * missing. `nullable_policy` adds demands of this call; NULL adds none.
 * `buffer` has `capacity` bytes, AUTHKIT_RECORD_CAPACITY at least.
 *
 * Returns the record's length in bytes, without the NUL, if the request may go on; else the status of
 * authkit_verifier_authorize(), negated. With -AUTHKIT_MISUSE there is no response. If the capacity is too small,
 * the buffer holds an empty text (if `capacity` is at least 1). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
int32_t authkit_verifier_authorize_into(const authkit_verifier *verifier,
                                        const char *nullable_authorization,
                                        size_t authorization_len,
                                        const char *nullable_query,
                                        size_t query_len,
                                        const authkit_policy *nullable_policy,
                                        char *buffer,
                                        size_t capacity);

/**
 * As authkit_verifier_authorize_into(), without network and without waiting, as
 * authkit_verifier_try_authorize().
 *
 * Parameters and results are those of authkit_verifier_authorize_into(). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
int32_t authkit_verifier_try_authorize_into(const authkit_verifier *verifier,
                                            const char *nullable_authorization,
                                            size_t authorization_len,
                                            const char *nullable_query,
                                            size_t query_len,
                                            const authkit_policy *nullable_policy,
                                            char *buffer,
                                            size_t capacity);

/**
 * The record of an accepted token, as authkit_verifier_verify_into() writes it.
 *
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns text borrowed from `claims`; NULL only if `claims` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_claims_record(const authkit_claims *claims,
                                  size_t *nullable_out_len);

/* ------------------------------------------------------------------------------------------------
 * Errors: why a call failed, in words that are safe to log and say what to do.
 */

/**
 * The status that the failed call returned.
 *
 * Returns AUTHKIT_MISUSE if `error` is NULL. Any thread.
 */
AUTHKIT_API AUTHKIT_MUST_USE authkit_status authkit_error_status(const authkit_error *error);

/**
 * One sentence that says what was wrong, for a log or a person. It never holds the token or a
 * secret; what a stranger chose in it is quoted, escaped to printable ASCII and cut short.
 *
 * Returns text borrowed from `error`; NULL only if `error` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_error_reason(const authkit_error *error);

/**
 * What to change, if the cause is a known mistake in the configuration.
 *
 * Returns text borrowed from `error`; NULL if there is no hint or `error` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_error_hint(const authkit_error *error);

/**
 * When another try can succeed, in whole seconds from the failed call: the value of an HTTP
 * Retry-After header. Given where waiting can help: with AUTHKIT_KEYS_UNAVAILABLE and
 * AUTHKIT_KEY_UNCONFIRMED, and with AUTHKIT_WOULD_BLOCK if usable keys are held.
 *
 * Returns -1 if nothing is known or `error` is NULL. Any thread.
 */
AUTHKIT_API int64_t authkit_error_retry_after(const authkit_error *error);

/**
 * Copies an error, for hosts whose own error values are copied, such as C++ exceptions.
 *
 * Returns an error that the caller owns, with texts of its own; NULL only if `error` is NULL. Any thread.
 */
AUTHKIT_API
authkit_error *authkit_error_clone(const authkit_error *error);

/**
 * Frees an error and the texts borrowed from it. NULL is allowed and does nothing.
 *
 * No other thread may be using `error`.
 */
AUTHKIT_API void authkit_error_free(authkit_error *error);

/* ------------------------------------------------------------------------------------------------
 * Stats: what a verifier has and has done, as one JSON document or number by number.
 */

/**
 * Takes a verifier's stats. Does no I/O and waits for nothing.
 *
 * `out_stats` receives stats that the caller owns, NULL on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `verifier` or `out_stats` is NULL. Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_verifier_stats(const authkit_verifier *verifier,
                                      authkit_stats **out_stats,
                                      authkit_error **nullable_out_error);

/**
 * The stats as one JSON object: `issuers`, a list of objects with
 *
 * - issuer, jwks_url (null for given keys)
 * - keys: list of {kid, alg}; dropped: list of {index, kid, reason}, the entries not used
 * - standing: none, given, fresh, refresh_due, stale (past its time to live, good in an outage), expired
 * - source: network, file, given or null
 * - age, ttl, next_refresh: seconds, or null
 * - generation: counts the key sets that differed from the one before
 * - fetches, failures, consecutive_failures, last_failure (a sentence or null), retry_after (seconds
 *   or null), not_modified, throttled, stale_served
 * - skew: the issuer's clock less this machine's in seconds, or null
 * - headers: date, age, cache_control, etag, expires of the last answer, or null
 *
 * `verdicts`, a map from outcome (OK, EXPIRED, ...) to count; `token_cache`, of the verified tokens that
 * are kept: entries, bytes, and hits, the verdicts OK for which no signature was checked; and
 * `events_lost`. More members may come.
 * Nothing in it comes from a token.
 *
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns text borrowed from `stats`; NULL only if `stats` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_stats_json(const authkit_stats *stats,
                               size_t *nullable_out_len);

/**
 * One number of the stats, for a metric.
 *
 * `nullable_issuer` is a configured issuer; NULL means all: counts are added up, of `ttl`,
 * `next_refresh` and `generation` it is the least, of `age`, `retry_after`, `consecutive_failures` and
 * `skew` the furthest from 0.
 * `name` is a name of authkit_stats_json() whose value is a number, `keys` or `dropped` for their
 * count, or with NULL as issuer `events_lost`, `token_cache.hits`, `verdicts.OK` and so on.
 * `out` receives the number, 0 on failure.
 *
 * Returns AUTHKIT_OK; AUTHKIT_MISUSE if `stats`, `name` or `out` is NULL or a text is not UTF-8;
 * AUTHKIT_ABSENT if there is no such number, or none at this moment (null in the JSON). Any thread.
 */
AUTHKIT_API
AUTHKIT_MUST_USE
authkit_status authkit_stats_number(const authkit_stats *stats,
                                    const char *nullable_issuer,
                                    const char *name,
                                    int64_t *out);

/**
 * Frees stats and the text borrowed from them. NULL is allowed and does nothing.
 *
 * No other thread may be using `stats`.
 */
AUTHKIT_API void authkit_stats_free(authkit_stats *stats);

/* ------------------------------------------------------------------------------------------------
 * Events: what happened to the issuers' keys, kept until the host takes it.
 */

/**
 * Takes the oldest event that is still there. A verifier keeps 256; then the oldest are lost,
 * which `events_lost` of authkit_stats_json() counts. Does no I/O and waits for nothing: call it in a
 * loop, on a timer or after a verification, to log what it gives. Each event is given once.
 *
 * Returns an event that the caller owns; NULL if there is none or `verifier` is NULL. Any thread.
 */
AUTHKIT_API
authkit_event *authkit_verifier_next_event(const authkit_verifier *verifier);

/**
 * What happened:
 *
 * - fetched: a document came or was confirmed; source, changed, ttl, milliseconds
 * - failed: a fetch failed; reason, failures (in a row)
 * - rotated: the keys in force are others than before; added, removed (lists of key ids)
 * - key_dropped: an entry of the key set is not used; index, kid, reason
 * - throttled: tokens with unknown key ids come too fast to ask for each; retry_after
 * - stale_served: keys past their time to live are used for want of newer ones; age
 * - skew_seen: the issuer's clock and this machine's differ by more than the leeway; skew
 * - shared_file_refused: the shared key file could not be used; reason
 * - warned: an operator should know something about how keys are fetched; it comes when the verifier is
 *   made (allow_insecure_http is in use; SSL_CERT_FILE, SSL_CERT_DIR or extra_ca_file cannot be used); reason
 *
 * More names may come.
 *
 * Returns text borrowed from `event`; NULL only if `event` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_event_name(const authkit_event *event);

/**
 * The event as one JSON object: event (its name), sequence (counts the verifier's events from 1), time
 * (Unix seconds), issuer, document (jwks, or authorization_server for an issuer's metadata), level (info or
 * warning), message (one sentence), and the members that authkit_event_name() lists. Nothing in it comes from a token; what an issuer chose is
 * escaped to printable ASCII and cut short.
 *
 * `nullable_out_len` receives the length in bytes without the final NUL, 0 on failure.
 *
 * Returns text borrowed from `event`; NULL only if `event` is NULL. Any thread.
 */
AUTHKIT_API
const char *authkit_event_json(const authkit_event *event,
                               size_t *nullable_out_len);

/**
 * Frees an event and the texts borrowed from it. NULL is allowed and does nothing.
 *
 * No other thread may be using `event`.
 */
AUTHKIT_API void authkit_event_free(authkit_event *event);

/* ------------------------------------------------------------------------------------------------
 * The log: lines that a host writes where its operator looks. Level, sentence and rate are decided here.
 *
 * After a refusal, write what authkit_response_log_line() gives. When the server starts, after each refusal and
 * about each second, write what authkit_verifier_next_log_line() gives until it gives NULL.
 */

/**
 * What to write into the log if this response is sent: the code, the reason, the hint, the client id and the tool
 * (authkit_policy_set_tool()) if they are known.
 *
 * Returns a line borrowed from `response`, not to be freed; NULL if there is nothing to write: the request may go
 * on, it has no credentials, the response is not a refusal, the same cause was told less than 10 s ago (a later
 * line counts it), or `response` is NULL. Any thread.
 */
AUTHKIT_API
const authkit_log_line *authkit_response_log_line(const authkit_response *response);

/**
 * Takes the next line that belongs to no request. First come the lines for the start: the resource indicator, the
 * trusted issuers, the required scopes, and a warning for each setting that weakens the guard. Then come trouble
 * with keys, its end, and counts of refusals that were not told. Each line is given once; 64 wait at most. Does no
 * I/O and waits for nothing.
 *
 * Once authkit_verifier_next_event() was called, there are no lines about keys: a host that takes the events tells
 * of them itself.
 *
 * Returns a line that the caller owns; NULL if there is none or `verifier` is NULL. Any thread.
 */
AUTHKIT_API
authkit_log_line *authkit_verifier_next_log_line(const authkit_verifier *verifier);

/**
 * How loud the line is.
 *
 * Returns AUTHKIT_LOG_WARNING if `line` is NULL. Any thread.
 */
AUTHKIT_API authkit_log_level authkit_log_line_level(const authkit_log_line *line);

/**
 * What to write.
 *
 * Returns text borrowed from `line`; NULL only if `line` is NULL. Any thread.
 */
AUTHKIT_API const char *authkit_log_line_text(const authkit_log_line *line);

/**
 * Frees a line and its text. NULL is allowed and does nothing.
 *
 * No other thread may be using `line`.
 */
AUTHKIT_API void authkit_log_line_free(authkit_log_line *line);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* AUTHKIT_H */
