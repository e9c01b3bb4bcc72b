//! The form of a scenario: what the fault server is, what is done, and what must come of it.

use std::path::Path;

use serde::Deserialize;

/// How much a disagreement matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// A vulnerability, an outage or a storm.
    Must,
    /// Best practice; a deviation wants its reason in docs/faults.md.
    Should,
    /// A choice to be documented.
    May,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub group: String,
    pub strength: Strength,
    /// A kind of server (see `server::Base`), or a URL that is used as it stands.
    pub base: String,
    pub path: String,
    pub correct: String,
    pub steps: Vec<Step>,
    /// Seconds it may take by a real clock; most of them pass by the test's clock here.
    #[serde(default)]
    pub seconds: u64,
    #[serde(default)]
    #[allow(dead_code)]
    // informative: we have them all but discovery, which docs/faults.md argues
    pub needs: Vec<String>,
}

/// What a verification comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Accept,
    /// The token is bad.
    Reject,
    /// The keys could not be had, which says nothing about the token.
    Unavailable,
}

/// The token to make: `key` signs it, by default the one of the name in `kid`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mint {
    pub kid: Option<String>,
    pub key: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    Verify {
        mint: Mint,
        expect: Vec<Outcome>,
        max_ms: u64,
        /// Least and most seconds that an `unavailable` may ask to wait.
        retry_after: Option<(u32, u32)>,
    },
    Repeat {
        n: u64,
        mint: Mint,
        expect: Vec<Outcome>,
        max_ms_mean: u64,
    },
    Parallel {
        n: usize,
        mint: Mint,
        expect: Vec<Outcome>,
        max_ms: u64,
    },
    /// So many tokens that nobody signed.
    Flood {
        kind: Flood,
        n: u64,
        expect: Vec<Outcome>,
        max_ms_mean: u64,
    },
    /// Turns the server over to its n-th behaviour.
    Phase {
        n: usize,
    },
    Until {
        mint: Mint,
        expect: Vec<Outcome>,
        within_s: u64,
        every_s: u64,
    },
    /// Verifications at a steady pace.
    Traffic {
        s: u64,
        per_s: u64,
        mint: Mint,
        expect: Vec<Outcome>,
    },
    /// How many requests have reached the server.
    Requests {
        min: u64,
        max: u64,
    },
    /// How many requests have reached the server that nobody should ask.
    Trap {
        scenario: String,
        max: u64,
    },
    /// How much of something the server has seen.
    Stat {
        #[allow(dead_code)] // one server per scenario: there is no other to mean
        scenario: Option<String>,
        field: Field,
        max: u64,
    },
    RssGrowthMb {
        max: u64,
    },
    /// Lets time pass, by both clocks.
    Advance {
        s: u64,
    },
    /// The same; what really sleeps elsewhere.
    Sleep {
        s: u64,
    },
    /// Sets the wall clock alone.
    Wall {
        s: i64,
    },
    /// The host asks for a refresh.
    Refresh {
        expect: Vec<Outcome>,
        max_ms: u64,
    },
    /// Goes on beside the next steps.
    Background {
        steps: Vec<Step>,
    },
    /// Waits for what goes on beside.
    Join,
    /// A verifier of this configuration is not to be had.
    ConfigError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flood {
    /// A random key id each.
    Kid,
    /// One unknown key id.
    SameKid,
    /// A random key id of 4 KiB each.
    LongKid,
    /// No key id.
    NoKid,
    /// The key id of a real key.
    BadSig,
    /// A random key id each, expired.
    Expired,
    /// A random key id each, of an issuer nobody trusts.
    Issuer,
    /// No tokens at all.
    Malformed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    Connections,
    Requests,
    /// Sent, whether or not the other side read them.
    Bytes,
}

/// The scenarios of a file below `tests`.
pub fn read(file: &str) -> Vec<Scenario> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
