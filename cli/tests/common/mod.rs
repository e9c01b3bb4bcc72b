//! Runs the real command, without this machine's settings, and lends it published tokens.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "not exactly one object: {self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    pub fn all_output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs `authkit` with an environment of its own.
pub fn authkit_in(
    environment: &[(&str, &str)],
    arguments: &[&str],
    input: impl AsRef<[u8]>,
) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_authkit"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that ends before it reads leaves a broken pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_ref());
    let output = child.wait_with_output().unwrap();
    Run {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn authkit(arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
    authkit_in(&[], arguments, input)
}

pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// A published vector.
pub fn vector(name: &str) -> Value {
    let file = vectors().join(name.split('/').next().unwrap()).with_extension("jsonl");
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.find(|case| case["name"] == name).unwrap()
}

/// A token that the flags of [`flags`] let pass, and when.
pub struct Good {
    pub token: String,
    pub jwks: String,
    pub issuer: String,
    pub audience: String,
    pub now: String,
}

pub fn good() -> Good {
    let case = vector("baseline/aud-array-many");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Good {
        token: text(&case["token"]),
        jwks: case["jwks"].to_string(),
        issuer: text(&case["config"]["issuer"]),
        audience: text(&case["config"]["audience"]),
        now: case["config"]["now"].to_string(),
    }
}

impl Good {
    /// The flags under which the token is good.
    pub fn flags(&self) -> Vec<&str> {
        let mut flags =
            vec!["verify", "--authkit-domain", &self.issuer, "--resource", &self.audience];
        flags.extend(["--jwks", &self.jwks, "--now", &self.now]);
        flags
    }

    pub fn flags_and<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [self.flags(), more.to_vec()].concat()
    }

    pub fn signature(&self) -> &str {
        self.token.rsplit('.').next().unwrap()
    }
}

/// Writes a file that the calling test alone uses.
pub fn file(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
