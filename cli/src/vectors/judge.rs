//! What the library says to one vector.

use authkit::{
    AudienceRule, Code, Config, ConfigBuilder, Error, IssuerSettings, Policy, Result, Verifier,
    conformance,
};

use super::case::{Audience, Case, CaseConfig};

/// Abilities a vector may ask for, beside algorithms.
const ABILITIES: &[&str] = &["audience-list", "audience-optional", "typ-option", "max-age-option"];

/// Signature algorithms that exist and that this library has not. `none` and the HMACs are no such
/// thing: the library itself has to refuse them.
const NOT_IMPLEMENTED: &[&str] = &["ES512", "ES256K", "Ed25519", "Ed448"];

pub(crate) enum Outcome {
    /// Not run, for want of this.
    Skipped(String),
    Judged(Result<()>),
}

/// Judges a vector; `Err` says what is wrong with the vector itself.
pub(crate) fn judge(case: &Case<'_>) -> std::result::Result<Outcome, String> {
    if let Some(need) = case.needs.iter().flatten().find(|need| !is_met(need)) {
        return Ok(Outcome::Skipped(need.clone()));
    }
    match case.level.as_str() {
        "jwt" => jwt(case),
        "jws" => jws(case),
        "raw" => raw(case),
        level => Ok(Outcome::Skipped(format!("level:{level}"))),
    }
}

fn is_met(need: &str) -> bool {
    ABILITIES.contains(&need) || need.strip_prefix("alg:").is_some_and(conformance::is_supported)
}

/// The full check, by a verifier with the vector's configuration.
fn jwt(case: &Case<'_>) -> std::result::Result<Outcome, String> {
    let wanted = case.config.as_ref().ok_or("has no config")?;
    let algorithms = match implemented(&wanted.algorithms) {
        Ok(algorithms) => algorithms,
        Err(missing) => return Ok(missing),
    };
    let Some(issuer) = &wanted.issuer else {
        return Ok(Outcome::Skipped("issuer-optional".to_owned()));
    };
    let config = match configure(wanted, issuer, algorithms, case.jwks()?) {
        Ok(config) => config,
        Err(Problem::Unknown(need)) => return Ok(Outcome::Skipped(need)),
        // Who refuses the configuration refuses the token.
        Err(Problem::Refused(error)) => return Ok(Outcome::Judged(Err(error))),
    };
    let token = case.token()?;
    let verified =
        Verifier::new(config).and_then(|verifier| verifier.verify(token, &Policy::new()));
    Ok(Outcome::Judged(verified.map(|_| ())))
}

/// Why a vector's configuration makes no verifier's.
enum Problem {
    /// It asks for something that is no setting here.
    Unknown(String),
    Refused(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

fn configure(
    wanted: &CaseConfig,
    issuer: &str,
    algorithms: Vec<&str>,
    jwks: &str,
) -> std::result::Result<Config, Problem> {
    let audience = match wanted.audience {
        Some(_) => AudienceRule::Required,
        None => AudienceRule::NotChecked,
    };
    let settings =
        IssuerSettings { jwks: Some(jwks.to_owned()), audience, ..IssuerSettings::default() };
    let mut builder = Config::builder().issuer(issuer, settings).algorithms(algorithms);
    builder = builder.required_scopes(wanted.required_scopes.iter().flatten());
    builder = match &wanted.audience {
        Some(Audience::One(audience)) => builder.audiences([audience]),
        Some(Audience::Any(audiences)) => builder.audiences(audiences),
        None => builder,
    };
    set(&mut builder, "leeway", wanted.leeway.as_ref())?;
    set(&mut builder, "now", wanted.now.as_ref())?;
    set(&mut builder, "max_token_age", wanted.max_age.as_ref())?;
    match wanted.typ.as_deref() {
        None => {}
        Some([only]) if only.eq_ignore_ascii_case("at+jwt") => builder.set("typ", "rfc9068")?,
        Some(other) => return Err(Problem::Unknown(format!("typ:{}", other.join("|")))),
    }
    Ok(builder.build()?)
}

fn set(
    builder: &mut ConfigBuilder,
    setting: &str,
    number: Option<&serde_json::Number>,
) -> Result<()> {
    number.map_or(Ok(()), |number| builder.set(setting, &number.to_string()))
}

/// The list without what exists elsewhere but not here; what is no signature algorithm stays in it.
fn implemented(names: &[String]) -> std::result::Result<Vec<&str>, Outcome> {
    let kept: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !NOT_IMPLEMENTED.contains(name)).collect();
    match names.first() {
        Some(name) if kept.is_empty() => Err(Outcome::Skipped(format!("alg:{name}"))),
        _ => Ok(kept),
    }
}

/// The signature of one token, whatever it carries.
fn jws(case: &Case<'_>) -> std::result::Result<Outcome, String> {
    let wanted = case.config.as_ref().ok_or("has no config")?;
    let token = case.token()?;
    Ok(match implemented(&wanted.algorithms) {
        Ok(algorithms) => {
            Outcome::Judged(conformance::verify_jws(case.jwks()?, &token, &algorithms))
        }
        Err(missing) => missing,
    })
}

/// The signature over a message.
fn raw(case: &Case<'_>) -> std::result::Result<Outcome, String> {
    let algorithm = case.alg.as_deref().ok_or("has no alg")?;
    if NOT_IMPLEMENTED.contains(&algorithm) {
        return Ok(Outcome::Skipped(format!("alg:{algorithm}")));
    }
    let (message, signature) = case.message_and_signature()?;
    let verdict = conformance::verify_raw(case.jwks()?, algorithm, &message, &signature);
    Ok(Outcome::Judged(verdict))
}

/// Whether the verdict is the expected one. A defect of the library's agrees with nothing.
pub(crate) fn agrees(verdict: &Result<()>, expected_to_pass: bool) -> bool {
    match verdict {
        Ok(()) => expected_to_pass,
        Err(error) => !expected_to_pass && error.code() != Code::Internal,
    }
}
