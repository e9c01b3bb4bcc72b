//! The settings under their one set of names, before they are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::environment::FastMcp;
use super::names::{Names, Origin, Spelling};
use super::{ProxyUrl, invalid, list};
use crate::error::{Code, Error, Result, quoted};
use crate::foreign;

/// Which `typ` headers count as an access token's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypePolicy {
    /// None, `JWT` or `at+jwt`: AuthKit sends none.
    #[default]
    Any,
    /// `at+jwt` with `client_id`, `iat` and `jti`, as RFC 9068 demands.
    Rfc9068,
}

/// Who fetches the issuers' keys, and on which thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshMode {
    /// The call that lacks them; if no call should wait, a thread that ends with the fetch.
    #[default]
    Background,
    /// The call that lacks them, or finds a refresh due, on its own thread. Only the name look-up has a thread.
    Inline,
    /// Only the host, by [`crate::Verifier::refresh`]: no verification ever uses the network.
    Manual,
}

/// What an issuer's tokens must say of their audience (`aud`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AudienceRule {
    /// It must name an accepted audience.
    #[default]
    Required,
    /// It may be absent, as in AuthKit's session tokens; where there is one, it must name an accepted
    /// audience. Any application that gets a token without `aud` can present it here.
    IfPresent,
    /// It may be absent or say anything. Any application that gets such a token can present it here.
    NotChecked,
}

/// Which of AuthKit's two kinds of access token an issuer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenFamily {
    /// Tokens of AuthKit Connect, as MCP clients and machines get them.
    #[default]
    Connect,
    /// Tokens of an AuthKit session, as the web application gets them that signed the user in.
    Session,
}

impl TokenFamily {
    /// `connect` or `session`, as in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TokenFamily::Connect => "connect",
            TokenFamily::Session => "session",
        }
    }
}

/// What is said of one allow-listed issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuerSettings {
    /// Where its keys are fetched; default `{issuer}/oauth2/jwks`.
    pub jwks_url: Option<String>,
    /// Its keys as a JWKS document; then nothing is fetched.
    pub jwks: Option<String>,
    /// What its tokens must say of their audience.
    pub audience: AudienceRule,
    /// The audiences that its tokens may name, compared exactly, in place of `audiences` and
    /// `accept_client_id_audience`.
    pub audiences: Option<Vec<String>>,
    /// What kind of tokens it issues; see [`crate::Claims::family`]. If a session token has `client_id` or `azp`, it
    /// must be the client at the end of a `jwks_url` like `…/sso/jwks/{client_id}`, else `session_client_id`.
    pub family: TokenFamily,
}

/// Settings under their one set of names: the JSON members, the environment variables
/// (`AUTHKIT_` and the name in upper case), the command's flags and the bindings' keywords.
///
/// Every setter replaces. Nothing is checked before [`ConfigBuilder::build`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigBuilder {
    pub(super) authkit_domain: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) mcp_path: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) resource_name: Option<String>,
    pub(super) resource_documentation: Option<String>,
    #[serde(deserialize_with = "list::deserialize")]
    pub(super) audiences: Option<Vec<String>>,
    #[serde(deserialize_with = "list::deserialize")]
    pub(super) accept_client_id_audience: Option<Vec<String>>,
    pub(super) ignore_trailing_slash: Option<bool>,
    #[serde(deserialize_with = "list::deserialize")]
    pub(super) required_scopes: Option<Vec<String>>,
    #[serde(deserialize_with = "list::deserialize")]
    pub(super) scopes_supported: Option<Vec<String>>,
    #[serde(deserialize_with = "list::deserialize")]
    pub(super) scope_claims: Option<Vec<String>>,
    pub(super) scope_hierarchy: Option<BTreeMap<String, Vec<String>>>,
    #[serde(deserialize_with = "issuer_map")]
    pub(super) issuers: Option<BTreeMap<String, IssuerSettings>>,
    pub(super) session_client_id: Option<String>,
    #[serde(deserialize_with = "list::deserialize")]
    pub(super) algorithms: Option<Vec<String>>,
    pub(super) leeway: Option<u64>,
    pub(super) max_token_age: Option<u64>,
    pub(super) typ: Option<TypePolicy>,
    pub(super) now: Option<i64>,
    #[serde(deserialize_with = "document")]
    pub(super) jwks: Option<String>,
    pub(super) allow_insecure_loopback: Option<bool>,
    #[serde(deserialize_with = "list::deserialize")]
    pub(super) allow_insecure_http: Option<Vec<String>>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) extra_ca_file: Option<PathBuf>,
    pub(super) proxy: Option<ProxyUrl>,
    pub(super) fetch_timeout: Option<u64>,
    pub(super) refresh_mode: Option<RefreshMode>,
    pub(super) jwks_cache_dir: Option<PathBuf>,
    pub(super) token_cache_size: Option<u64>,
    /// What the environment says in FastMCP's words.
    #[serde(skip)]
    pub(super) fastmcp: FastMcp,
    /// What the reader calls the settings, and where those came from that are set.
    #[serde(skip)]
    pub(super) names: Names,
    /// The first setting that could not be set: nothing is built without it.
    #[serde(skip)]
    pub(super) failure: Option<Error>,
    /// The issuer if no setting names one: an env file that nobody named says so.
    #[serde(skip)]
    pub(super) fallback_domain: Option<String>,
    /// What to tell a person about an env file whose authkit variables have no effect.
    #[serde(skip)]
    pub(super) without_effect: Option<String>,
}

/// What there is to say of every setting alike.
macro_rules! settings {
    ($($name:ident),*) => {
        impl ConfigBuilder {
            /// Every setting's name.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// These settings, each that is not set taken from the other: `flags.or(file).or(environment)`.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                let names = self.names_with(&other);
                Self {
                    $($name: self.$name.or(other.$name),)*
                    fastmcp: self.fastmcp.or(other.fastmcp),
                    failure: self.failure.or(other.failure),
                    fallback_domain: self.fallback_domain.or(other.fallback_domain),
                    without_effect: self.without_effect.or(other.without_effect),
                    names,
                }
            }

            pub(super) fn is_set(&self, name: &str) -> bool {
                match name {
                    $(stringify!($name) => self.$name.is_some(),)*
                    _ => false,
                }
            }
        }
    };
}

settings! {
    authkit_domain, base_url, mcp_path, resource, resource_name, resource_documentation, audiences,
    accept_client_id_audience, ignore_trailing_slash, required_scopes, scopes_supported, scope_claims,
    scope_hierarchy, issuers, session_client_id, algorithms, leeway, max_token_age, typ, now, jwks,
    allow_insecure_loopback, allow_insecure_http, ca_file, extra_ca_file, proxy, fetch_timeout,
    refresh_mode, jwks_cache_dir, token_cache_size
}

impl ConfigBuilder {
    /// The names of these settings, and of the other's that are not set here.
    fn names_with(&self, other: &Self) -> Names {
        let mut names = self.names.clone();
        for name in Self::NAMES.iter().filter(|name| self.is_set(name)) {
            names.origins.entry(name).or_insert(Origin::Given);
        }
        for (name, origin) in &other.names.origins {
            names.origins.entry(name).or_insert_with(|| origin.clone());
        }
        if names.spelling == Spelling::default() {
            names.spelling = other.names.spelling;
        }
        names
    }

    /// The names as they will be those of the configuration.
    pub(super) fn names_in_force(&self) -> Names {
        self.names_with(&Self::default())
    }
}

impl ConfigBuilder {
    /// Reads one JSON object whose members are the settings. Unknown and repeated members are refused. A member
    /// `$spelling` that is `camelCase` makes errors and hints name settings so, as a binding's users do.
    ///
    /// # Errors
    /// [`Code::Config`] saying where and what.
    pub fn from_json(json: &str) -> Result<Self> {
        // serde would take an array for an object.
        if !json.trim_start().starts_with('{') {
            return Err(Error::new(Code::Config, "the configuration is not a JSON object"));
        }
        let wrong = |problem| Error::new(Code::Config, format!("configuration: {problem}"));
        let members = members(json).map_err(wrong)?;
        let is_camel =
            |(name, value): &(String, Box<RawValue>)| name == SPELLING && value.get() == CAMEL_CASE;
        let mut builder = Self::default();
        if members.iter().any(is_camel) {
            builder.names.spelling = Spelling::Camel;
        }
        for (name, value) in members {
            if name != SPELLING {
                let one = Self::one(&name, value.get());
                let one = one.map_err(|error| builder.names.respell(error))?;
                builder = builder.or(one);
            }
        }
        Ok(builder)
    }

    /// A setting from its JSON value.
    fn one(name: &str, value: &str) -> Result<Self> {
        if !Self::NAMES.contains(&name) {
            return Err(unknown(name));
        }
        serde_json::from_str(&format!("{{\"{name}\":{value}}}"))
            .map_err(|error| invalid(name, misfit(name, value, &error)))
    }

    /// Sets one setting by name from its text form: lists as `a,b`, `a b` or a JSON array, maps and
    /// key sets as JSON, booleans as `true` or `false`, times in seconds.
    ///
    /// # Errors
    /// [`Code::Config`] for a name that is not in [`Self::NAMES`] or a text that does not fit. From then on
    /// [`Self::build`] fails with that reason, even if the result is ignored. Make a new builder.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        self.assign(name, text).map_err(|error| self.fail(name, error))
    }

    /// As [`Self::set`], from a flag of the command, by which errors name the setting.
    ///
    /// # Errors
    /// As [`Self::set`].
    #[doc(hidden)]
    pub fn set_flag(&mut self, name: &str, text: &str) -> Result<()> {
        self.names.note(name, Origin::Flag(format!("--{}", name.replace('_', "-"))));
        self.set(name, text).map_err(|error| self.names.respell(error))
    }

    /// These settings as those of a file, which `shown` names.
    #[doc(hidden)]
    #[must_use]
    pub fn of_file(mut self, shown: &str) -> Self {
        let set = Self::NAMES.iter().filter(|name| self.is_set(name));
        let origins = set.map(|name| (*name, Origin::File((*name).to_owned(), shown.to_owned())));
        self.names.origins = origins.collect();
        self
    }

    /// Notes that a setting could not be set, and gives the error back.
    #[cold]
    pub(crate) fn fail(&mut self, name: &str, error: Error) -> Error {
        let first = || error.of_earlier(&format!("config_set for {}", quoted(name)));
        self.failure.get_or_insert_with(first);
        error
    }

    fn assign(&mut self, name: &str, text: &str) -> Result<()> {
        let items = || {
            list::parse(text)
                .map(Some)
                .map_err(|error| invalid(name, format!("is not a list: {error}")))
        };
        match name {
            "authkit_domain" => self.authkit_domain = Some(text.to_owned()),
            "base_url" => self.base_url = Some(text.to_owned()),
            "mcp_path" => self.mcp_path = Some(text.to_owned()),
            "resource" => self.resource = Some(text.to_owned()),
            "resource_name" => self.resource_name = Some(text.to_owned()),
            "resource_documentation" => self.resource_documentation = Some(text.to_owned()),
            "audiences" => self.audiences = items()?,
            "accept_client_id_audience" => self.accept_client_id_audience = items()?,
            "ignore_trailing_slash" => self.ignore_trailing_slash = Some(boolean(name, text)?),
            "required_scopes" => self.required_scopes = items()?,
            "scopes_supported" => self.scopes_supported = items()?,
            "scope_claims" => self.scope_claims = items()?,
            "scope_hierarchy" => self.scope_hierarchy = Some(json(name, text)?),
            "issuers" => self.issuers = Some(json::<Issuers>(name, text)?.0),
            "session_client_id" => self.session_client_id = Some(text.to_owned()),
            "algorithms" => self.algorithms = items()?,
            "leeway" => self.leeway = Some(number(name, text)?),
            "max_token_age" => self.max_token_age = Some(number(name, text)?),
            "typ" => self.typ = Some(word(name, text)?),
            "now" => self.now = Some(number(name, text)?),
            "jwks" => self.jwks = Some(text.to_owned()),
            "allow_insecure_loopback" => self.allow_insecure_loopback = Some(boolean(name, text)?),
            "allow_insecure_http" => self.allow_insecure_http = items()?,
            "ca_file" => self.ca_file = Some(text.into()),
            "extra_ca_file" => self.extra_ca_file = Some(text.into()),
            "proxy" => self.proxy = Some(ProxyUrl(text.to_owned())),
            "fetch_timeout" => self.fetch_timeout = Some(number(name, text)?),
            "refresh_mode" => self.refresh_mode = Some(word(name, text)?),
            "jwks_cache_dir" => self.jwks_cache_dir = Some(text.into()),
            "token_cache_size" => self.token_cache_size = Some(number(name, text)?),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// The AuthKit domain: `https://your-project-12345.authkit.app`.
    #[must_use]
    pub fn authkit_domain(mut self, url: impl Into<String>) -> Self {
        self.authkit_domain = Some(url.into());
        self
    }

    /// The public URL of this server, without the MCP path.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Where the MCP endpoint lies below the base URL; default [`super::DEFAULT_MCP_PATH`].
    #[must_use]
    pub fn mcp_path(mut self, path: impl Into<String>) -> Self {
        self.mcp_path = Some(path.into());
        self
    }

    /// The resource whole, in place of base URL and path.
    #[must_use]
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resource = Some(url.into());
        self
    }

    /// The resource's name for people, announced in its metadata (RFC 9728 §2).
    #[must_use]
    pub fn resource_name(mut self, name: impl Into<String>) -> Self {
        self.resource_name = Some(name.into());
        self
    }

    /// A URL where developers read about the resource, announced in its metadata (RFC 9728 §2).
    #[must_use]
    pub fn resource_documentation(mut self, url: impl Into<String>) -> Self {
        self.resource_documentation = Some(url.into());
        self
    }

    /// The audiences to accept; default the resource alone. Compared exactly.
    #[must_use]
    pub fn audiences<S: Into<String>>(mut self, audiences: impl IntoIterator<Item = S>) -> Self {
        self.audiences = Some(strings(audiences));
        self
    }

    /// Client ids to accept as audience: for machine tokens, and clients that send no `resource`. Such a token must
    /// have `client_id` (RFC 9068 §2.2), or be the machine's own (`sub` is that id).
    #[must_use]
    pub fn accept_client_id_audience<S: Into<String>>(
        mut self,
        ids: impl IntoIterator<Item = S>,
    ) -> Self {
        self.accept_client_id_audience = Some(strings(ids));
        self
    }

    /// Takes an audience that differs from an accepted one by one trailing slash only.
    #[must_use]
    pub fn ignore_trailing_slash(mut self, ignore: bool) -> Self {
        self.ignore_trailing_slash = Some(ignore);
        self
    }

    /// Scopes that every token must carry.
    #[must_use]
    pub fn required_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.required_scopes = Some(strings(scopes));
        self
    }

    /// Scopes announced in the resource's metadata for clients to ask for; default the required ones.
    /// `offline_access` is not announced.
    #[must_use]
    pub fn scopes_supported<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.scopes_supported = Some(strings(scopes));
        self
    }

    /// The claims that scopes are read from, all of them; default `scope`, else `scp`.
    #[must_use]
    pub fn scope_claims<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.scope_claims = Some(strings(names));
        self
    }

    /// Declares that `scope` includes the others, and what they include.
    #[must_use]
    pub fn scope_includes<S: Into<String>>(
        mut self,
        scope: impl Into<String>,
        included: impl IntoIterator<Item = S>,
    ) -> Self {
        self.scope_hierarchy.get_or_insert_default().insert(scope.into(), strings(included));
        self
    }

    /// Allow-lists an issuer. Its `iss` is compared exactly.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>, settings: IssuerSettings) -> Self {
        self.issuers.get_or_insert_default().insert(issuer.into(), settings);
        self
    }

    /// Accepts AuthKit session tokens of this client, too. Allow-lists their issuers: `https://api.workos.com`, the
    /// same with a slash, `…/user_management/{client_id}`, `…/sso/{client_id}` and `…/convex/{client_id}`. Their keys
    /// are at `https://api.workos.com/sso/jwks/{client_id}`. If a session token has `client_id` or `azp`, it must be
    /// this client. Such tokens mostly have no `aud`. If there is one, it must name an accepted audience or this
    /// client ([`AudienceRule::IfPresent`]).
    #[must_use]
    pub fn session_client_id(mut self, client_id: impl Into<String>) -> Self {
        self.session_client_id = Some(client_id.into());
        self
    }

    /// Signature algorithms to accept; default RS256 alone, as AuthKit signs.
    #[must_use]
    pub fn algorithms<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.algorithms = Some(strings(names));
        self
    }

    /// Clock skew allowed, in seconds; default 60, at most 300.
    #[must_use]
    pub fn leeway(mut self, seconds: u64) -> Self {
        self.leeway = Some(seconds);
        self
    }

    /// Oldest acceptable `iat`, in seconds before now; default unlimited.
    #[must_use]
    pub fn max_token_age(mut self, seconds: u64) -> Self {
        self.max_token_age = Some(seconds);
        self
    }

    /// Which `typ` headers to accept.
    #[must_use]
    pub fn typ(mut self, policy: TypePolicy) -> Self {
        self.typ = Some(policy);
        self
    }

    /// Judges every token as of this Unix time, in seconds: for tests and for looking back.
    #[must_use]
    pub fn now(mut self, unix_time: i64) -> Self {
        self.now = Some(unix_time);
        self
    }

    /// The single issuer's keys as a JWKS document. Then nothing is fetched. If the issuer has an entry in `issuers`,
    /// that must not give keys too.
    #[must_use]
    pub fn jwks(mut self, document: impl Into<String>) -> Self {
        self.jwks = Some(document.into());
        self
    }

    /// Allows http:// to 127.0.0.0/8, `[::1]` and localhost, for tests.
    #[must_use]
    pub fn allow_insecure_loopback(mut self, allow: bool) -> Self {
        self.allow_insecure_loopback = Some(allow);
        self
    }

    /// Allows http:// to these hosts of a developer's own network, compared exactly except for ASCII case. Anyone
    /// on the way can replace the keys. Default none.
    #[must_use]
    pub fn allow_insecure_http<S: Into<String>>(
        mut self,
        hosts: impl IntoIterator<Item = S>,
    ) -> Self {
        self.allow_insecure_http = Some(strings(hosts));
        self
    }

    /// A PEM file of certificate authorities to trust in addition to the system's. Other blocks in it are skipped.
    /// [`crate::Verifier::new`] refuses a file that cannot be read or holds no certificate.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// As `ca_file`, but an unusable file is skipped, with the event `warned`. For the file that a runtime's own
    /// variable names, such as Node's `NODE_EXTRA_CA_CERTS`.
    #[must_use]
    pub fn extra_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.extra_ca_file = Some(path.into());
        self
    }

    /// The limit for one fetch, and for all waiting of one call, in seconds: 1 to [`super::MAX_FETCH_TIMEOUT`];
    /// default [`super::DEFAULT_FETCH_TIMEOUT`].
    #[must_use]
    pub fn fetch_timeout(mut self, seconds: u64) -> Self {
        self.fetch_timeout = Some(seconds);
        self
    }

    /// A proxy to fetch through, `http://host:port`; the environment's proxies are not used.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(ProxyUrl(url.into()));
        self
    }

    /// Who fetches the keys; default [`RefreshMode::Background`].
    #[must_use]
    pub fn refresh_mode(mut self, mode: RefreshMode) -> Self {
        self.refresh_mode = Some(mode);
        self
    }

    /// A directory in which processes of one user on one machine share fetched keys; default none.
    /// Made where it is missing; it must belong to the user and be writable by nobody else.
    #[must_use]
    pub fn jwks_cache_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.jwks_cache_dir = Some(path.into());
        self
    }

    /// How many verified tokens are kept, so that they need not be verified again while the key set that
    /// signed them is in force; default 1024, at most 65,536, 0 for none. They take 8 KiB each on average
    /// at most.
    #[must_use]
    pub fn token_cache_size(mut self, tokens: u64) -> Self {
        self.token_cache_size = Some(tokens);
        self
    }
}

fn strings<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

fn unknown(name: &str) -> Error {
    let error = Error::new(Code::Config, format!("{} is not a setting", quoted(name)));
    match nearest(name) {
        Some(nearest) => error.with_hint(format!("did you mean {nearest}?")),
        None => error.with_hint("the README's table lists the settings"),
    }
}

/// The member of a JSON configuration that says how its author spells names, and the one value that changes it.
const SPELLING: &str = "$spelling";
const CAMEL_CASE: &str = "\"camelCase\"";

/// The setting that shares most pairs of letters with a name.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = snake_case(name);
    let pairs = |text: &str| -> BTreeSet<Vec<u8>> {
        text.as_bytes().windows(2).take(100).map(<[u8]>::to_vec).collect()
    };
    let wanted = pairs(&name);
    // Twice the shared pairs, minus the pairs that only one of them has.
    let likeness = |known: &str| {
        let known = pairs(known);
        let shared = known.intersection(&wanted).count();
        (4 * shared).saturating_sub(known.len() + wanted.len() - 2 * shared)
    };
    let likeliest = ConfigBuilder::NAMES.iter().max_by_key(|known| likeness(known))?;
    (likeness(likeliest) > 0).then_some(likeliest)
}

/// `requiredScopes` and `REQUIRED_SCOPES` as `required_scopes`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for character in name.chars().take(100) {
        if character.is_ascii_uppercase() && before.is_ascii_lowercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
        before = character;
    }
    snake
}

fn boolean(name: &str, text: &str) -> Result<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(invalid(name, format!("is {}, neither true nor false", quoted(text)))),
    }
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T> {
    text.trim()
        .parse()
        .map_err(|_| invalid(name, format!("is {}, not {}", quoted(text), expected(name))))
}

/// One of a setting's words.
fn word<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T> {
    json(name, &serde_json::Value::from(text).to_string())
}

fn json<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| invalid(name, misfit(name, text, &error)))
}

/// A key set inside a JSON configuration: the document itself, or its text.
fn document<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<String>, D::Error> {
    let Some(raw) = Option::<Box<RawValue>>::deserialize(input)? else { return Ok(None) };
    if raw.get().starts_with('"') {
        let text = serde_json::from_str(raw.get());
        return text.map(Some).map_err(|error| D::Error::custom(ours(&foreign::json(&error))));
    }
    Ok(Some(raw.get().to_owned()))
}

impl<'de> Deserialize<'de> for IssuerSettings {
    /// An issuer's entry: a JWKS URL, or an object; `null` means `{issuer}/oauth2/jwks`.
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        // By hand, not as an untagged enum: that would lose which member was wrong.
        let raw = Box::<RawValue>::deserialize(input)?;
        issuer_settings(raw.get()).map_err(|problem| D::Error::custom(ours(&problem)))
    }
}

fn issuer_settings(text: &str) -> std::result::Result<IssuerSettings, String> {
    let mut settings = IssuerSettings::default();
    if text == "null" {
        return Ok(settings);
    }
    if text.starts_with('"') {
        settings.jwks_url = Some(part("jwks_url", text)?);
        return Ok(settings);
    }
    if !text.starts_with('{') {
        return Err("an issuer has a JWKS URL, null or an object".to_owned());
    }
    for (name, value) in members(text)? {
        let value = value.get();
        match name.as_str() {
            "jwks_url" => settings.jwks_url = part(&name, value)?,
            "jwks" => settings.jwks = part::<Document>(&name, value)?.0,
            "audience" => settings.audience = part(&name, value)?,
            "audiences" => settings.audiences = part::<List>(&name, value)?.0,
            "family" => settings.family = part(&name, value)?,
            _ => return Err(format!("an issuer has no member {}", quoted(&name))),
        }
    }
    Ok(settings)
}

/// A member's value.
fn part<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> std::result::Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{name} {}", misfit(name, text, &error)))
}

/// Why a setting's JSON value does not fit: our own words, if our own check refused it; else what came, and what it
/// should be.
fn misfit(name: &str, value: &str, error: &serde_json::Error) -> String {
    let said = error.to_string();
    match said.strip_prefix(OURS) {
        Some(said) => {
            let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
            format!("does not fit: {said}")
        }
        None => format!("is {}, not {}", kind(value), expected(name)),
    }
}

/// What came instead. A number in quotes is shown, since it tells the slip. No other text is: it may be a secret.
fn kind(value: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(serde_json::Value::Null) => "null".to_owned(),
        Ok(serde_json::Value::Bool(flag)) => flag.to_string(),
        Ok(serde_json::Value::Number(number)) => format!("the number {number}"),
        Ok(serde_json::Value::String(text)) if is_quoted_scalar(&text) => {
            format!("the text {}", quoted(&text))
        }
        Ok(serde_json::Value::String(_)) => "a text".to_owned(),
        Ok(serde_json::Value::Array(_)) => "a list".to_owned(),
        Ok(serde_json::Value::Object(_)) => "an object".to_owned(),
        Err(error) => foreign::json(&error),
    }
}

/// Whether a text is a number or a word of a language, which somebody has put in quotes.
fn is_quoted_scalar(text: &str) -> bool {
    let words =
        ["true", "false", "yes", "no", "on", "off", "null", "none", "None", "True", "False"];
    let is_number = text.len() <= 16 && text.parse::<f64>().is_ok_and(f64::is_finite);
    text.is_empty() || is_number || words.contains(&text)
}

/// Marks our own sentence inside an error of serde's. serde's own sentences repeat the value.
const OURS: char = '\u{1}';

pub(super) fn ours(sentence: &str) -> String {
    format!("{OURS}{sentence}")
}

/// What a setting's value is, or a member's of an issuer.
fn expected(name: &str) -> &'static str {
    match name {
        "audiences"
        | "accept_client_id_audience"
        | "required_scopes"
        | "scopes_supported"
        | "scope_claims"
        | "algorithms"
        | "allow_insecure_http" => "a list of strings",
        "ignore_trailing_slash" | "allow_insecure_loopback" => "true or false",
        "leeway" => "a whole number of seconds from 0 to 300",
        "fetch_timeout" => "a whole number of seconds from 1 to 30",
        "max_token_age" | "now" => "a whole number of seconds",
        "token_cache_size" => "a whole number from 0 to 65536",
        "typ" => "any or rfc9068",
        "refresh_mode" => "background, inline or manual",
        "audience" => "required, if_present or not_checked",
        "family" => "connect or session",
        "scope_hierarchy" => "a map from a scope to a list of scopes",
        "issuers" => "a map from issuer to JWKS URL",
        "jwks" => "a JWKS document",
        _ => "a string",
    }
}

/// An object's members, raw and in their order. A repeated member is refused.
fn members(text: &str) -> std::result::Result<Vec<(String, Box<RawValue>)>, String> {
    let Members(members) = serde_json::from_str(text).map_err(|error| foreign::json(&error))?;
    let mut seen = BTreeSet::new();
    match members.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => Err(format!("{} is given twice", quoted(name))),
        None => Ok(members),
    }
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        input.deserialize_map(Visitor)
    }
}

#[derive(Deserialize)]
struct Document(#[serde(deserialize_with = "document")] Option<String>);

#[derive(Deserialize)]
struct List(#[serde(deserialize_with = "list::deserialize")] Option<Vec<String>>);

/// The issuer map as such, for [`ConfigBuilder::set`].
struct Issuers(BTreeMap<String, IssuerSettings>);

impl<'de> Deserialize<'de> for Issuers {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        Ok(Self(issuer_map(input)?.unwrap_or_default()))
    }
}

/// A map of issuers, or a list of those whose keys lie where AuthKit has them. A repeated issuer is refused.
fn issuer_map<'de, D: Deserializer<'de>>(
    input: D,
) -> std::result::Result<Option<BTreeMap<String, IssuerSettings>>, D::Error> {
    struct Visitor;
    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = BTreeMap<String, IssuerSettings>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map from issuer to JWKS URL")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> std::result::Result<Self::Value, A::Error> {
            let mut issuers = BTreeMap::new();
            while let Some((issuer, settings)) = map.next_entry::<String, IssuerSettings>()? {
                if issuers.insert(issuer.clone(), settings).is_some() {
                    let issuer = quoted(&issuer);
                    return Err(A::Error::custom(ours(&format!("issuer {issuer} is given twice"))));
                }
            }
            Ok(issuers)
        }
    }
    input.deserialize_map(Visitor).map(Some)
}
