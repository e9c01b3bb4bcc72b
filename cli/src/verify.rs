//! `authkit verify`: one token, one verdict.

use std::io::{self, Write};

use authkit::{Claims, Config, Policy, Verifier, conformance};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Exit;
use crate::arguments::VerifyArguments;
use crate::failure::Failure;
use crate::text::{moment, print_json, print_lines, span, unix_time};
use crate::{settings, token};

/// The verdict as `--json` prints it.
#[derive(Serialize)]
struct Verdict<'a> {
    ok: bool,
    status: i32,
    code: &'a str,
    http_status: u16,
    error: Option<&'a str>,
    reason: Option<&'a str>,
    hint: Option<&'a str>,
    retry_after: Option<u32>,
    claims: Option<&'a RawValue>,
    header: Option<&'a RawValue>,
}

/// A token that was accepted, and the time by which it was.
struct Accepted {
    claims: Claims,
    now: f64,
}

/// What was read and what came of it. The header is the token's own word, read where it can be.
struct Judgement {
    header: Option<String>,
    result: Result<Accepted, Failure>,
}

pub(crate) fn run(arguments: &VerifyArguments, out: &mut dyn Write) -> io::Result<Exit> {
    let Judgement { header, result } = judge(arguments);
    let exit = result.as_ref().map_or_else(Failure::exit, |_| Exit::Success);
    match result {
        Ok(accepted) if arguments.json => {
            print_json(out, "authkit-verify/1", &Verdict::accepted(&accepted.claims)?)?
        }
        Ok(accepted) => print_accepted(out, &accepted)?,
        Err(failure) if arguments.json => {
            print_json(out, "authkit-verify/1", &Verdict::refused(&failure, header.as_deref())?)?
        }
        Err(failure) if exit == Exit::Unusable => {
            print_refusal(&mut io::stderr(), "NOT JUDGED", &failure)?
        }
        Err(failure) if exit == Exit::KeysUnavailable => print_refusal(out, "UNDECIDED", &failure)?,
        Err(failure) => print_refusal(out, "REJECTED", &failure)?,
    }
    Ok(exit)
}

fn judge(arguments: &VerifyArguments) -> Judgement {
    let prepared = prepare(arguments);
    let read = prepared
        .and_then(|prepared| Ok((prepared, token::read(arguments.source.file.as_deref())?)));
    let ((config, policy), token) = match read {
        Ok(read) => read,
        Err(failure) => return Judgement { header: None, result: Err(failure) },
    };
    let header = conformance::decode(&token)
        .ok()
        .and_then(|parts| Some(parts.header.ok()?.json().to_owned()));
    #[allow(clippy::cast_precision_loss)] // exact below 2^53
    let now = config.now().map_or_else(unix_time, |now| now as f64);
    let verified = Verifier::new(config).and_then(|verifier| verifier.verify(&token, &policy));
    Judgement {
        header,
        result: verified.map(|claims| Accepted { claims, now }).map_err(Failure::from),
    }
}

fn prepare(arguments: &VerifyArguments) -> Result<(Config, Policy), Failure> {
    let config = settings::config(&arguments.sources)?;
    let mut policy = Policy::new();
    for scope in &arguments.required_scopes {
        policy.require_scope(scope)?;
    }
    for group in &arguments.alternatives {
        policy.require_any_scope(group.split([',', ' ']).filter(|scope| !scope.is_empty()))?;
    }
    Ok((config, policy))
}

impl<'a> Verdict<'a> {
    fn accepted(claims: &'a Claims) -> serde_json::Result<Self> {
        Ok(Self {
            ok: true,
            status: 0,
            code: "OK",
            http_status: 200,
            error: None,
            reason: None,
            hint: None,
            retry_after: None,
            claims: Some(serde_json::from_str(claims.json())?),
            header: Some(serde_json::from_str(claims.header_json())?),
        })
    }

    fn refused(failure: &'a Failure, header: Option<&'a str>) -> serde_json::Result<Self> {
        Ok(Self {
            ok: false,
            status: failure.code.status(),
            code: failure.code.name(),
            http_status: failure.code.http_status(),
            error: failure.code.oauth_error(),
            reason: Some(&failure.reason),
            hint: failure.hint.as_deref(),
            retry_after: failure.retry_after,
            claims: None,
            header: header.map(serde_json::from_str).transpose()?,
        })
    }
}

fn print_accepted(out: &mut dyn Write, Accepted { claims, now }: &Accepted) -> io::Result<()> {
    let scopes =
        if claims.scopes().is_empty() { "(none)".to_owned() } else { claims.scopes().join(" ") };
    let key = claims.key_id().map_or_else(|| "(unnamed)".to_owned(), str::to_owned);
    let lines = [
        ("subject", claims.subject().to_owned()),
        ("client", claims.client_id().into_owned()),
        ("kind", format!("{}, of the {} family", claims.kind().name(), claims.family().name())),
        ("scopes", scopes),
        ("expires", expiry(claims.expires_at(), *now)),
        ("resource", claims.resource().unwrap_or("(audience not checked)").to_owned()),
        ("issuer", claims.issuer().to_owned()),
        ("key", format!("{key} ({})", claims.algorithm())),
    ];
    writeln!(out, "ACCEPTED")?;
    print_lines(out, lines)?;
    let actors = claims.actors();
    if claims.is_impersonated() {
        let actor = actors.first().map_or("(unnamed)", |actor| actor.as_ref()).to_owned();
        print_lines(out, [("impersonated by", actor)])?;
    } else if !actors.is_empty() {
        print_lines(out, [("acted by", actors.join(", before: "))])?;
    }
    Ok(())
}

fn expiry(at: f64, now: f64) -> String {
    if at > now { moment(at, now) } else { format!("{} ago, within the leeway", span(now - at)) }
}

/// Why there is no configuration to judge by.
pub(crate) fn print_unusable(failure: &Failure) -> io::Result<Exit> {
    print_refusal(&mut io::stderr(), "NOT USABLE", failure)?;
    Ok(Exit::Unusable)
}

fn print_refusal(out: &mut dyn Write, verdict: &str, failure: &Failure) -> io::Result<()> {
    let retry = failure.retry_after.map(|seconds| format!("in {seconds} s"));
    let lines = [
        ("reason", Some(failure.reason.clone())),
        ("hint", failure.hint.clone()),
        ("retry", retry),
    ];
    writeln!(out, "{verdict}  {}", failure.title())?;
    print_lines(out, lines.into_iter().filter_map(|(name, text)| Some((name, text?))))
}
