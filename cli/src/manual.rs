//! Holds the manual pages in cli/man and the shells' completions in cli/completions to the command line: makes them anew and compares. `WRITE_MANUAL=1` (`make manual`)
//! writes them instead. A test, so that the command itself carries no generator.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Command, CommandFactory as _};
use clap_complete::{Shell, generate};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::arguments::Arguments;

/// What is made from the code has no date of its own; unquoted, nothing would be taken for it but the next argument.
const NO_DATE: &str = "\"\"";

/// File names and contents.
type Pages = BTreeMap<String, String>;

#[test]
fn the_checked_in_pages_are_the_generated_ones() {
    compare("man", &pages());
}

#[test]
fn the_checked_in_completions_are_the_generated_ones() {
    compare("completions", &completions());
}

fn compare(directory: &str, generated: &Pages) {
    if std::env::var_os("WRITE_MANUAL").is_some() {
        write(directory, generated);
    }
    let checked_in = checked_in(directory);
    let names = |pages: &Pages| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&checked_in), names(generated), "cli/{directory}: run `make manual`");
    for (name, page) in generated {
        assert!(checked_in[name] == *page, "cli/{directory}/{name} is stale: run `make manual`");
    }
}

/// What shells complete, under the names that they look for.
fn completions() -> Pages {
    let shells =
        [("authkit", Shell::Bash), ("_authkit", Shell::Zsh), ("authkit.fish", Shell::Fish)];
    shells
        .into_iter()
        .map(|(name, shell)| {
            let mut text = Vec::new();
            generate(shell, &mut Arguments::command(), "authkit", &mut text);
            (name.to_owned(), String::from_utf8(text).unwrap())
        })
        .collect()
}

fn path_of(directory: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)
}

fn checked_in(directory: &str) -> Pages {
    let entries = fs::read_dir(path_of(directory)).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn write(directory: &str, pages: &Pages) {
    let path = path_of(directory);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir(&path).unwrap();
    for (name, page) in pages {
        fs::write(path.join(name), page).unwrap();
    }
}

/// The command's page and one for each subcommand.
fn pages() -> Pages {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let shown = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    let all = shown.chain([&command]);
    all.map(|command| page(command, command.get_name() == "authkit")).collect()
}

/// clap_mangen's page, but that what stands after the options in the help keeps its lines and headings.
fn page(command: &Command, is_main: bool) -> (String, String) {
    let after_help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.clone().after_help(Resettable::Reset))
        .date(NO_DATE)
        .source(concat!("authkit ", env!("CARGO_PKG_VERSION")))
        .manual("AuthKit verifier");
    let mut text = Vec::new();
    man.render(&mut text).unwrap();
    let mut text = String::from_utf8(text).unwrap();
    text.push_str(&sections(&after_help).to_roff());
    if !is_main {
        text.push_str(
            &Roff::new().control("SH", ["SEE ALSO"]).text([roman("authkit(1)")]).to_roff(),
        );
    }
    (man.get_filename(), text)
}

/// A paragraph that begins `Exit status:` is a section of that name, line by line; the others are prose, and come first.
fn sections(help: &str) -> Roff {
    let paragraphs = help.split("\n\n").filter(|paragraph| !paragraph.is_empty());
    let headed =
        |paragraph: &&str| paragraph.lines().next().is_some_and(|line| line.ends_with(':'));
    let (headed, prose): (Vec<_>, Vec<_>) = paragraphs.partition(headed);
    let mut roff = Roff::new();
    for (at, paragraph) in prose.into_iter().enumerate() {
        if at == 0 {
            roff.control("SH", ["NOTES"]);
        } else {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph)]);
    }
    for paragraph in headed {
        let (heading, body) = paragraph.split_once(":\n").unwrap();
        roff.control("SH", [heading.to_uppercase().as_str()]).control("nf", []);
        for line in body.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}
