//! Whether two clocks agree, by the Date of an answer (RFC 9110 §6.6.1).

use std::time::{Duration, SystemTime};

use super::checks::Check;
use super::http::Answer;
use super::report::Report;
use crate::text::span;

/// A Date is in whole seconds, and an answer takes its time.
const RESOLUTION: Duration = Duration::from_secs(2);

pub(crate) fn judge(report: &mut Report, check: &'static Check, answer: &Answer, leeway: u64) {
    let date = answer.header("date").and_then(|text| httpdate::parse_http_date(&text).ok());
    let Some(date) = date else {
        return report.skip(check, "the answer has no Date");
    };
    // A cache gives an answer's own Date, and its age besides (RFC 9111 §5.1).
    let age = answer.header("age").and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let date = date.checked_add(Duration::from_secs(age)).unwrap_or(date);
    let (skew, side) = difference(date, answer.at);
    let seen = match skew <= RESOLUTION {
        true => "no difference to be seen".to_owned(),
        false => format!("{} {side} this machine's", span(skew.as_secs_f64())),
    };
    report.judge(check, skew <= Duration::from_secs(leeway) + RESOLUTION, seen);
}

fn difference(theirs: SystemTime, ours: SystemTime) -> (Duration, &'static str) {
    match theirs.duration_since(ours) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    }
}
