//! The verifier's numbers as OpenMetrics 1.0 text, for Prometheus and its like.

use std::fmt::Write as _;

use authkit::Stats;

/// The media type of [`text`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One family of numbers, with a number for each issuer.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    /// The number's name in the stats.
    of: &'static str,
}

const PER_ISSUER: &[Family] = &[
    Family { name: "keys", kind: "gauge", help: "Keys in use.", of: "keys" },
    Family {
        name: "keys_dropped",
        kind: "gauge",
        help: "Entries of the key set that are not used.",
        of: "dropped",
    },
    Family { name: "keys_age_seconds", kind: "gauge", help: "How old the keys are.", of: "age" },
    Family {
        name: "fetches",
        kind: "counter",
        help: "Fetches of the keys, failed ones too.",
        of: "fetches",
    },
    Family {
        name: "fetch_failures",
        kind: "counter",
        help: "Fetches of the keys that failed.",
        of: "failures",
    },
    Family {
        name: "fetch_failures_in_a_row",
        kind: "gauge",
        help: "Fetches that have failed since the last success.",
        of: "consecutive_failures",
    },
    Family {
        name: "look_ups_throttled",
        kind: "counter",
        help: "Tokens with unknown keys for which the issuer was not asked.",
        of: "throttled",
    },
    Family {
        name: "stale_served",
        kind: "counter",
        help: "Verdicts by keys that were past their time.",
        of: "stale_served",
    },
    Family {
        name: "clock_skew_seconds",
        kind: "gauge",
        help: "The issuer's clock less this machine's.",
        of: "skew",
    },
];

/// All numbers.
pub(crate) fn text(stats: &Stats) -> String {
    let mut out = String::new();
    family(&mut out, "verdicts", "counter", "Tokens judged, by outcome.");
    for (code, count) in &stats.verdicts {
        // Cannot fail: it is a String.
        let _ = writeln!(out, "authkit_verdicts_total{{code=\"{code}\"}} {count}");
    }
    family(&mut out, "tokens_kept", "gauge", "Verified tokens that are kept.");
    let _ = writeln!(out, "authkit_tokens_kept {}", stats.token_cache.entries);
    family(
        &mut out,
        "tokens_recognised",
        "counter",
        "Verdicts for which no signature was checked.",
    );
    let _ = writeln!(out, "authkit_tokens_recognised_total {}", stats.token_cache.hits);
    for Family { name, kind, help, of } in PER_ISSUER {
        family(&mut out, name, kind, help);
        let suffix = if *kind == "counter" { "_total" } else { "" };
        for issuer in &stats.issuers {
            // Absent where there is no such number now.
            if let Some(number) = stats.number(Some(&issuer.issuer), of) {
                let issuer = escaped(&issuer.issuer);
                let _ = writeln!(out, "authkit_{name}{suffix}{{issuer=\"{issuer}\"}} {number}");
            }
        }
    }
    out.push_str("# EOF\n");
    out
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# TYPE authkit_{name} {kind}\n# HELP authkit_{name} {help}\n");
}

/// A label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
