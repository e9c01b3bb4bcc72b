//! What a proxy asks: about which request, and with which scopes beside the configured ones.

use std::borrow::Cow;

use authkit::{Code, Policy};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::failure::Failure;

/// Scopes that the proxy demands. A client that sends it through can only demand more of itself.
const REQUIRED_SCOPES: &str = "x-authkit-require-scopes";
/// Where proxies name the target of the client's request: nginx's guides, its ingress, Caddy and Traefik.
const ORIGINAL_TARGETS: [&str; 3] = ["x-original-uri", "x-original-url", "x-forwarded-uri"];

fn refuse_a_demand(query: &str) -> Result<(), Failure> {
    match query.split('&').any(|parameter| parameter.starts_with("scope=")) {
        true => Err(misuse("the proxy demands a scope at /authorize/, which is /authorize")),
        false => Ok(()),
    }
}

/// Which part of the target is whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `/authorize?scope=…`: all the proxy's; headers name the client's target.
    Beside,
    /// `/authorize/mcp?…`, as Envoy asks: behind the prefix all is the client's.
    Within,
}

pub(crate) struct Question<'r> {
    headers: &'r HeaderMap,
    query: Cow<'r, [u8]>,
    pub(crate) policy: Policy,
    /// Whether each refusal is to be a 403, whatever it is. nginx copies a 401's challenge into the answer to
    /// come, beside the one that the answer has, and reports every other status as an error.
    pub(crate) refuses_by_403: bool,
}

impl<'r> Question<'r> {
    /// Fails where the proxy's part of it cannot be read, so that a slip there demands no less.
    pub(crate) fn read(parts: &'r Parts, form: Form) -> Result<Self, Failure> {
        let own = match form {
            Form::Beside => None,
            Form::Within => parts.uri.query().map(str::as_bytes),
        };
        let query = joined(own, &parts.headers);
        let policy = Policy::new();
        let mut question = Self { headers: &parts.headers, query, policy, refuses_by_403: false };
        question.read_headers()?;
        let below = parts.uri.path().split_once('/').and_then(|(_, path)| path.split_once('/'));
        if form == Form::Within && below.is_some_and(|(_, rest)| rest.is_empty()) {
            // With a slash too many the proxy's demand would be the client's query.
            refuse_a_demand(parts.uri.query().unwrap_or_default())?;
        }
        if form == Form::Beside {
            question.read_query(parts.uri.query().unwrap_or_default())?;
        }
        Ok(question)
    }

    fn read_headers(&mut self) -> Result<(), Failure> {
        for value in self.headers.get_all(REQUIRED_SCOPES) {
            self.demand(value.to_str().map_err(|_| misuse("a required scope is not ASCII"))?)?;
        }
        Ok(())
    }

    fn read_query(&mut self, query: &str) -> Result<(), Failure> {
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("scope", list)) => self.demand(&decoded(list)?)?,
                Some(("refusal", "403")) => self.refuses_by_403 = true,
                _ => return Err(misuse("the proxy asks with a parameter that is none")),
            }
        }
        Ok(())
    }

    fn demand(&mut self, list: &str) -> Result<(), Failure> {
        let mut scopes = list.split([',', ' ']).filter(|scope| !scope.is_empty());
        Ok(scopes.try_for_each(|scope| self.policy.require_scope(scope))?)
    }

    /// The request in the library's terms: each `Authorization` line, and every query that it may have had.
    pub(crate) fn request(&self) -> authkit::Request<'_> {
        let lines = self.headers.get_all(AUTHORIZATION).iter();
        let request = authkit::Request::new().query(self.query.as_ref());
        lines.fold(request, |request, line| request.authorization(line.as_bytes()))
    }
}

fn decoded(list: &str) -> Result<String, Failure> {
    let list = list.replace('+', " ");
    let text = percent_decode_str(&list).decode_utf8();
    Ok(text.map_err(|_| misuse("a required scope is not UTF-8"))?.into_owned())
}

fn misuse(reason: &str) -> Failure {
    Failure::new(Code::Misuse, reason)
}

/// The queries of all targets that are named, as one: a header that the client has sent through hides nothing.
fn joined<'r>(own: Option<&'r [u8]>, headers: &'r HeaderMap) -> Cow<'r, [u8]> {
    let named = ORIGINAL_TARGETS.iter().flat_map(|name| headers.get_all(*name));
    let mut queries = own.into_iter().chain(named.filter_map(|target| query_of(target.as_bytes())));
    let first = queries.next().unwrap_or_default();
    queries.fold(Cow::Borrowed(first), |all, query| [&all, query].join(&b'&').into())
}

fn query_of(target: &[u8]) -> Option<&[u8]> {
    let start = target.iter().position(|octet| *octet == b'?')?;
    target.get(start + 1..)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parts(target: &str, headers: &[(&str, &str)]) -> Parts {
        let request = hyper::Request::builder().uri(target);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn policy(scopes: &[&str]) -> Policy {
        let mut policy = Policy::new();
        scopes.iter().for_each(|scope| policy.require_scope(scope).unwrap());
        policy
    }

    #[test]
    fn scopes_of_header_and_query_add_up() {
        for (target, headers, demanded) in [
            ("/authorize", &[][..], &[][..]),
            ("/authorize?scope=a", &[], &["a"]),
            ("/authorize?scope=a&scope=b+c%20d,e", &[], &["a", "b", "c", "d", "e"]),
            ("/authorize?scope=", &[], &[]),
            ("/authorize?scope=a", &[(REQUIRED_SCOPES, "b")], &["b", "a"]),
            (
                "/authorize",
                &[(REQUIRED_SCOPES, "a b"), (REQUIRED_SCOPES, ""), (REQUIRED_SCOPES, "c,a")],
                &["a", "b", "c"],
            ),
        ] {
            let parts = parts(target, headers);
            let question = Question::read(&parts, Form::Beside).unwrap();
            assert_eq!(question.policy, policy(demanded), "{target} {headers:?}");
        }
    }

    #[test]
    fn behind_a_prefix_the_query_demands_nothing() {
        let parts = parts("/authorize/mcp?scope=a&x=1", &[(REQUIRED_SCOPES, "b")]);
        assert_eq!(Question::read(&parts, Form::Within).unwrap().policy, policy(&["b"]));
    }

    #[test]
    fn a_demand_with_a_slash_too_many_is_refused() {
        for (target, is_refused) in [
            ("/authorize/?scope=a", true),
            ("/authorize/?x=1&scope=", true),
            ("/authorize/?x=scope", false),
            ("/authorize/", false),
            ("/authorize/mcp?scope=a", false),
        ] {
            let parts = parts(target, &[]);
            assert_eq!(Question::read(&parts, Form::Within).is_err(), is_refused, "{target}");
        }
    }

    #[test]
    fn a_403_for_every_refusal_is_for_the_proxy_to_ask() {
        for (target, form, asked) in [
            ("/authorize?scope=a&refusal=403", Form::Beside, true),
            ("/authorize?scope=a", Form::Beside, false),
            ("/authorize/mcp?refusal=403", Form::Within, false),
        ] {
            let parts = parts(target, &[]);
            assert_eq!(Question::read(&parts, form).unwrap().refuses_by_403, asked, "{target}");
        }
    }

    #[test]
    fn a_slip_of_the_proxy_is_an_error() {
        for (target, header) in [
            ("/authorize?scopes=a", ""),
            ("/authorize?scope", ""),
            ("/authorize?scope=a&x=1", ""),
            ("/authorize?access_token=a", ""),
            ("/authorize?refusal=401", ""),
            ("/authorize?refusal", ""),
            ("/authorize?scope=%22", ""),
            ("/authorize?scope=%ff", ""),
            ("/authorize", "\"a\""),
            ("/authorize", "\u{e9}"),
        ] {
            let parts = parts(target, &[(REQUIRED_SCOPES, header)]);
            assert!(Question::read(&parts, Form::Beside).is_err(), "{target} {header}");
        }
    }

    #[test]
    fn every_target_that_is_named_is_looked_at() {
        for (target, form, headers, query) in [
            ("/authorize", Form::Beside, &[][..], ""),
            ("/authorize", Form::Beside, &[("x-original-uri", "/mcp")], ""),
            ("/authorize", Form::Beside, &[("x-original-uri", "/mcp?a=1")], "a=1"),
            (
                "/authorize",
                Form::Beside,
                &[("x-original-url", "https://x.example/mcp?a=1?b")],
                "a=1?b",
            ),
            (
                "/authorize",
                Form::Beside,
                &[
                    ("x-forwarded-uri", "/mcp?a"),
                    ("x-original-uri", "/?b"),
                    ("x-original-uri", "/?c"),
                ],
                "b&c&a",
            ),
            ("/authorize/mcp?a=1", Form::Within, &[("x-forwarded-uri", "/?b")], "a=1&b"),
        ] {
            let parts = parts(target, headers);
            let question = Question::read(&parts, form).unwrap();
            assert_eq!(question.query, query.as_bytes(), "{target} {headers:?}");
        }
    }
}
