//! Configuration: settings by name, checked as a whole by authkit_verifier_new().

use std::ffi::c_char;
use std::path::Path;

use super::error::authkit_error;
use super::handle::Handle;
use super::outcome::{finish, free, plain, produce};
use super::status::authkit_status;
use super::text;
use crate::config::ConfigBuilder;

/// Settings for a verifier, filled step by step. The caller's, freed with authkit_config_free();
/// a verifier copies what it needs, so the settings can be freed, or changed and used again.
pub struct authkit_config {
    pub(super) builder: ConfigBuilder,
}

impl Handle for authkit_config {
    const NAME: &'static str = "config";
}

/// Makes an empty configuration. At least `authkit_domain` (or `issuers`) and `base_url` (or
/// `resource`, or `audiences`) must be set before a verifier can be made of it.
///
/// Returns a configuration that the caller owns; NULL only after a defect in this library. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn authkit_config_new() -> *mut authkit_config {
    plain(std::ptr::null_mut(), || {
        Ok(authkit_config { builder: ConfigBuilder::default() }.hand_out())
    })
}

/// Makes a configuration from the process environment: every setting of authkit_config_set() as
/// AUTHKIT_ and its name in capitals (AUTHKIT_BASE_URL; AUTHKIT_DOMAIN for authkit_domain), and
/// FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN, _BASE_URL and _REQUIRED_SCOPES as the FastMCP
/// guide spells them. A variable of these prefixes that is no setting is refused: a misspelling
/// must not leave a door open; and so is an empty one. FASTMCP_SERVER_AUTH naming an AuthKitProvider
/// asks for AuthKit: authkit_verifier_new() then names in FastMCP's words what is missing.
///
/// `out_config` receives a configuration that the caller owns, NULL on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `out_config` is NULL; AUTHKIT_CONFIG, naming the variable
/// that is unknown or wrong. What is missing shows in authkit_verifier_new(). Any thread, while none
/// changes the environment (setenv, putenv).
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_config_from_environment(
    out_config: *mut *mut authkit_config,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || Ok(authkit_config { builder: ConfigBuilder::from_environment()? });
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_config, nullable_out_error, body) }
}

/// As authkit_config_from_environment(), and settings that are missing in the process environment are read from an
/// env file (`.env`) that your user or code names: lines NAME=value, comments (#), an optional `export`, values
/// bare or in single or double quotes. The process environment wins, setting by setting, and is not changed.
/// Other programs' lines are skipped. In lines that set an authkit variable, a reference (`${NAME}`) is
/// refused. The file's owner and permissions are not checked.
///
/// `path` is the file's path, UTF-8; at most 1 MiB is read.
/// `out_config` receives a configuration that the caller owns, NULL on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `path` or `out_config` is NULL or `path` is not UTF-8;
/// AUTHKIT_CONFIG if the file cannot be read, or if an authkit variable or line is wrong; the reason names it
/// and the file. Any thread, while none changes the environment (setenv, putenv).
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_config_from_env_file(
    path: *const c_char,
    out_config: *mut *mut authkit_config,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        let path = unsafe { text::argument(path, "path") }?;
        Ok(authkit_config { builder: ConfigBuilder::from_env_file(Path::new(path))? })
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_config, nullable_out_error, body) }
}

/// As authkit_config_from_env_file(), for an env file that no one chose, such as the `.env` in the directory
/// where a program is started. Only the three FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_ variables and
/// FASTMCP_SERVER_AUTH are read from it. AUTHKIT_ variables have no effect, so that a stray file cannot make
/// anyone trusted. authkit_verifier_describe() then has a last line `without effect: `, and the hint of an error
/// of authkit_verifier_new() says so. If there is no regular file at `path`, only the process environment
/// counts.
///
/// `path` is the file's path, UTF-8; at most 1 MiB is read.
/// `out_config` receives a configuration that the caller owns, NULL on failure.
///
/// Returns what authkit_config_from_env_file() does, but AUTHKIT_OK for a missing file. Returns
/// AUTHKIT_CONFIG too if every user can write to the file, or if it, or a symbolic link to it, belongs to
/// neither this process's effective user nor root. Its group is trusted. Any thread, while none changes
/// the environment (setenv, putenv).
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_config_from_implicit_env_file(
    path: *const c_char,
    out_config: *mut *mut authkit_config,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or NUL-terminated, by the header's contract.
        let path = unsafe { text::argument(path, "path") }?;
        Ok(authkit_config { builder: ConfigBuilder::from_implicit_env_file(Path::new(path))? })
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_config, nullable_out_error, body) }
}

/// Makes a configuration from a JSON object whose members are the settings of authkit_config_set(),
/// in JSON's own types: lists as arrays of strings, `jwks` as the object itself, times as numbers.
/// Unknown and repeated members are refused.
///
/// `json` is `len` bytes of UTF-8; a NUL at the end is not needed and does not count.
/// `out_config` receives a configuration that the caller owns, NULL on failure.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if `json` or `out_config` is NULL or `json` is not UTF-8;
/// AUTHKIT_CONFIG, saying where and what. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_config_from_json(
    json: *const c_char,
    len: usize,
    out_config: *mut *mut authkit_config,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or `len` readable bytes, by the header's contract.
        let json = text::utf8(unsafe { text::bytes_argument(json, len, "json") }?, "json")?;
        Ok(authkit_config { builder: ConfigBuilder::from_json(json)? })
    };
    // SAFETY: NULL or writable, both, by the header's contract.
    unsafe { produce(out_config, nullable_out_error, body) }
}

/// Sets one setting, replacing what was set before. The same names serve in JSON, as AUTHKIT_*
/// environment variables and in every language's bindings.
///
/// Lists are written `a,b`, `a b` or as a JSON array; maps and key sets as JSON; booleans `true` or
/// `false`; times as whole seconds.
///
/// - authkit_domain: URL of the AuthKit domain, https://your-project-12345.authkit.app: the
///   issuer; its keys are fetched from {authkit_domain}/oauth2/jwks. Must be set, unless issuers
///   or session_client_id is.
/// - base_url: public URL of this server, without the MCP path. Must be set, unless resource or
///   audiences is.
/// - mcp_path: where the MCP endpoint lies below base_url. Default: /mcp.
/// - resource: the resource whole, in place of base_url and mcp_path. Default: base_url +
///   mcp_path.
/// - resource_name: the resource's name for people, announced in its metadata (RFC 9728). Default:
///   none.
/// - resource_documentation: URL where developers read about the resource, announced in its metadata.
///   Default: none.
/// - audiences: list of `aud` values to accept, compared exactly. Default: the resource.
/// - accept_client_id_audience: list of client ids to accept as `aud`: machine tokens, and
///   clients that send no `resource`. Such a token must have client_id, or be the machine's own (its
///   `sub` is that id). Default: none.
/// - ignore_trailing_slash: boolean: also accept an `aud` that differs by one final slash.
///   Default: false.
/// - required_scopes: list of scopes that every token must carry, all of them. Default: none.
/// - scopes_supported: list of scopes announced in the resource's metadata; offline_access is left out.
///   Default: required_scopes.
/// - scope_claims: list of claims that scopes are read from. Default: scope, else scp.
/// - scope_hierarchy: JSON map from a scope to the list of scopes it includes. Default: none.
/// - issuers: JSON map from issuer to its JWKS URL, to null (for {issuer}/oauth2/jwks), or to an
///   object with jwks_url or jwks; audience: "required", "if_present" (may be absent; if there is
///   one, it must be accepted) or "not_checked"; audiences: a list in place of audiences
///   and accept_client_id_audience; family: "connect" or "session". Default: authkit_domain alone.
/// - session_client_id: client id whose AuthKit session tokens are accepted too. Adds these issuers:
///   https://api.workos.com, the same with a slash, and .../user_management/, .../sso/ and .../convex/
///   with {session_client_id}. Their keys are at https://api.workos.com/sso/jwks/{session_client_id}. If a
///   session token has client_id or azp, it must be this client. If it has `aud`, it must name an
///   accepted audience or this client. Default: none.
/// - algorithms: list out of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA. Default:
///   RS256.
/// - leeway: clock skew allowed to exp, nbf and iat, in seconds, 0 to 300. Default: 60.
/// - max_token_age: oldest `iat` to accept, in seconds before now. Default: unlimited.
/// - typ: any (no typ, JWT or at+jwt) or rfc9068 (at+jwt with client_id, iat, jti). Default: any.
/// - now: Unix time in seconds to judge tokens by, for tests. Default: the clock.
/// - jwks: the single issuer's keys as a JWKS document. Then nothing is fetched, and the setting issuers
///   must not give this issuer keys too. Default: fetched.
/// - allow_insecure_loopback: boolean: allow http:// to this very machine, for tests. Default:
///   false.
/// - allow_insecure_http: list of host names for which http:// is allowed, such as
///   host.docker.internal. Anyone on the way can replace the keys. Default: none.
/// - ca_file: path of a PEM file with certificate authorities to trust in addition to the system's. Other
///   blocks in it are skipped. authkit_verifier_new() refuses a file that cannot be read or holds no
///   certificate. Default: none.
/// - extra_ca_file: as ca_file, but an unusable file is skipped, with the event `warned`. For a file that a
///   runtime's own variable names (NODE_EXTRA_CA_CERTS). Default: none.
/// - proxy: http://host:port to fetch keys through. Default: none.
/// - fetch_timeout: the limit for one fetch, from the name look-up to the last byte, and for all waiting
///   of one call, in whole seconds, 1 to 30. Default: 5.
/// - refresh_mode: background (the call that lacks keys fetches them; if no call should wait, a thread
///   does that ends with the fetch), inline (a verification that finds a refresh due fetches; only the
///   name look-up has a thread) or manual (only authkit_verifier_refresh() uses the network).
///   Default: background.
/// - jwks_cache_dir: path of a directory in which processes of one user on one machine share fetched
///   keys, so that one of them fetches for all; made where it is missing, on a local disk, writable
///   only by that user. Default: none.
/// - token_cache_size: how many verified tokens are kept, so that they need not be verified again while
///   the key set that signed them is in force; 0 to 65536, 0 for none. They take 8 KiB each on average
///   at most. Default: 1024.
///
/// `name` and `value` are copied.
///
/// Returns AUTHKIT_OK; AUTHKIT_MISUSE if an argument is NULL or a text is not UTF-8; AUTHKIT_CONFIG
/// for an unknown setting or a value in the wrong form. After a failure the configuration is unusable:
/// authkit_verifier_new() refuses it with the first failure's status and reason. Free it and make a new one.
/// authkit_verifier_new() also checks whether the settings fit together. One thread at a time per
/// configuration.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn authkit_config_set(
    config: *mut authkit_config,
    name: *const c_char,
    value: *const c_char,
    nullable_out_error: *mut *mut authkit_error,
) -> authkit_status {
    let body = || {
        // SAFETY: NULL or a live handle that no other call uses, by the header's contract.
        let builder = &mut unsafe { authkit_config::lend_mut(config) }?.builder;
        // SAFETY: NULL or NUL-terminated, both, by the header's contract.
        match unsafe { (text::argument(name, "name"), text::argument(value, "value")) } {
            (Ok(name), Ok(value)) => builder.set(name, value),
            (Err(error), _) => Err(builder.fail("no name", error)),
            (Ok(name), Err(error)) => Err(builder.fail(name, error)),
        }
    };
    // SAFETY: NULL or writable, by the header's contract.
    unsafe { finish(nullable_out_error, body) }
}

/// Frees a configuration. NULL is allowed and does nothing.
///
/// No other thread may be using `config`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn authkit_config_free(config: *mut authkit_config) {
    // SAFETY: NULL or a handle that the caller owns and gives up, by the header's contract.
    unsafe { free(config) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_describes_every_setting_and_no_other() {
        let documented: Vec<&str> = include_str!("config.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("/// - ")?.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(documented, ConfigBuilder::NAMES);
    }
}
