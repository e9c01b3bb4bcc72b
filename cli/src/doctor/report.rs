//! What was found, as a table for a person and as one JSON object for a program.

use std::io::{self, Write};

use serde::Serialize;

use super::checks::{ALL, Check, Level};
use crate::Exit;
use crate::text::{print_json, printable};

/// How one check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finding {
    Pass,
    /// Something optional is not there.
    Note,
    /// A SHOULD is not met.
    Warn,
    /// A MUST is not met, or something optional is there and wrong.
    Fail,
    /// It could not be judged, or does not apply.
    Skip,
}

#[derive(Debug)]
struct Entry {
    check: &'static Check,
    finding: Finding,
    seen: String,
    /// What to change, if that is known better than the check's own remedy.
    cure: Option<Cure>,
}

/// What to change in this very case.
#[derive(Debug)]
pub(crate) struct Cure {
    pub(crate) change: String,
    /// The page of the WorkOS dashboard where it is done.
    pub(crate) page: Option<&'static str>,
}

impl Entry {
    fn is_problem(&self) -> bool {
        matches!(self.finding, Finding::Warn | Finding::Fail)
    }

    fn is_met(&self) -> bool {
        matches!(self.finding, Finding::Pass | Finding::Skip)
    }

    fn change(&self) -> &str {
        self.cure.as_ref().map_or(self.check.remedy, |cure| &cure.change)
    }

    /// Where the dashboard must mend it; none where all is well.
    fn page(&self) -> Option<&'static str> {
        let page = self.cure.as_ref().map_or_else(|| self.check.page(), |cure| cure.page);
        page.filter(|_| !self.is_met())
    }
}

/// The findings of one run, in any order while it is written.
#[derive(Debug, Default)]
pub(crate) struct Report {
    entries: Vec<Entry>,
    /// Servers that nobody answered for.
    is_incomplete: bool,
}

/// What was examined.
#[derive(Debug, Serialize)]
pub(crate) struct Subject {
    pub(crate) resource: String,
    pub(crate) authorization_server: String,
    pub(crate) token: bool,
}

#[derive(Serialize)]
struct Summary {
    pass: usize,
    note: usize,
    warn: usize,
    fail: usize,
    skip: usize,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    exit: u8,
    error: Option<Refusal<'a>>,
    #[serde(flatten)]
    subject: Option<&'a Subject>,
    summary: Summary,
    checks: Vec<Row<'a>>,
}

/// Why nothing was examined.
#[derive(Serialize)]
struct Refusal<'a> {
    code: &'a str,
    reason: &'a str,
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    level: &'a str,
    finding: Finding,
    seen: &'a str,
    source: &'a str,
    rule: &'a str,
    remedy: &'a str,
    dashboard: Option<&'a str>,
}

/// Of the JSON object; grows by members alone while it stays the same.
const SCHEMA: &str = "authkit-doctor/1";

impl Report {
    pub(crate) fn pass(&mut self, check: &'static Check, seen: impl Into<String>) {
        self.add(check, Finding::Pass, seen.into());
    }

    /// The rule is not met; how bad that is, its level says.
    pub(crate) fn miss(&mut self, check: &'static Check, seen: impl Into<String>) {
        self.add(check, missed(check), seen.into());
    }

    /// The same, with what to change in this very case.
    pub(crate) fn miss_with(
        &mut self,
        check: &'static Check,
        seen: impl Into<String>,
        change: String,
    ) {
        self.miss_for(check, seen, Cure { change, page: None });
    }

    /// The same, where the dashboard may have to mend it.
    pub(crate) fn miss_for(&mut self, check: &'static Check, seen: impl Into<String>, cure: Cure) {
        self.enter(Entry { check, finding: missed(check), seen: seen.into(), cure: Some(cure) });
    }

    /// Something optional is there, and wrong.
    pub(crate) fn wrong(&mut self, check: &'static Check, seen: impl Into<String>) {
        self.add(check, Finding::Fail, seen.into());
    }

    pub(crate) fn skip(&mut self, check: &'static Check, seen: impl Into<String>) {
        self.add(check, Finding::Skip, seen.into());
    }

    /// Passes or misses by a condition, each with what was seen.
    pub(crate) fn judge(&mut self, check: &'static Check, holds: bool, seen: impl Into<String>) {
        if holds { self.pass(check, seen) } else { self.miss(check, seen) }
    }

    /// Every check of the group that has no finding yet.
    pub(crate) fn skip_rest(&mut self, group: &str, why: &str) {
        let unjudged = ALL.iter().filter(|check| check.group() == group && !self.has(check));
        for check in unjudged.copied().collect::<Vec<_>>() {
            self.skip(check, why);
        }
    }

    /// Nobody answered: what is said of the server is no verdict about it.
    pub(crate) fn unreachable(&mut self, check: &'static Check, seen: impl Into<String>) {
        self.is_incomplete = true;
        self.add(check, Finding::Fail, seen.into());
    }

    fn has(&self, check: &Check) -> bool {
        self.entries.iter().any(|entry| entry.check.id == check.id)
    }

    /// One finding for each check: the first stands.
    fn add(&mut self, check: &'static Check, finding: Finding, seen: String) {
        self.enter(Entry { check, finding, seen, cure: None });
    }

    fn enter(&mut self, entry: Entry) {
        if !self.has(entry.check) {
            self.entries.push(entry);
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        if self.is_incomplete {
            Exit::KeysUnavailable
        } else if self.count(Finding::Fail) > 0 {
            Exit::Rejected
        } else if self.count(Finding::Warn) > 0 {
            Exit::Warned
        } else {
            Exit::Success
        }
    }

    fn count(&self, finding: Finding) -> usize {
        self.entries.iter().filter(|entry| entry.finding == finding).count()
    }

    /// In the order of the checks.
    fn sorted(&self) -> impl Iterator<Item = &Entry> {
        let of = |check: &Check| self.entries.iter().find(|entry| entry.check.id == check.id);
        ALL.iter().filter_map(move |check| of(check))
    }

    fn summary(&self) -> Summary {
        Summary {
            pass: self.count(Finding::Pass),
            note: self.count(Finding::Note),
            warn: self.count(Finding::Warn),
            fail: self.count(Finding::Fail),
            skip: self.count(Finding::Skip),
        }
    }

    /// Only what is wrong, and nothing else.
    pub(crate) fn print_problems(&self, out: &mut dyn Write, is_coloured: bool) -> io::Result<()> {
        self.sorted()
            .filter(|entry| entry.is_problem())
            .try_for_each(|entry| print_entry(out, entry, is_coloured))
    }

    pub(crate) fn print_json(
        &self,
        out: &mut dyn Write,
        subject: &Subject,
        only_problems: bool,
    ) -> io::Result<()> {
        let wanted = |entry: &&Entry| !only_problems || entry.is_problem();
        let document = Document {
            ok: self.exit() == Exit::Success,
            exit: self.exit() as u8,
            error: None,
            subject: Some(subject),
            summary: self.summary(),
            checks: self.sorted().filter(wanted).map(row).collect(),
        };
        print_json(out, SCHEMA, &document)
    }

    pub(crate) fn print(
        &self,
        out: &mut dyn Write,
        subject: &Subject,
        is_coloured: bool,
    ) -> io::Result<()> {
        writeln!(out, "server                {}", printable(&subject.resource))?;
        writeln!(out, "authorization server  {}", printable(&subject.authorization_server))?;
        writeln!(out, "resource indicator    {}", printable(&subject.resource))?;
        writeln!(
            out,
            "                      (to be entered like this in the WorkOS dashboard, Connect → Configuration)"
        )?;
        let mut group = "";
        for entry in self.sorted() {
            if entry.check.group() != group {
                group = entry.check.group();
                writeln!(out, "\n{}", title(group))?;
            }
            print_entry(out, entry, is_coloured)?;
        }
        let Summary { pass, note, warn, fail, skip } = self.summary();
        let parts = [(fail, "failed"), (warn, "warned"), (note, "noted"), (skip, "skipped")];
        write!(out, "\n{pass} passed")?;
        for (count, word) in parts {
            write!(out, ", {count} {word}")?;
        }
        writeln!(out, ".\n{}", self.conclusion())
    }

    fn conclusion(&self) -> &'static str {
        match self.exit() {
            Exit::KeysUnavailable => "Not everything could be reached: the report is incomplete.",
            Exit::Rejected => "At least one MUST is not met.",
            Exit::Warned => "Every MUST that was looked at is met; not every SHOULD is.",
            _ => "Every MUST and SHOULD that was looked at is met.",
        }
    }
}

/// The same object where nothing was examined.
pub(crate) fn print_refusal_as_json(
    out: &mut dyn Write,
    failure: &crate::failure::Failure,
) -> io::Result<()> {
    let document = Document {
        ok: false,
        exit: Exit::Unusable as u8,
        error: Some(Refusal {
            code: failure.code.name(),
            reason: &failure.reason,
            hint: failure.hint.as_deref(),
        }),
        subject: None,
        summary: Report::default().summary(),
        checks: Vec::new(),
    };
    print_json(out, SCHEMA, &document)
}

fn missed(check: &Check) -> Finding {
    match check.level {
        Level::Must => Finding::Fail,
        Level::Should => Finding::Warn,
        Level::May => Finding::Note,
    }
}

fn row(entry: &Entry) -> Row<'_> {
    let Check { id, level, source, rule, .. } = entry.check;
    let (finding, seen) = (entry.finding, entry.seen.as_str());
    let (remedy, dashboard) = (entry.change(), entry.page());
    Row { id, level: level.name(), finding, seen, source, rule, remedy, dashboard }
}

fn title(group: &str) -> &'static str {
    match group {
        "config" => "Configuration",
        "as" => "Authorization server",
        "jwks" => "Its keys",
        "prm" => "Protected resource metadata",
        "challenge" => "Challenges",
        "cors" => "Browsers",
        "clock" => "Clocks",
        _ => "Token",
    }
}

fn print_entry(out: &mut dyn Write, entry: &Entry, is_coloured: bool) -> io::Result<()> {
    let Entry { check, finding, seen, .. } = entry;
    let (word, colour) = match finding {
        Finding::Pass => ("pass", "32"),
        Finding::Note => ("note", "36"),
        Finding::Warn => ("warn", "33"),
        Finding::Fail => ("FAIL", "1;31"),
        Finding::Skip => ("skip", "2"),
    };
    let (start, end) =
        if is_coloured { (format!("\u{1b}[{colour}m"), "\u{1b}[0m") } else { (String::new(), "") };
    writeln!(
        out,
        "  {start}{word}{end}  {:<32}  {:<6}  {}",
        check.id,
        check.level.name(),
        printable(seen)
    )?;
    if entry.is_met() {
        return Ok(());
    }
    writeln!(out, "        rule    {} ({})", check.rule, check.source)?;
    writeln!(out, "        change  {}", printable(entry.change()))?;
    match entry.page() {
        Some(page) => writeln!(out, "        where   WorkOS dashboard, {page}"),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn colour_marks_the_finding_alone_and_only_where_it_is_wanted() {
        let subject =
            Subject { resource: String::new(), authorization_server: String::new(), token: false };
        let mut report = Report::default();
        report.miss(ALL.first().unwrap(), "\u{1b}[31mred");
        let printed = |is_coloured| {
            let mut out = Vec::new();
            report.print(&mut out, &subject, is_coloured).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(!printed(false).contains('\u{1b}'));
        assert!(printed(true).contains("\u{1b}[1;31mFAIL\u{1b}[0m"));
        assert_eq!(printed(true).matches('\u{1b}').count(), 2);
    }
}
