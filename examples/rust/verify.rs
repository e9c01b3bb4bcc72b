//! Verifies the access token on standard input, configured by the environment (`AUTHKIT_DOMAIN` ...).

use std::io::{self, Read as _};
use std::process::ExitCode;

use authkit::{Class, Config, Policy, Verifier};

fn verify(token: &str) -> authkit::Result<ExitCode> {
    // [readme]
    let verifier = Verifier::new(Config::from_environment()?)?;
    match verifier.verify(token, &Policy::new()) {
        Ok(claims) => println!("accepted: {}", claims.subject()),
        Err(error) => {
            let code = error.code();
            println!("{}, HTTP {}: {}", code.name(), code.http_status(), error.reason());
            return Err(error);
        }
    }
    // [/readme]
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    let mut token = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut token) {
        eprintln!("standard input: {error}");
        return ExitCode::from(2);
    }
    verify(token.trim_end_matches(['\r', '\n'])).unwrap_or_else(|error| {
        if let Some(hint) = error.hint() {
            println!("hint: {hint}");
        }
        ExitCode::from(match error.code().class() {
            Class::Config => 2,
            Class::KeysUnavailable => 3,
            _ => 1,
        })
    })
}
