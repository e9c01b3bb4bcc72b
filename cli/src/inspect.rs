//! `authkit inspect`: what a token says, proven by nothing.

use std::io::{self, Write};

use authkit::Value;
use authkit::conformance::{self, Object, Parts};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Exit;
use crate::arguments::InspectArguments;
use crate::failure::Failure;
use crate::text::{moment, print_json, printable, span, unix_time};
use crate::token;

const WARNING: &str = "NOT VERIFIED: anybody can write such a token. Decide nothing by it.";

/// What AuthKit signs with, and the default of `algorithms`.
const DEFAULT_ALGORITHM: &str = "RS256";

/// What `--json` prints.
#[derive(Serialize)]
struct Inspection<'a> {
    verified: bool,
    code: &'a str,
    reason: Option<&'a str>,
    hint: Option<&'a str>,
    header: Option<&'a RawValue>,
    claims: Option<&'a RawValue>,
    remarks: &'a [String],
}

/// A token taken apart as far as it could be.
struct Findings {
    parts: Option<Parts>,
    /// The first thing that could not be read.
    failure: Option<Failure>,
    remarks: Vec<String>,
}

pub(crate) fn run(arguments: &InspectArguments, out: &mut dyn Write) -> io::Result<Exit> {
    let _ = writeln!(io::stderr(), "{WARNING}");
    #[allow(clippy::cast_precision_loss)] // exact below 2^53
    let now = arguments.now.map_or_else(unix_time, |now| now as f64);
    let findings = examine(arguments, now);
    if arguments.json {
        findings.print_as_json(out)?;
    } else {
        findings.print(out, now)?;
    }
    Ok(findings.failure.as_ref().map_or(Exit::Success, Failure::exit))
}

fn examine(arguments: &InspectArguments, now: f64) -> Findings {
    let decoded = token::read(arguments.source.file.as_deref())
        .and_then(|token| Ok(conformance::decode(&token)?));
    match decoded {
        Err(failure) => Findings { parts: None, failure: Some(failure), remarks: Vec::new() },
        Ok(parts) => {
            let first = parts
                .header
                .as_ref()
                .err()
                .or(parts.payload.as_ref().err())
                .or(parts.signature.as_ref().err());
            let failure = first.cloned().map(Failure::from);
            let remarks = remarks(&parts, now);
            Findings { parts: Some(parts), failure, remarks }
        }
    }
}

impl Findings {
    fn header(&self) -> Option<&Object> {
        self.parts.as_ref()?.header.as_ref().ok()
    }

    fn payload(&self) -> Option<&Object> {
        self.parts.as_ref()?.payload.as_ref().ok()
    }

    fn print_as_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let raw = |object: Option<&'_ Object>| {
            object.map(|object| serde_json::from_str(object.json())).transpose()
        };
        let (header, claims): (Option<Box<RawValue>>, Option<Box<RawValue>>) =
            (raw(self.header())?, raw(self.payload())?);
        let inspection = Inspection {
            verified: false,
            code: self.failure.as_ref().map_or("NOT_VERIFIED", |failure| failure.code.name()),
            reason: self.failure.as_ref().map(|failure| failure.reason.as_str()),
            hint: self.failure.as_ref().and_then(|failure| failure.hint.as_deref()),
            header: header.as_deref(),
            claims: claims.as_deref(),
            remarks: &self.remarks,
        };
        print_json(out, "authkit-inspect/1", &inspection)
    }

    fn print(&self, out: &mut dyn Write, now: f64) -> io::Result<()> {
        if let Some(failure) =
            self.failure.as_ref().filter(|failure| failure.exit() == Exit::Unusable)
        {
            return writeln!(io::stderr(), "authkit: {}", printable(&failure.reason));
        }
        writeln!(out, "{WARNING}")?;
        if let Some(failure) = &self.failure {
            writeln!(out, "\nunreadable: {}", failure.title())?;
            writeln!(out, "  {}", printable(&failure.reason))?;
            if let Some(hint) = &failure.hint {
                writeln!(out, "  {}", printable(hint))?;
            }
        }
        print_object(out, "header", self.header(), now)?;
        print_object(out, "payload", self.payload(), now)?;
        if let Some(length) = self.parts.as_ref().and_then(|parts| parts.signature.as_ref().ok()) {
            writeln!(out, "\nsignature\n  {length} bytes, not checked")?;
        }
        print_remarks(out, &self.remarks)
    }
}

fn print_object(
    out: &mut dyn Write,
    title: &str,
    object: Option<&Object>,
    now: f64,
) -> io::Result<()> {
    let Some(object) = object else { return Ok(()) };
    writeln!(out, "\n{title}")?;
    for (name, value) in object.members() {
        let date = if is_date(&name) { value.as_f64() } else { None };
        let note = date.map(|at| format!("  ({})", moment(at, now))).unwrap_or_default();
        writeln!(out, "  {:<9} {}{note}", printable(&name), printable(value.raw()))?;
    }
    Ok(())
}

fn is_date(name: &str) -> bool {
    ["exp", "nbf", "iat", "auth_time"].contains(&name)
}

fn print_remarks(out: &mut dyn Write, remarks: &[String]) -> io::Result<()> {
    if remarks.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nremarks")?;
    for remark in remarks {
        writeln!(out, "  - {}", printable(remark))?;
    }
    Ok(())
}

/// What would keep the token from being accepted, as far as the token alone tells. Only a help to
/// the reader: what decides is `authkit verify`.
fn remarks(parts: &Parts, now: f64) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Ok(header) = &parts.header {
        remark_on_algorithm(header, &mut remarks);
        remark_on_header(header, &mut remarks);
    }
    if let Ok(payload) = &parts.payload {
        remark_on_times(payload, now, &mut remarks);
        remark_on_absences(payload, &mut remarks);
        remark_on_kind(payload, &mut remarks);
    }
    if parts.signature.as_ref().is_ok_and(|length| *length == 0) {
        remarks.push("there is no signature".to_owned());
    }
    remarks
}

fn remark_on_algorithm(header: &Object, remarks: &mut Vec<String>) {
    let name = header.get("alg").and_then(Value::as_str);
    match name.as_deref() {
        None => remarks.push("alg is missing or not a string: never accepted".to_owned()),
        Some(DEFAULT_ALGORITHM) => {}
        Some(name) if conformance::is_supported(name) => {
            remarks.push(format!("alg is {name}: accepted only where algorithms lists it (default {DEFAULT_ALGORITHM})"));
        }
        Some(name) => remarks.push(format!("alg is '{name}': never accepted")),
    }
}

fn remark_on_header(header: &Object, remarks: &mut Vec<String>) {
    let typ = header.get("typ").map(|value| value.as_str().map(|name| name.to_ascii_lowercase()));
    match typ.as_ref().map(|name| name.as_deref()) {
        None | Some(Some("jwt" | "at+jwt" | "application/jwt" | "application/at+jwt")) => {}
        Some(Some(name)) => remarks.push(format!("typ is '{name}': not an access token")),
        Some(None) => remarks.push("typ is not a string".to_owned()),
    }
    if header.get("crit").is_some() {
        remarks.push("crit demands an extension: never accepted".to_owned());
    }
    let ignored: Vec<&str> = ["jku", "jwk", "x5u", "x5c"]
        .into_iter()
        .filter(|name| header.get(name).is_some())
        .collect();
    if !ignored.is_empty() {
        remarks.push(format!(
            "{}: never used, since a token does not choose its key",
            ignored.join(", ")
        ));
    }
    if header.get("kid").is_none() {
        remarks.push("kid is missing: accepted only where exactly one key fits".to_owned());
    }
}

fn remark_on_times(payload: &Object, now: f64, remarks: &mut Vec<String>) {
    let time = |name: &str| payload.get(name).map(Value::as_f64);
    match time("exp") {
        None => remarks.push("exp is missing: never accepted".to_owned()),
        Some(None) => remarks.push("exp is not a number: never accepted".to_owned()),
        Some(Some(at)) if at <= now => remarks.push(format!("expired {} ago", span(now - at))),
        Some(Some(_)) => {}
    }
    for name in ["nbf", "iat"] {
        match time(name) {
            Some(None) => remarks.push(format!("{name} is not a number: never accepted")),
            Some(Some(at)) if at > now => {
                remarks.push(format!("{name} lies {} ahead: not yet valid", span(at - now)))
            }
            _ => {}
        }
    }
}

fn remark_on_absences(payload: &Object, remarks: &mut Vec<String>) {
    for name in ["iss", "aud", "sub"] {
        if payload.get(name).is_none() {
            remarks.push(format!("{name} is missing"));
        }
    }
}

fn remark_on_kind(payload: &Object, remarks: &mut Vec<String>) {
    let found: Vec<&str> = ["nonce", "at_hash", "c_hash"]
        .into_iter()
        .filter(|name| payload.get(name).is_some())
        .collect();
    if !found.is_empty() {
        remarks.push(format!(
            "{}: an ID token, never accepted; send the access token",
            found.join(", ")
        ));
    }
    if payload.get("cnf").is_some() {
        remarks.push(
            "cnf binds the token to a key, which is not checked here: never accepted".to_owned(),
        );
    }
    let text = |name| payload.get(name).and_then(Value::as_str);
    let Some(client) = text("aud").filter(|audience| audience.starts_with("client_")) else {
        return;
    };
    remarks.push(if text("sub").as_ref() == Some(&client) {
        "aud is a client id, and sub too: a machine's token, accepted if accept_client_id_audience names it".to_owned()
    } else if text("client_id").is_none() {
        "aud is a client id, and client_id is missing: never accepted, since an ID token would look the same".to_owned()
    } else {
        "aud is a client id: AuthKit knows no resource indicator for the resource that was asked for".to_owned()
    });
}
