//! The configuration in force, for a person or a log: without a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{AudienceRule, Config, Issuer, KeySource, ProxyUrl, TypePolicy, url};
use crate::error::printable;
use crate::log::LogLine;
use crate::trust;

/// The name of the one thing that has to be entered elsewhere: in the AuthKit dashboard.
const INDICATOR: &str = "resource indicator";

impl Config {
    /// The configuration in force as text, a line for each setting with its value as JSON. The first
    /// line is what to paste into the AuthKit dashboard: `resource indicator: https://…/mcp`. Holds no
    /// secret: of a proxy its host and port, of given keys their ids. Reads `ca_file`, to tell how many
    /// certificates it holds. The last lines are `without effect: …`, if variables of an env file do not count,
    /// and warnings.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut lines = vec![format!("{INDICATOR}: {}", self.indicator())];
        for issuer in &self.issuers {
            lines.push(format!("issuer {}: {}", issuer.name, issuer.description()));
        }
        let settings = self.settings();
        lines.extend(settings.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.extend(self.without_effect.iter().map(|note| format!("without effect: {note}")));
        lines.extend(self.warnings().into_iter().map(|warning| format!("WARNING: {warning}")));
        lines.join("\n")
    }

    /// What an operator should see when a server starts: the resource indicator to add to the dashboard, the issuers
    /// and scopes that count, and a line for each setting that weakens the guard.
    pub(crate) fn start_lines(&self) -> Vec<LogLine> {
        let issuers: Vec<&str> = self.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
        let scopes = match self.required_scopes.as_slice() {
            [] => "(none)".to_owned(),
            scopes => scopes.join(" "),
        };
        let mut lines = vec![
            LogLine::info(format!("{INDICATOR}: {}", self.indicator())),
            LogLine::info(format!("trusted issuer: {}", issuers.join(", "))),
            LogLine::info(format!("required scopes: {scopes}")),
        ];
        lines.extend(self.weaknesses().into_iter().map(LogLine::warning));
        lines
    }

    fn indicator(&self) -> &str {
        self.resource().unwrap_or("(none: audiences are set by themselves)")
    }

    /// The settings that are not the default and let in what would be refused otherwise, or refuse what is meant.
    fn weaknesses(&self) -> Vec<String> {
        let mut told = Vec::new();
        if let Some(now) = self.now {
            told.push(format!(
                "now: tokens are judged as of {now}, not by the clock; they never expire"
            ));
        }
        if self.network.allow_insecure_loopback {
            told.push(
                "allow_insecure_loopback: keys may come from this machine without TLS".to_owned(),
            );
        }
        // The warning of an issuer in use says more.
        if !self.network.insecure_hosts.is_empty() && self.warnings().is_empty() {
            let hosts = printable(&self.network.insecure_hosts.join(" "));
            told.push(format!("allow_insecure_http: keys may come from {hosts} without TLS"));
        }
        if !self.client_id_audiences.is_empty() {
            let ids = printable(&self.client_id_audiences.join(" "));
            told.push(format!(
                "accept_client_id_audience: tokens for {ids} are accepted, whichever server they are meant for"
            ));
        }
        if self.ignore_trailing_slash {
            told.push("ignore_trailing_slash: audiences may differ by a final slash".to_owned());
        }
        let resource = self.resource.iter().map(|resource| ("resource", resource));
        let audiences = self.audiences.iter().map(|audience| ("audiences", audience));
        let issuers = self.issuers.iter().map(|issuer| ("issuers", &issuer.name));
        for (setting, text) in resource.chain(audiences).chain(issuers) {
            let normal = url::normal(text);
            if normal != *text {
                let (text, normal) = (printable(text), printable(&normal));
                let setting = self.called(setting);
                told.push(format!(
                    "{setting}: {text} is compared as it is; most clients and issuers write {normal}"
                ));
            }
        }
        told.dedup();
        let unchecked = |issuer: &&Issuer| issuer.audience == AudienceRule::NotChecked;
        for issuer in self.issuers.iter().filter(unchecked) {
            told.push(format!(
                "audience not_checked: every token of {} is accepted, whichever server it is meant for",
                issuer.name
            ));
        }
        told
    }

    /// The same as one JSON object, with `resource_indicator` and `issuers` beside the settings' names.
    #[must_use]
    pub fn describe_json(&self) -> String {
        let issuers = self.issuers.iter().map(|issuer| (issuer.name.clone(), issuer.description()));
        let mut object: Map<String, Value> =
            self.settings().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        object.insert("resource_indicator".to_owned(), json!(self.resource()));
        object.insert("issuers".to_owned(), issuers.collect::<Map<_, _>>().into());
        object.insert("warnings".to_owned(), json!(self.warnings()));
        Value::from(object).to_string()
    }

    /// The warnings for an operator.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let hosts = self.issuers.iter().filter_map(|issuer| self.insecure_host(issuer));
        let hosts: BTreeSet<String> = hosts.map(str::to_ascii_lowercase).collect();
        hosts.iter().map(|host| insecure_host_warning(host)).collect()
    }

    /// The host that an issuer's keys are fetched from by name and without TLS.
    pub(crate) fn insecure_host<'i>(&self, issuer: &'i Issuer) -> Option<&'i str> {
        let KeySource::Url(url) = &issuer.keys else { return None };
        let host = url::host_of(url);
        let is_named = url.starts_with("http://") && self.network.is_insecure_host(host);
        is_named.then_some(host)
    }

    /// The settings that hold for every issuer, under their names.
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let algorithms: Vec<_> = self.algorithms.iter().map(|one| one.name()).collect();
        let typ = match self.type_policy {
            TypePolicy::Any => "any",
            TypePolicy::Rfc9068 => "rfc9068",
        };
        vec![
            ("resource", json!(self.resource())),
            ("resource_name", json!(self.resource_name)),
            ("resource_documentation", json!(self.resource_documentation)),
            ("scopes_supported", json!(self.scopes_supported)),
            ("audiences", json!(self.audiences)),
            ("accept_client_id_audience", json!(self.client_id_audiences)),
            ("ignore_trailing_slash", json!(self.ignore_trailing_slash)),
            ("required_scopes", json!(self.required_scopes)),
            ("scope_claims", self.scope_sources()),
            ("scope_hierarchy", json!(self.scope_hierarchy)),
            ("algorithms", json!(algorithms)),
            ("leeway", json!(self.leeway)),
            ("max_token_age", json!(self.max_token_age)),
            ("typ", json!(typ)),
            ("now", json!(self.now)),
            ("allow_insecure_loopback", json!(self.network.allow_insecure_loopback)),
            ("allow_insecure_http", json!(self.network.insecure_hosts)),
            ("ca_file", shown(self.network.ca_file.as_deref())),
            ("ca_file_certificates", certificates(self.network.ca_file.as_deref())),
            ("extra_ca_file", shown(self.network.extra_ca_file.as_deref())),
            ("extra_ca_file_certificates", certificates(self.network.extra_ca_file.as_deref())),
            ("proxy", json!(self.network.proxy.as_ref().map(ProxyUrl::without_password))),
            ("fetch_timeout", json!(self.network.fetch_timeout.as_secs())),
            ("refresh_mode", json!(self.refresh_mode)),
            (
                "jwks_cache_dir",
                json!(self.jwks_cache_dir.as_ref().map(|path| path.display().to_string())),
            ),
            ("token_cache_size", json!(self.token_cache_size)),
        ]
    }

    fn scope_sources(&self) -> Value {
        if self.scope_claims.is_empty() {
            return json!("scope, else scp");
        }
        json!(self.scope_claims)
    }
}

pub(crate) fn insecure_host_warning(host: &str) -> String {
    let host = printable(host);
    format!(
        "allow_insecure_http: keys are fetched from {host} without TLS; anyone on the way can replace them"
    )
}

impl Issuer {
    fn description(&self) -> Value {
        let mut members = BTreeMap::from([
            ("family", json!(self.family)),
            ("audience", json!(self.audience)),
            ("audiences", json!([self.audiences.as_slice(), &self.client_ids].concat())),
        ]);
        match &self.keys {
            KeySource::Url(url) => members.insert("jwks_url", json!(url)),
            KeySource::Static(document) => members.insert("given_key_ids", key_ids(document)),
        };
        json!(members)
    }
}

fn shown(path: Option<&Path>) -> Value {
    json!(path.map(|path| printable(&path.display().to_string())))
}

/// How many certificates a file holds, or why it is unusable.
fn certificates(path: Option<&Path>) -> Value {
    path.map_or(Value::Null, |path| match trust::read(path) {
        Ok(pem) => json!(pem.certificates.len()),
        Err(problem) => json!(problem),
    })
}

/// The ids of given keys, `null` for one without. Of keys nothing else is told.
fn key_ids(document: &str) -> Value {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let keys = document.get("keys").and_then(Value::as_array);
    keys.into_iter().flatten().map(|key| json!(key.get("kid").and_then(Value::as_str))).collect()
}

impl ProxyUrl {
    /// Scheme, host and port. What is not clearly that is not shown at all: it may be a password.
    fn without_password(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return "(set)".to_owned() };
        // Behind the last @, since a password may hold more of them, and slashes.
        let (credentials, host) =
            rest.rsplit_once('@').map_or(("", rest), |(_, host)| ("(credentials)@", host));
        let authority = host.split(['/', '?', '#']).next().unwrap_or_default();
        if !url::is_authority(authority) {
            return "(set)".to_owned();
        }
        format!("{scheme}://{credentials}{authority}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigBuilder;

    #[test]
    fn a_proxy_is_shown_without_what_may_be_a_password() {
        for (url, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("https://proxy.example/", "https://proxy.example"),
            ("http://user:hunter2@proxy.example:3128", "http://(credentials)@proxy.example:3128"),
            ("http://u:hun@ter2@proxy.example", "http://(credentials)@proxy.example"),
            ("http://u:hun/ter2@proxy.example", "http://(credentials)@proxy.example"),
            ("http://u:hun#ter2@proxy.example", "http://(credentials)@proxy.example"),
            ("http://user:hunter2", "(set)"),
            ("hunter2", "(set)"),
        ] {
            assert_eq!(ProxyUrl(url.to_owned()).without_password(), shown, "{url}");
        }
    }

    #[test]
    fn every_setting_is_described() {
        let config = Config::builder()
            .authkit_domain("https://p-1.authkit.app")
            .base_url("https://mcp.example")
            .build()
            .unwrap();
        let described: Value = serde_json::from_str(&config.describe_json()).unwrap();
        // These make up the resource, and the issuers.
        let folded = ["authkit_domain", "base_url", "mcp_path", "session_client_id", "jwks"];
        for name in ConfigBuilder::NAMES.iter().filter(|name| !folded.contains(name)) {
            assert!(described.get(name).is_some(), "{name}");
        }
        assert!(config.describe().starts_with("resource indicator: https://mcp.example/mcp\n"));
    }
}
