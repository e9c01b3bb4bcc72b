//! Holds include/authkit.h to src/ffi: generates it anew and compares. `WRITE_HEADER=1` (`make
//! header`) writes it instead.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::path::Path;

use cbindgen::{Builder, Config, ItemType};

/// The files of src/ffi that are sections of the header, in the order a reader wants them.
const SECTIONS: &[&str] = &[
    "version", "status", "config", "policy", "verifier", "response", "access", "default", "claims",
    "identity", "values", "verdict", "error", "stats", "event", "log",
];

const INCLUDES: &str = "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n";

#[test]
fn the_checked_in_header_is_the_generated_one() {
    let path = root().join("include/authkit.h");
    let generated = header();
    if std::env::var_os("WRITE_HEADER").is_some() {
        std::fs::write(&path, generated).unwrap();
        return;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = checked_in.lines().zip(generated.lines()).position(|(old, new)| old != new);
    assert!(
        checked_in == generated,
        "include/authkit.h is stale from line {differing:?} (counted from 0) on: run `make header`"
    );
}

#[test]
fn every_exported_function_is_in_the_header_and_in_the_list_of_symbols() {
    let header = header();
    let mut exported = Vec::new();
    for entry in std::fs::read_dir(root().join("src/ffi")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("extern \"C\" fn ") {
            rest = &rest[at + "extern \"C\" fn ".len()..];
            exported.push(rest[..rest.find('(').unwrap()].to_owned());
        }
    }
    exported.sort();
    for name in &exported {
        assert!(
            header.contains(&format!("{name}(")),
            "{name} is missing from the header: is its file in SECTIONS?"
        );
    }
    let listed = std::fs::read_to_string(root().join("abi/symbols.txt")).unwrap();
    assert_eq!(
        exported,
        listed.lines().collect::<Vec<_>>(),
        "abi/symbols.txt differs from src/ffi"
    );
}

#[test]
fn compilers_warn_where_an_outcome_is_ignored() {
    let header = header();
    let declarations: Vec<&str> = header
        .split("\nAUTHKIT_API")
        .skip(1)
        .map(|rest| rest.split_once(';').map_or(rest, |(declaration, _)| declaration).trim())
        .collect();
    assert!(declarations.len() > 80, "{} functions found", declarations.len());
    for declaration in declarations {
        let (before, _) = declaration.split_once('(').unwrap();
        let is_outcome = before.contains("authkit_status ") || before.ends_with("_into");
        assert_eq!(
            is_outcome,
            before.starts_with("AUTHKIT_MUST_USE"),
            "#[must_use] is for functions that tell whether they failed: {before}"
        );
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(section: &str) -> std::path::PathBuf {
    root().join("src/ffi").join(section).with_extension("rs")
}

/// The whole header: introduction, types, then the functions section by section. cbindgen alone
/// would run all functions together.
fn header() -> String {
    let config = Config::from_file(root().join("cbindgen.toml")).unwrap();
    let mut out = String::new();
    let introduction = config.header.as_deref().unwrap_or_default().trim();
    let macros = config.after_includes.as_deref().unwrap_or_default().trim();
    writeln!(
        out,
        "{introduction}\n\n#ifndef AUTHKIT_H\n#define AUTHKIT_H\n\n{INCLUDES}\n{macros}\n\n{}",
        release()
    )
    .unwrap();
    writeln!(out, "{}\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif", types(&config)).unwrap();
    for section in SECTIONS {
        write!(out, "\n{}\n{}\n", banner(section), functions(&config, section)).unwrap();
    }
    out.push_str("\n#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n#endif /* AUTHKIT_H */\n");
    out
}

/// The release this header came with, for the preprocessor.
fn release() -> String {
    let [major, minor, patch] = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    ];
    format!(
        "/** The release that this header came with; authkit_version() tells the loaded library's. */\n\
         #define AUTHKIT_VERSION \"{}\"\n\
         /** Its first number. */\n#define AUTHKIT_VERSION_MAJOR {major}\n\
         /** Its second number. */\n#define AUTHKIT_VERSION_MINOR {minor}\n\
         /** Its third number. */\n#define AUTHKIT_VERSION_PATCH {patch}\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn types(config: &Config) -> String {
    let kinds = vec![ItemType::Constants, ItemType::Enums, ItemType::OpaqueItems];
    SECTIONS
        .iter()
        .fold(builder(config, kinds), |builder, section| builder.with_src(source(section)))
        .text()
}

fn functions(config: &Config, section: &str) -> String {
    // The extern "C" around all sections is written once, by header().
    let config = Config { cpp_compat: false, ..config.clone() };
    builder(&config, vec![ItemType::Functions]).with_src(source(section)).text()
}

fn builder(config: &Config, kinds: Vec<ItemType>) -> Builder {
    let mut config = Config { header: None, after_includes: None, ..config.clone() };
    config.export.item_types = kinds;
    Builder::new().with_config(config)
}

/// A section's heading: the module's own documentation.
fn banner(section: &str) -> String {
    let source = std::fs::read_to_string(source(section)).unwrap();
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text: String = lines.map(|line| format!(" *{line}\n")).collect();
    format!("/* {}\n{text} */\n", "-".repeat(96))
}

trait Text {
    fn text(self) -> String;
}

impl Text for Builder {
    fn text(self) -> String {
        let mut bytes = Vec::new();
        self.generate().unwrap().write(&mut bytes);
        String::from_utf8(bytes).unwrap().trim().to_owned()
    }
}
