//! `authkit vectors`: test vectors against the library that ships.

mod case;
mod judge;
mod report;

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};

use authkit::conformance::file_problem;

use crate::Exit;
use crate::arguments::VectorsArguments;
use case::Case;
use judge::Outcome;
use report::Report;

pub(crate) fn run(arguments: &VectorsArguments, out: &mut dyn Write) -> io::Result<Exit> {
    let mut report = Report::default();
    for path in &arguments.paths {
        match files(path) {
            Ok(files) if files.is_empty() => report.unreadable(path, None, "holds no .jsonl file"),
            Ok(files) => files.iter().for_each(|file| run_file(file, &mut report)),
            Err(error) => report.unreadable(path, None, &file_problem(&error)),
        }
    }
    if arguments.json {
        report.print_as_json(out)?
    } else {
        report.print(out)?
    }
    Ok(report.exit())
}

/// The file itself, or all *.jsonl files of the directory and those below, in the order of their names.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut found, mut pending) = (Vec::new(), vec![path.to_owned()]);
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            // The entry's own type: a link to a directory could lead round in a circle.
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "jsonl") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Judges a file line by line: files are large, and a line can be.
fn run_file(path: &Path, report: &mut Report) {
    let mut reader = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) => return report.unreadable(path, None, &file_problem(&error)),
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) if line.trim_ascii().is_empty() => {}
            Ok(_) => run_line(path, number, &line, report),
            Err(error) => return report.unreadable(path, Some(number), &file_problem(&error)),
        }
    }
}

fn run_line(path: &Path, number: usize, line: &[u8], report: &mut Report) {
    let judged = Case::parse(line).and_then(|case| Ok((judge::judge(&case)?, case)));
    match judged {
        Ok((Outcome::Skipped(need), _)) => report.skipped(need),
        Ok((Outcome::Judged(verdict), case)) => report.judged(path, number, &case, verdict),
        Err(problem) => report.unreadable(path, Some(number), &problem),
    }
}
