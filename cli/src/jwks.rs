//! `authkit jwks`: the issuers' keys as a server with this configuration has them, and how they came.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::iter;

use authkit::{
    DocumentStats, Event, Happening, IssuerStats, SeenHeaders, Source, Stats, TokenCacheStats,
    Verifier,
};
use serde::Serialize;

use crate::Exit;
use crate::arguments::JwksArguments;
use crate::failure::Failure;
use crate::settings;
use crate::text::{print_json, print_lines, printable, span};

const CLOCK_HINT: &str = "set this machine's clock by NTP: it differs from the issuer's by more than the leeway, \
     so that good tokens seem expired or not yet valid";

/// What `--json` prints: the outcome, the library's stats as they are, and what happened meanwhile.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    code: &'a str,
    reason: Option<&'a str>,
    hint: Option<&'a str>,
    retry_after: Option<u32>,
    #[serde(flatten)]
    stats: &'a Stats,
    events: &'a [Event],
}

/// What a refresh left behind.
struct Findings {
    stats: Stats,
    events: Vec<Event>,
    /// Why an issuer's keys could not be had.
    failure: Option<Failure>,
}

/// One line of text: its name and what it says.
type Line = (&'static str, String);

pub(crate) fn run(arguments: &JwksArguments, out: &mut dyn Write) -> io::Result<Exit> {
    let findings = look(arguments).unwrap_or_else(Findings::none);
    let exit = findings.failure.as_ref().map_or(Exit::Success, Failure::exit);
    match &findings.failure {
        _ if arguments.json => findings.print_as_json(out)?,
        Some(failure) if exit == Exit::Unusable => print_unusable(failure)?,
        _ => findings.print(out)?,
    }
    Ok(exit)
}

fn look(arguments: &JwksArguments) -> Result<Findings, Failure> {
    let config = settings::config(&arguments.sources)?;
    let verifier = Verifier::new(config)?;
    let failure = verifier.refresh().err().map(Failure::from);
    let events = iter::from_fn(|| verifier.next_event()).collect();
    Ok(Findings { stats: verifier.stats(), events, failure })
}

impl Findings {
    /// Where there is nothing to look with.
    fn none(failure: Failure) -> Self {
        let stats = Stats {
            issuers: Vec::new(),
            verdicts: BTreeMap::new(),
            token_cache: TokenCacheStats::default(),
            events_lost: 0,
        };
        Self { stats, events: Vec::new(), failure: Some(failure) }
    }

    fn print_as_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let failure = self.failure.as_ref();
        let clock_hint = self.is_skewed(None).then_some(CLOCK_HINT);
        let report = Report {
            ok: failure.is_none(),
            code: failure.map_or("OK", |failure| failure.code.name()),
            reason: failure.map(|failure| failure.reason.as_str()),
            hint: failure.and_then(|failure| failure.hint.as_deref()).or(clock_hint),
            retry_after: failure.and_then(|failure| failure.retry_after),
            stats: &self.stats,
            events: &self.events,
        };
        print_json(out, "authkit-jwks/1", &report)
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        for (index, issuer) in self.stats.issuers.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}", printable(&issuer.issuer))?;
            print_lines(out, self.lines(issuer))?;
        }
        Ok(())
    }

    fn lines(&self, issuer: &IssuerStats) -> Vec<Line> {
        let document = &issuer.document;
        let mut lines = vec![("keys from", origin(issuer))];
        lines.push(("standing", standing(document)));
        lines.extend(failure(document));
        lines.extend(self.warnings(&issuer.issuer));
        lines.extend(keys(issuer));
        lines.extend(document.headers.as_ref().map(headers).unwrap_or_default());
        lines.extend(clock(document));
        lines.extend(self.is_skewed(Some(&issuer.issuer)).then(|| ("hint", CLOCK_HINT.to_owned())));
        lines
    }

    /// Whether the library found an issuer's clock, or any, to differ by more than the leeway.
    fn is_skewed(&self, issuer: Option<&str>) -> bool {
        self.events.iter().any(|event| {
            matches!(event.happening, Happening::SkewSeen { .. })
                && issuer.is_none_or(|issuer| event.issuer == issuer)
        })
    }

    fn warnings(&self, issuer: &str) -> impl Iterator<Item = Line> {
        let theirs = self.events.iter().filter(move |event| event.issuer == issuer);
        theirs.filter_map(|event| match &event.happening {
            Happening::SharedFileRefused { reason } => Some(("cache dir", reason.clone())),
            Happening::Warned { reason } => Some(("warning", reason.clone())),
            _ => None,
        })
    }
}

fn origin(issuer: &IssuerStats) -> String {
    let url = issuer.jwks_url.as_deref().unwrap_or("the configuration; nothing is fetched");
    url.to_owned()
}

/// `fresh, from the network, time to live 5 min, next refresh in 4 min 3 s`.
fn standing(document: &DocumentStats) -> String {
    let source = match document.source {
        Some(Source::Network) => Some("from the network".to_owned()),
        Some(Source::File) => Some("from another process's file".to_owned()),
        _ => None,
    };
    // What was given does not age.
    let age = document.age.filter(|age| *age > 0 && document.ttl.is_some());
    let next = document.next_refresh.filter(|left| *left > 0);
    let parts = [
        Some(document.standing.replace('_', " ")),
        source,
        age.map(|age| format!("{} old", seconds(age))),
        document.ttl.map(|ttl| format!("time to live {}", seconds(ttl))),
        next.map(|left| format!("next refresh in {}", seconds(left))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn failure(document: &DocumentStats) -> Vec<Line> {
    let reason = document.last_failure.clone().map(|reason| ("failure", reason));
    let retry = document.retry_after.map(|left| ("retry", format!("in {left} s")));
    reason.into_iter().chain(retry).collect()
}

/// Each entry of the document, used or not.
fn keys(issuer: &IssuerStats) -> Vec<Line> {
    let name = |kid: &Option<String>| kid.clone().unwrap_or_else(|| "(unnamed)".to_owned());
    let used = issuer.keys.iter().map(|key| ("key", format!("{} ({})", name(&key.kid), key.alg)));
    let dropped = issuer
        .dropped
        .iter()
        .map(|key| ("dropped", format!("entry {}, {}: {}", key.index, name(&key.kid), key.reason)));
    used.chain(dropped).collect()
}

fn headers(seen: &SeenHeaders) -> Vec<Line> {
    let SeenHeaders { date, age, cache_control, etag, expires } = seen;
    let named = [
        ("Date", date),
        ("Age", age),
        ("Cache-Control", cache_control),
        ("ETag", etag),
        ("Expires (not used)", expires),
    ];
    let shown = named.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    shown.map(|(name, value)| ("header", format!("{name}: {value}"))).collect()
}

/// How this machine's clock stands to the issuer's; nothing where nobody was asked.
fn clock(document: &DocumentStats) -> Option<Line> {
    document.headers.as_ref()?;
    let text = match document.skew {
        None => "the issuer sent no date to compare with".to_owned(),
        Some(0) => "as the issuer's".to_owned(),
        Some(skew) => {
            let direction = if skew > 0 { "behind" } else { "ahead of" };
            format!("{} {direction} the issuer's", seconds(skew.unsigned_abs()))
        }
    };
    Some(("clock", text))
}

#[allow(clippy::cast_precision_loss)] // exact below 2^53
fn seconds(count: u64) -> String {
    span(count as f64)
}

fn print_unusable(failure: &Failure) -> io::Result<()> {
    let mut err = io::stderr();
    writeln!(err, "NOT FETCHED  {}", failure.title())?;
    let hint = failure.hint.iter().map(|hint| ("hint", hint.clone()));
    print_lines(&mut err, iter::once(("reason", failure.reason.clone())).chain(hint))
}
