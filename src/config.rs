//! What a verifier is told: the settings, their one set of names, and the checks that refuse bad ones.

mod describe;
mod env_file;
mod env_source;
mod environment;
mod list;
mod names;
mod session;
mod settings;
mod url;

pub(crate) use describe::insecure_host_warning;
pub(crate) use names::Names;
pub(crate) use session::is_of as is_session_issuer_of;
pub use settings::{
    AudienceRule, ConfigBuilder, IssuerSettings, RefreshMode, TokenFamily, TypePolicy,
};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::algorithm::Algorithm;
use crate::error::{Code, Error, Result, quoted};

/// Clock skew allowed to `exp`, `nbf` and `iat` where none is configured, in seconds.
pub const DEFAULT_LEEWAY: u64 = 60;
/// The most clock skew that can be configured, in seconds; more would make `exp` meaningless.
pub const MAX_LEEWAY: u64 = 300;
/// How many verified tokens are kept where nothing is configured.
pub const DEFAULT_TOKEN_CACHE_SIZE: u64 = 1024;
/// The most verified tokens that can be kept.
pub const MAX_TOKEN_CACHE_SIZE: u64 = 65_536;
/// The default limit for one fetch and for all waiting of one call, in seconds.
pub const DEFAULT_FETCH_TIMEOUT: u64 = 5;
/// The longest that can be configured, in seconds: no client waits longer.
pub const MAX_FETCH_TIMEOUT: u64 = 30;
/// Where an MCP server answers below its base URL, where nothing else is configured.
pub const DEFAULT_MCP_PATH: &str = "/mcp";
/// AuthKit's JWKS, below its domain.
const JWKS_PATH: &str = "/oauth2/jwks";
/// What AuthKit's client ids start with.
pub(crate) const CLIENT_ID_PREFIX: &str = "client_";
/// What AuthKit grants to a client that asks (OpenID Connect Core §5.4 and §11).
const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Where AuthKit's *session* tokens come from, which are not the Connect tokens an MCP client gets.
pub(crate) const SESSION_ISSUER: &str = "https://api.workos.com";

/// Everything a verifier needs to know, checked. Made by [`Config::builder`].
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) resource: Option<String>,
    /// The setting that the resource comes from: `resource` or `base_url`.
    pub(crate) resource_setting: &'static str,
    pub(crate) resource_name: Option<String>,
    pub(crate) resource_documentation: Option<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) client_id_audiences: Vec<String>,
    pub(crate) ignore_trailing_slash: bool,
    pub(crate) required_scopes: Vec<String>,
    pub(crate) scopes_supported: Vec<String>,
    /// Whether the operator has listed them.
    announces_scopes: bool,
    pub(crate) scope_claims: Vec<String>,
    pub(crate) scope_hierarchy: BTreeMap<String, BTreeSet<String>>,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) leeway: u64,
    pub(crate) max_token_age: Option<u64>,
    pub(crate) type_policy: TypePolicy,
    pub(crate) now: Option<i64>,
    pub(crate) network: Network,
    pub(crate) refresh_mode: RefreshMode,
    pub(crate) jwks_cache_dir: Option<PathBuf>,
    pub(crate) token_cache_size: usize,
    /// What to tell a person about an env file whose authkit variables have no effect.
    without_effect: Option<String>,
    /// What the settings are called, and where they came from.
    pub(crate) names: Arc<Names>,
}

/// An allow-listed issuer and where its keys come from; its keys verify its tokens only.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    /// The setting that names it.
    pub(crate) setting: &'static str,
    /// The setting that the address of its keys comes from.
    pub(crate) keys_setting: &'static str,
    pub(crate) keys: KeySource,
    pub(crate) family: TokenFamily,
    /// Other than required only where the operator said so: AuthKit's session tokens carry no `aud`.
    pub(crate) audience: AudienceRule,
    /// The audiences its tokens may name, and the client ids, which are no URLs.
    pub(crate) audiences: Vec<String>,
    pub(crate) client_ids: Vec<String>,
    /// Only for session tokens: the client that they must be issued to, if they name one.
    pub(crate) client_id: Option<String>,
}

impl Issuer {
    /// Whether its keys lie where AuthKit has them.
    pub(crate) fn is_authkit(&self) -> bool {
        match &self.keys {
            KeySource::Url(url) => url.ends_with(JWKS_PATH) || session::is_of_sessions(url),
            KeySource::Static(_) => session::client_of_issuer(&self.name).is_some(),
        }
    }

    /// Whether the two are spellings of one session issuer. Other issuers never share keys, be they
    /// fetched from one place: keys given to one are not given to the other.
    pub(crate) fn shares_keys_with(&self, other: &Issuer) -> bool {
        let session = TokenFamily::Session;
        match (&self.keys, &other.keys) {
            (KeySource::Url(ours), KeySource::Url(theirs)) => {
                (self.family, other.family) == (session, session) && ours == theirs
            }
            _ => false,
        }
    }
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone)]
pub(crate) enum KeySource {
    /// Fetched and cached.
    Url(String),
    /// Given as a JWKS document; never fetched.
    Static(String),
}

/// How keys are fetched.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) allow_insecure_loopback: bool,
    pub(crate) insecure_hosts: Vec<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) extra_ca_file: Option<PathBuf>,
    pub(crate) proxy: Option<ProxyUrl>,
    /// For one fetch, and for all that one call waits.
    pub(crate) fetch_timeout: Duration,
}

impl Network {
    /// Whether a host, an IPv6 address in brackets, may be asked without TLS.
    pub(crate) fn allows_http_to(&self, host: &str) -> bool {
        (self.allow_insecure_loopback && url::is_loopback(host)) || self.is_insecure_host(host)
    }

    pub(crate) fn is_insecure_host(&self, host: &str) -> bool {
        self.insecure_hosts.iter().any(|named| named.eq_ignore_ascii_case(host))
    }
}

/// A proxy's URL, which may hold a password and so is never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct ProxyUrl(pub(crate) String);

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyUrl")
    }
}

impl Config {
    /// Starts an empty configuration.
    #[must_use]
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// Reads `AUTHKIT_*` and the FastMCP guide's variables from the process environment.
    ///
    /// # Errors
    /// [`Code::Config`] naming the variable that is missing, unknown or wrong.
    pub fn from_environment() -> Result<Config> {
        ConfigBuilder::from_environment()?.build()
    }

    /// Reads one JSON object with the settings' names as members.
    ///
    /// # Errors
    /// [`Code::Config`] naming the member that is missing, unknown or wrong.
    pub fn from_json(json: &str) -> Result<Config> {
        ConfigBuilder::from_json(json)?.build()
    }

    /// The resource that tokens must be meant for: the resource indicator (RFC 8707) to enter in
    /// the AuthKit dashboard.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// The issuers that clients can get a token for this resource from, as protected resource metadata
    /// name them: not those whose tokens are meant for no resource, and not names that are no URL.
    pub(crate) fn authorization_servers(&self) -> impl Iterator<Item = &Issuer> {
        let issuers = self.issuers.iter().filter(|issuer| {
            issuer.family == TokenFamily::Connect && issuer.audience != AudienceRule::NotChecked
        });
        issuers.filter(|issuer| url::is_public(&issuer.name))
    }

    /// The Unix time that tokens are judged by, where one is set in place of the clock's.
    #[must_use]
    pub fn now(&self) -> Option<i64> {
        self.now
    }

    /// Whether a client can get a scope by asking for it when it authorizes. If scopes are read from `scope` and `scp`
    /// alone, all can be had so. If they are read from other claims alone (`permissions`), none can: roles grant them.
    /// If they are read from both, only those that the operator announces (`scopes_supported`) and those of OpenID
    /// Connect: a client that asks for a permission fails at AuthKit's login.
    pub(crate) fn is_granted_by_login(&self, scope: &str) -> bool {
        let mut claims = self.scope_claims.iter();
        let by_login = ["scope", "scp"];
        match claims.clone().filter(|claim| by_login.contains(&claim.as_str())).count() {
            0 => self.scope_claims.is_empty(),
            _ if claims.all(|claim| by_login.contains(&claim.as_str())) => true,
            _ => {
                OPENID_SCOPES.contains(&scope)
                    || (self.announces_scopes && self.scopes_supported.iter().any(|it| it == scope))
            }
        }
    }

    /// Announces no scope by default that a client would ask for in vain.
    fn without_scopes_beyond_login(mut self) -> Self {
        if !self.announces_scopes {
            let all = std::mem::take(&mut self.scopes_supported);
            self.scopes_supported =
                all.into_iter().filter(|scope| self.is_granted_by_login(scope)).collect();
        }
        self
    }

    /// What a scope is called that no login grants.
    pub(crate) fn permission_noun(&self) -> &'static str {
        let mut others =
            self.scope_claims.iter().filter(|claim| !["scope", "scp"].contains(&claim.as_str()));
        if others.all(|claim| ["role", "roles"].contains(&claim.as_str())) {
            "role"
        } else {
            "permission"
        }
    }

    /// A setting's name as its reader knows it: `AUTHKIT_BASE_URL` if it came from the environment, `baseUrl` in
    /// Node, else `base_url`.
    #[must_use]
    pub fn called(&self, setting: &'static str) -> Cow<'static, str> {
        self.names.called(setting)
    }

    /// Where a setting came from: `given`, a variable of the environment or of an env file, or `default`.
    #[must_use]
    pub fn origin(&self, setting: &str) -> String {
        self.names.origin(setting).map_or_else(|| "default".to_owned(), ToString::to_string)
    }

    /// The limit for one fetch, and for all waiting of one call.
    #[must_use]
    pub fn fetch_timeout(&self) -> Duration {
        self.network.fetch_timeout
    }

    /// The allow-listed issuers, in the order of their names.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(|issuer| issuer.name.as_str())
    }
}

impl ConfigBuilder {
    /// Checks every setting and makes the configuration; opens no file and no connection.
    ///
    /// # Errors
    /// [`Code::Config`] with the setting's name in the reason and the correction as the hint.
    pub fn build(self) -> Result<Config> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let (without_effect, names) = (self.without_effect.clone(), self.names_in_force());
        self.checked().map_err(|error| names.respell(error)).map_err(|error| {
            match (without_effect, error.hint()) {
                (None, _) => error,
                (Some(note), None) => error.with_hint(note),
                (Some(note), Some(hint)) => {
                    let hint = format!("{note}; {hint}");
                    error.with_hint(hint)
                }
            }
        })
    }

    /// The URLs that may be spelled in several ways, in the normal one. Issuers, audiences and a whole `resource` are
    /// compared with claims and stay as they are.
    fn normalise(&mut self) {
        for url in [&mut self.authkit_domain, &mut self.base_url, &mut self.fallback_domain] {
            *url = url.take().map(|url| url::normal(&url));
        }
        self.proxy = self.proxy.take().map(|ProxyUrl(url)| ProxyUrl(url::normal(&url)));
    }

    fn checked(mut self) -> Result<Config> {
        self.normalise();
        if self.issuers.is_none() && self.session_client_id.is_none() {
            self.authkit_domain = self.authkit_domain.or(self.fallback_domain.take());
        }
        self.refuse_half_of_fastmcps()?;
        self.refuse_nothing_at_all()?;
        let names = Arc::new(self.names_in_force());
        let network = self.network()?;
        let resource = self.resource_url()?;
        let entries = self.issuer_entries(&network)?;
        let audiences = self.audience_list(resource.as_deref(), &entries)?;
        let client_id_audiences =
            non_empty_items("accept_client_id_audience", self.accept_client_id_audience.clone())?;
        let accepted = Accepted { audiences: &audiences, client_ids: &client_id_audiences };
        let required_scopes = scope_tokens("required_scopes", self.required_scopes.clone())?;
        let scopes_supported = match self.scopes_supported.clone() {
            None => required_scopes.clone(),
            scopes => scope_tokens("scopes_supported", scopes)?,
        };
        let announces_scopes = self.scopes_supported.is_some();
        let config = Config {
            issuers: self.issuer_list(entries, &accepted, &network)?,
            resource,
            resource_setting: if self.resource.is_some() { "resource" } else { "base_url" },
            resource_name: display_name(self.resource_name)?,
            resource_documentation: documentation_url(self.resource_documentation)?,
            audiences,
            client_id_audiences,
            ignore_trailing_slash: self.ignore_trailing_slash.unwrap_or(false),
            required_scopes,
            scopes_supported,
            announces_scopes,
            scope_claims: non_empty_items("scope_claims", self.scope_claims)?,
            scope_hierarchy: scope_closure(self.scope_hierarchy)?,
            algorithms: algorithm_list(self.algorithms)?,
            leeway: at_most(
                "leeway",
                self.leeway.unwrap_or(DEFAULT_LEEWAY),
                MAX_LEEWAY,
                "seconds",
            )?,
            max_token_age: self.max_token_age,
            type_policy: self.typ.unwrap_or_default(),
            now: self.now,
            network,
            refresh_mode: self.refresh_mode.unwrap_or_default(),
            jwks_cache_dir: self.jwks_cache_dir,
            token_cache_size: token_cache_size(self.token_cache_size)?,
            without_effect: self.without_effect,
            names,
        };
        Ok(config.without_scopes_beyond_login())
    }

    /// Tells of everything that is missing at once.
    fn refuse_nothing_at_all(&self) -> Result<()> {
        let has_issuer = ["authkit_domain", "issuers", "session_client_id"];
        let has_audience = ["base_url", "resource", "audiences"];
        if has_issuer.into_iter().chain(has_audience).any(|name| self.is_set(name)) {
            return Ok(());
        }
        Err(Error::new(
            Code::Config,
            "authkit_domain and base_url are missing: without them no issuer is trusted, and no token is meant for this server",
        )
        .with_hint("set authkit_domain to the AuthKit domain of the WorkOS dashboard, such as https://your-project-12345.authkit.app, and base_url to the public URL of this server"))
    }

    fn network(&self) -> Result<Network> {
        if let Some(ProxyUrl(url)) = &self.proxy {
            url::refuse_wrapping("proxy", url)?;
        }
        let network = Network {
            allow_insecure_loopback: self.allow_insecure_loopback.unwrap_or(false),
            insecure_hosts: host_names("allow_insecure_http", self.allow_insecure_http.clone())?,
            ca_file: self.ca_file.clone(),
            extra_ca_file: self.extra_ca_file.clone(),
            proxy: self.proxy.clone(),
            fetch_timeout: fetch_timeout(self.fetch_timeout)?,
        };
        match &network.proxy {
            // Not repeated: a proxy's URL may hold a password.
            Some(ProxyUrl(url)) if !(url.starts_with("http://") || url.starts_with("https://")) => {
                Err(invalid("proxy", "is not an http:// or https:// URL"))
            }
            _ => Ok(network),
        }
    }

    /// `resource` whole, or `base_url` and `mcp_path` put together, without a trailing slash.
    fn resource_url(&self) -> Result<Option<String>> {
        if let Some(resource) = &self.resource {
            if self.base_url.is_some() || self.mcp_path.is_some() {
                return Err(invalid("resource", "is set together with base_url or mcp_path")
                    .with_hint("set either resource or base_url with mcp_path"));
            }
            url::check_public("resource", resource)?;
            return Ok(Some(resource.trim_end_matches('/').to_owned()));
        }
        let Some(base_url) = &self.base_url else {
            return match self.mcp_path {
                Some(_) => Err(invalid("base_url", "is missing, which mcp_path is added to")
                    .with_hint("set base_url to the public URL of this server")),
                None => Ok(None),
            };
        };
        url::check_public("base_url", base_url)?;
        let base = base_url.trim_end_matches('/');
        let path = self.mcp_path.as_deref().unwrap_or(DEFAULT_MCP_PATH).trim_matches('/');
        if path.is_empty() {
            return Ok(Some(base.to_owned()));
        }
        url::check_path("mcp_path", path)?;
        // The MCP endpoint given as base_url would yield /mcp/mcp, which no client asks for (fastmcp#4197).
        if base.ends_with(&format!("/{path}")) {
            return Err(invalid(
                "base_url",
                format!("already ends in /{path}, which mcp_path adds"),
            )
            .with_hint(format!("set base_url to {}", &base[..base.len() - path.len() - 1])));
        }
        Ok(Some(format!("{base}/{path}")))
    }

    /// Every allow-listed issuer with what is said of it.
    fn issuer_entries(&self, network: &Network) -> Result<BTreeMap<String, IssuerSettings>> {
        let mut entries = self.issuers.clone().unwrap_or_default();
        if let Some(domain) = &self.authkit_domain {
            url::check_fetchable("authkit_domain", domain, network)?;
            // AuthKit's issuer is its domain without a slash.
            let issuer = domain.trim_end_matches('/').to_owned();
            refuse_other_than_authkit(&issuer, entries.entry(issuer.clone()).or_default())?;
        }
        if let Some(client_id) = &self.session_client_id {
            session::check_client_id(client_id)?;
            for (issuer, settings) in session::entries(client_id) {
                if entries.contains_key(&issuer) {
                    let is_domain =
                        self.issuers.as_ref().is_none_or(|all| !all.contains_key(&issuer));
                    let setting = if is_domain { "authkit_domain" } else { "issuers" };
                    let problem = format!("holds {issuer}, which session_client_id adds");
                    return Err(invalid(setting, problem).with_hint("set one or the other"));
                }
                entries.insert(issuer, settings);
            }
        }
        if entries.is_empty() {
            return Err(invalid("authkit_domain", "is missing: without it no issuer is trusted")
                .with_hint("set authkit_domain to the AuthKit domain of the WorkOS dashboard, such as https://your-project-12345.authkit.app"));
        }
        Ok(entries)
    }

    fn issuer_list(
        &self,
        mut entries: BTreeMap<String, IssuerSettings>,
        accepted: &Accepted<'_>,
        network: &Network,
    ) -> Result<Vec<Issuer>> {
        self.place_shared_jwks(&mut entries)?;
        entries
            .into_iter()
            .map(|(name, settings)| {
                let (audiences, mut client_ids) = accepted.by(&settings)?;
                if let Some(client_id) = &self.session_client_id
                    && session::is_of(&name, client_id)
                {
                    client_ids.push(client_id.clone());
                }
                let setting = self.setting_of(&name);
                let keys_setting = match settings.jwks_url {
                    Some(_) if setting == "issuers" => "jwks_url",
                    _ => setting,
                };
                let (audience, family) = (settings.audience, settings.family);
                let keys = match (settings.jwks, settings.jwks_url) {
                    (Some(jwks), None) => KeySource::Static(jwks),
                    (None, url) => KeySource::Url(jwks_url(&name, url, network)?),
                    (Some(_), Some(_)) => {
                        let problem = format!("gives both jwks and jwks_url for {}", quoted(&name));
                        return Err(invalid("issuers", problem));
                    }
                };
                let family = family_of(family, &keys)?;
                let client_id = self.client_of(&name, family, &keys);
                let name = issuer_name(name)?;
                #[rustfmt::skip]
                let issuer = Issuer {
                    name, setting, keys_setting, keys, family, audience, audiences, client_ids, client_id,
                };
                Ok(issuer)
            })
            .collect()
    }

    /// The setting that an issuer is trusted by.
    fn setting_of(&self, issuer: &str) -> &'static str {
        let is_domain = |domain: &String| domain.trim_end_matches('/') == issuer;
        let is_session = |client: &String| session::is_of(issuer, client);
        if self.authkit_domain.as_ref().is_some_and(is_domain) {
            "authkit_domain"
        } else if self.session_client_id.as_ref().is_some_and(is_session) {
            "session_client_id"
        } else {
            "issuers"
        }
    }

    /// The client that an issuer's session tokens belong to. The address of its keys names it, since AuthKit has one
    /// for each client; else the issuer does; else it is the configured one.
    fn client_of(&self, issuer: &str, family: TokenFamily, keys: &KeySource) -> Option<String> {
        if family != TokenFamily::Session {
            return None;
        }
        let by_address = match keys {
            KeySource::Url(url) => session::client_of(url),
            KeySource::Static(_) => None,
        };
        let named = by_address.or_else(|| session::client_of_issuer(issuer)).map(str::to_owned);
        named.or_else(|| self.session_client_id.clone())
    }

    /// Gives the top-level `jwks` to the only issuer: keys belong to their issuer.
    fn place_shared_jwks(&self, entries: &mut BTreeMap<String, IssuerSettings>) -> Result<()> {
        let Some(jwks) = &self.jwks else { return Ok(()) };
        if entries.len() > 1 {
            return Err(invalid("jwks", "is set for several issuers at once").with_hint(
                "give each issuer its own jwks inside issuers: keys belong to their issuer",
            ));
        }
        for (name, settings) in entries {
            let other = match settings {
                IssuerSettings { jwks_url: Some(_), .. } => "jwks_url",
                IssuerSettings { jwks: Some(_), .. } => "jwks",
                _ => "",
            };
            if !other.is_empty() {
                let problem = format!("is set, and issuers gives a {other} for {}", quoted(name));
                return Err(invalid("jwks", problem).with_hint("set one or the other"));
            }
            settings.jwks = Some(jwks.clone());
        }
        Ok(())
    }

    fn audience_list(
        &self,
        resource: Option<&str>,
        entries: &BTreeMap<String, IssuerSettings>,
    ) -> Result<Vec<String>> {
        if let Some(audiences) = &self.audiences {
            if audiences.is_empty() {
                return Err(invalid(
                    "audiences",
                    "is empty: no token could be meant for this server",
                ));
            }
            if entries.values().all(has_own_audiences) {
                return Err(invalid("audiences", "is set, but no issuer would use it")
                    .with_hint("every issuer inside issuers has audiences of its own, or is not_checked: set one or the other"));
            }
            return non_empty_items("audiences", Some(audiences.clone()));
        }
        match resource {
            Some(resource) => Ok(vec![resource.to_owned()]),
            None if entries.values().all(has_own_audiences) => Ok(Vec::new()),
            None => Err(invalid("base_url", "is missing: without it (or resource, or audiences) a token for any server would be taken")
                .with_hint("set base_url to the public URL of this server")),
        }
    }
}

/// What `aud` may name, where an issuer has no list of its own.
struct Accepted<'a> {
    audiences: &'a [String],
    client_ids: &'a [String],
}

impl Accepted<'_> {
    /// The audiences and client ids that an issuer's tokens may name.
    fn by(&self, issuer: &IssuerSettings) -> Result<(Vec<String>, Vec<String>)> {
        let refused = |problem| Err(invalid("issuers", problem));
        match &issuer.audiences {
            None => Ok(sorted(self.audiences, self.client_ids)),
            Some(_) if issuer.audience == AudienceRule::NotChecked => {
                refused("lists audiences for an issuer whose audience is not checked")
            }
            Some(own) if own.is_empty() || own.iter().any(String::is_empty) => {
                refused("lists audiences for an issuer that are none, or an empty one")
            }
            Some(own) => Ok(sorted(own, &[])),
        }
    }
}

/// Audiences and client ids. A client id among the audiences is still a client id: ID tokens have it as `aud`, too.
fn sorted(audiences: &[String], client_ids: &[String]) -> (Vec<String>, Vec<String>) {
    let is_client_id = |audience: &String| audience.starts_with(CLIENT_ID_PREFIX);
    let (mut ids, audiences): (Vec<_>, Vec<_>) = audiences.iter().cloned().partition(is_client_id);
    ids.extend_from_slice(client_ids);
    (audiences, ids)
}

/// `authkit_domain` says where an issuer's keys are and what its tokens are. An entry for the same issuer may add to
/// that, but must not contradict it.
fn refuse_other_than_authkit(issuer: &str, entry: &IssuerSettings) -> Result<()> {
    let usual = IssuerSettings::default();
    let is_usual_url = |url: &String| *url == format!("{issuer}{JWKS_PATH}");
    let differs = [
        ("jwks_url", !entry.jwks_url.as_ref().is_none_or(is_usual_url)),
        ("audience", entry.audience != usual.audience),
        ("family", entry.family != usual.family),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((setting, _)) => {
            let problem =
                format!("gives {} another {setting} than authkit_domain does", quoted(issuer));
            Err(invalid("issuers", problem).with_hint(
                "leave out authkit_domain: an issuer inside issuers is trusted without it",
            ))
        }
    }
}

/// Whether an issuer needs no audience of this server.
fn has_own_audiences(issuer: &IssuerSettings) -> bool {
    issuer.audience == AudienceRule::NotChecked || issuer.audiences.is_some()
}

fn invalid(setting: &str, problem: impl fmt::Display) -> Error {
    Error::new(Code::Config, format!("{setting} {problem}"))
}

fn at_most(setting: &str, value: u64, limit: u64, unit: &str) -> Result<u64> {
    if value > limit {
        return Err(invalid(setting, format!("is {value}; at most {limit} {unit} are allowed")));
    }
    Ok(value)
}

fn token_cache_size(configured: Option<u64>) -> Result<usize> {
    let tokens = configured.unwrap_or(DEFAULT_TOKEN_CACHE_SIZE);
    let tokens = at_most("token_cache_size", tokens, MAX_TOKEN_CACHE_SIZE, "tokens")?;
    Ok(usize::try_from(tokens).unwrap_or(0))
}

/// What an issuer's tokens are: if its keys are those of session tokens, nothing else can be said.
fn family_of(said: TokenFamily, keys: &KeySource) -> Result<TokenFamily> {
    let KeySource::Url(url) = keys else { return Ok(said) };
    match (session::is_of_sessions(url), session::client_of(url)) {
        (false, _) => Ok(said),
        (true, Some(_)) => Ok(TokenFamily::Session),
        (true, None) => {
            let problem = format!("has {}, which ends in no client id", quoted(url));
            Err(invalid("issuers", problem).with_hint(
                "end jwks_url in /sso/jwks/ and the client id, or set session_client_id only",
            ))
        }
    }
}

fn fetch_timeout(configured: Option<u64>) -> Result<Duration> {
    let seconds = configured.unwrap_or(DEFAULT_FETCH_TIMEOUT);
    if seconds == 0 {
        return Err(invalid("fetch_timeout", "is 0; at least 1 second is needed"));
    }
    at_most("fetch_timeout", seconds, MAX_FETCH_TIMEOUT, "seconds").map(Duration::from_secs)
}

fn host_names(setting: &str, names: Option<Vec<String>>) -> Result<Vec<String>> {
    let names = non_empty_items(setting, names)?;
    if let Some(name) = names.iter().find(|name| !url::is_host_name(name)) {
        return Err(invalid(
            setting,
            format!("holds {}, which is not a host's name", quoted(name)),
        )
        .with_hint(
            "name hosts, such as host.docker.internal: no URL, no port, no address, no wildcard; for this very machine set allow_insecure_loopback",
        ));
    }
    Ok(names)
}

fn issuer_name(name: String) -> Result<String> {
    if name.is_empty() {
        return Err(invalid("issuers", "holds an empty issuer"));
    }
    Ok(name)
}

fn jwks_url(issuer: &str, configured: Option<String>, network: &Network) -> Result<String> {
    let url = configured.unwrap_or_else(|| format!("{}{JWKS_PATH}", issuer.trim_end_matches('/')));
    let url = url::normal(&url);
    url::check_fetchable("jwks_url", &url, network)?;
    Ok(url)
}

/// A name for people to read.
fn display_name(name: Option<String>) -> Result<Option<String>> {
    match &name {
        Some(text) if text.trim().is_empty() || text.contains(char::is_control) => {
            Err(invalid("resource_name", "is empty or holds a control character"))
        }
        _ => Ok(name),
    }
}

fn documentation_url(url: Option<String>) -> Result<Option<String>> {
    if let Some(text) = &url {
        url::check_public("resource_documentation", text)?;
    }
    Ok(url)
}

fn non_empty_items(setting: &str, items: Option<Vec<String>>) -> Result<Vec<String>> {
    let items = items.unwrap_or_default();
    if items.iter().any(String::is_empty) {
        return Err(invalid(setting, "holds an empty entry"));
    }
    Ok(items)
}

/// Scope tokens as RFC 6749 §3.3 spells them; anything else could never be granted.
fn scope_tokens(setting: &str, scopes: Option<Vec<String>>) -> Result<Vec<String>> {
    let mut scopes = non_empty_items(setting, scopes)?;
    if let Some(scope) = scopes.iter().find(|scope| !is_scope_token(scope)) {
        return Err(invalid(
            setting,
            format!("holds {}, which is not a scope (RFC 6749 section 3.3)", quoted(scope)),
        ));
    }
    let mut seen = BTreeSet::new();
    scopes.retain(|scope| seen.insert(scope.clone()));
    Ok(scopes)
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Each scope with all it includes, followed to the end; a cycle makes its members equal.
fn scope_closure(
    declared: Option<BTreeMap<String, Vec<String>>>,
) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let declared = declared.unwrap_or_default();
    for (scope, included) in &declared {
        scope_tokens("scope_hierarchy", Some(vec![scope.clone()]))?;
        scope_tokens("scope_hierarchy", Some(included.clone()))?;
    }
    let closure = |scope: &String| {
        let mut reached = BTreeSet::new();
        let mut pending: Vec<&String> = vec![scope];
        while let Some(next) = pending.pop() {
            for included in declared.get(next).into_iter().flatten() {
                if reached.insert(included.clone()) {
                    pending.push(included);
                }
            }
        }
        reached
    };
    Ok(declared.keys().map(|scope| (scope.clone(), closure(scope))).collect())
}

fn algorithm_list(names: Option<Vec<String>>) -> Result<Vec<Algorithm>> {
    let Some(names) = names else { return Ok(vec![Algorithm::Rs256]) };
    if names.is_empty() {
        return Err(invalid("algorithms", "is empty: no token could be verified"));
    }
    let mut algorithms = Vec::with_capacity(names.len());
    for name in &names {
        let algorithm = Algorithm::from_name(name).ok_or_else(|| {
            invalid("algorithms", format!("holds {}, which is not supported", quoted(name))).with_hint(
                "use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA; a shared secret or no signature is never right for a public key set",
            )
        })?;
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    Ok(algorithms)
}
