//! What came of a run: counts, disagreements by strength, and what could not be read.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use authkit::Result;
use serde::Serialize;

use crate::Exit;
use crate::text::{print_json, printable};

use super::case::{Case, Expect, Strength};
use super::judge::agrees;

/// The state of a run, and what `--json` prints.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    agreed: usize,
    /// How many vectors were left out for want of what.
    skipped: BTreeMap<String, usize>,
    disagreements: Vec<Disagreement>,
    unreadable: Vec<Unreadable>,
}

/// A vector whose verdict is not the expected one.
#[derive(Debug, Serialize)]
struct Disagreement {
    name: String,
    file: String,
    line: usize,
    level: String,
    strength: Strength,
    expected: Expect,
    /// `None` where the library accepted.
    code: Option<&'static str>,
    reason: Option<String>,
    /// The vector's own argument.
    because: String,
}

/// A file, or a line of one, that could not be judged.
#[derive(Debug, Serialize)]
struct Unreadable {
    file: String,
    line: Option<usize>,
    problem: String,
}

/// The whole run in one object.
#[derive(Serialize)]
struct Summary<'a> {
    ok: bool,
    must: usize,
    should: usize,
    may: usize,
    #[serde(flatten)]
    report: &'a Report,
}

impl Report {
    pub(crate) fn unreadable(&mut self, path: &Path, line: Option<usize>, problem: &str) {
        self.unreadable.push(Unreadable {
            file: path.display().to_string(),
            line,
            problem: problem.to_owned(),
        });
    }

    pub(crate) fn skipped(&mut self, need: String) {
        *self.skipped.entry(need).or_default() += 1;
    }

    pub(crate) fn judged(
        &mut self,
        path: &Path,
        line: usize,
        case: &Case<'_>,
        verdict: Result<()>,
    ) {
        let (Some(expected), Some(strength)) = (case.expect, case.strength) else {
            return self.unreadable(path, Some(line), "has no expect or no strength");
        };
        if agrees(&verdict, expected == Expect::Accept) {
            self.agreed += 1;
            return;
        }
        self.disagreements.push(Disagreement {
            name: case.name.clone(),
            file: path.display().to_string(),
            line,
            level: case.level.clone(),
            strength,
            expected,
            code: verdict.as_ref().err().map(|error| error.code().name()),
            reason: verdict.err().map(|error| error.reason().to_owned()),
            because: case.reason.clone().unwrap_or_default(),
        });
    }

    /// What could not be read outweighs what was: the run is not complete.
    pub(crate) fn exit(&self) -> Exit {
        match (self.unreadable.is_empty(), self.count(Strength::Must)) {
            (false, _) => Exit::Unusable,
            (true, 0) => Exit::Success,
            (true, _) => Exit::Rejected,
        }
    }

    fn count(&self, strength: Strength) -> usize {
        self.disagreements.iter().filter(|disagreement| disagreement.strength == strength).count()
    }

    pub(crate) fn print_as_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let (must, should, may) =
            (self.count(Strength::Must), self.count(Strength::Should), self.count(Strength::May));
        print_json(
            out,
            "authkit-vectors/1",
            &Summary { ok: self.exit() == Exit::Success, must, should, may, report: self },
        )
    }

    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        for (strength, name) in
            [(Strength::Must, "must"), (Strength::Should, "should"), (Strength::May, "may")]
        {
            let mut group = self
                .disagreements
                .iter()
                .filter(|disagreement| disagreement.strength == strength)
                .peekable();
            if group.peek().is_some() {
                writeln!(out, "disagreements of strength {name}:")?;
            }
            group.try_for_each(|disagreement| disagreement.print(out))?;
        }
        for unreadable in &self.unreadable {
            unreadable.print()?;
        }
        self.print_counts(out)
    }

    fn print_counts(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.skipped.is_empty() {
            let needs: Vec<String> = self
                .skipped
                .iter()
                .map(|(need, count)| format!("{} {count}", printable(need)))
                .collect();
            writeln!(out, "skipped for want of: {}", needs.join(", "))?;
        }
        let skipped: usize = self.skipped.values().sum();
        writeln!(
            out,
            "{} agree, {} disagree (must {}, should {}, may {}), {skipped} skipped, {} unreadable",
            self.agreed,
            self.disagreements.len(),
            self.count(Strength::Must),
            self.count(Strength::Should),
            self.count(Strength::May),
            self.unreadable.len(),
        )
    }
}

impl Disagreement {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let expected = match self.expected {
            Expect::Accept => "accept",
            Expect::Reject => "reject",
        };
        writeln!(out, "  {} ({}:{})", printable(&self.name), printable(&self.file), self.line)?;
        match (self.code, &self.reason) {
            (Some(code), Some(reason)) => {
                writeln!(out, "    expected {expected}, got {code}: {}", printable(reason))?
            }
            _ => writeln!(out, "    expected {expected}, got accept")?,
        }
        writeln!(out, "    because: {}", printable(&self.because))
    }
}

impl Unreadable {
    fn print(&self) -> io::Result<()> {
        let place =
            self.line.map_or_else(|| self.file.clone(), |line| format!("{}:{line}", self.file));
        writeln!(io::stderr(), "authkit: {} {}", printable(&place), printable(&self.problem))
    }
}
