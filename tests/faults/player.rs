//! Plays one scenario: a server of its own, a verifier of its own, and a clock that the scenario moves.

use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use authkit::conformance::{TestClock, verifier_with_clock};
use authkit::{Class, Code, Config, Error, Policy, Verifier};
use serde_json::{Value, json};

use crate::replies;
use crate::scenario::{Field, Flood, Mint, Outcome, Scenario, Step};
use crate::server::{Base, Server};
use crate::support::{RESOURCE, encode};

/// What a fetch that nobody waits for is given of real time where a second of the test's clock passes.
const REAL_SECOND: Duration = Duration::from_millis(3);
/// How many calls in a steady stream show the same token, which lives for five minutes.
const SHOWN_AGAIN: u64 = 60;

/// What a host can give a call in all, and the longest that one which must not wait may take: less than the second
/// that stale keys are waited for, the shortest of all waits, and more than a shared machine stands still.
const CALL: Duration = Duration::from_secs(5);
const NO_WAIT: Duration = Duration::from_millis(900);

/// How a host asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Calls `verify`, which may wait.
    Threads,
    /// Calls `try_verify`, and again after what it would have waited for.
    EventLoop,
}

/// What a call came to.
struct Verdict {
    outcome: Option<Outcome>,
    retry_after: Option<u32>,
    said: String,
}

/// Everything a step can touch.
struct Stage {
    host: Host,
    server: Option<Server>,
    evil: Server,
    issuer: String,
    clock: TestClock,
    verifier: Option<Verifier>,
    resident_before: u64,
}

/// What each step that went wrong came to.
type Findings = Vec<String>;

/// Plays it; what differs from `correct`, if anything. `None` where this machine cannot: it has no IPv6.
pub fn play(scenario: &Scenario, host: Host) -> Option<Findings> {
    let base = Base::named(&scenario.base);
    if base == Some(Base::Http6) && std::net::TcpListener::bind("[::1]:0").is_err() {
        return None;
    }
    // Both are made on first use: neither time nor memory of theirs is the verifier's.
    for name in ["k1", "k2", "rogue"] {
        replies::signer(name);
    }
    let evil = Server::start(Base::Http, String::new()).unwrap();
    let server = base.map(|base| Server::start(base, evil.url().to_owned()).unwrap());
    let url = server.as_ref().map_or(scenario.base.as_str(), Server::url);
    let issuer = format!("{url}{}", scenario.path);
    let clock = TestClock::new();
    let made = verifier(&issuer, server.as_ref(), &clock);
    let is_refused = scenario.steps.iter().any(|step| matches!(step, Step::ConfigError));
    let (verifier, refusal) = match made {
        Ok(verifier) => (Some(verifier), None),
        Err(error) => (None, Some(error)),
    };
    let resident_before = resident("VmRSS");
    let stage = Arc::new(Stage { host, server, evil, issuer, clock, verifier, resident_before });
    let mut findings = match refusal {
        Some(error) if !is_refused => vec![format!("no verifier: {error}")],
        _ => run(&stage, &scenario.steps),
    };
    for path in stage.server.iter().flat_map(Server::unknown) {
        findings.push(format!("the scenario asks for {path}, which the server does not know"));
    }
    Some(findings)
}

fn verifier(issuer: &str, server: Option<&Server>, clock: &TestClock) -> Result<Verifier, Error> {
    let mut builder =
        Config::builder().authkit_domain(issuer).resource(RESOURCE).allow_insecure_loopback(true);
    if let Some(ca_file) = server.and_then(Server::ca_file) {
        builder = builder.ca_file(ca_file);
    }
    verifier_with_clock(builder.build()?, clock)
}

fn run(stage: &Arc<Stage>, steps: &[Step]) -> Findings {
    let mut findings = Findings::new();
    let mut beside: Vec<JoinHandle<Findings>> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let found = match step {
            Step::Background { steps } => {
                let (stage, steps) = (Arc::clone(stage), steps.clone());
                beside.push(thread::spawn(move || run(&stage, &steps)));
                Findings::new()
            }
            Step::Join => beside.drain(..).flat_map(|beside| beside.join().unwrap()).collect(),
            step => stage.take(step).err().into_iter().collect(),
        };
        findings.extend(found.into_iter().map(|found| format!("step {}: {found}", number + 1)));
    }
    findings.extend(beside.into_iter().flat_map(|beside| beside.join().unwrap()));
    findings
}

impl Stage {
    fn take(&self, step: &Step) -> Result<(), String> {
        match step {
            Step::Verify { mint, expect, max_ms, retry_after } => {
                let (verdict, took) = self.verify(&self.mint(mint));
                check(&verdict, expect)?;
                check_retry_after(&verdict, *retry_after)?;
                at_most("milliseconds", took.as_millis(), *max_ms)
            }
            Step::Repeat { n, mint, expect, max_ms_mean } => {
                self.many(*n, expect, *max_ms_mean, |_| self.mint(mint))
            }
            Step::Flood { kind, n, expect, max_ms_mean } => {
                self.many(*n, expect, *max_ms_mean, |number| self.flood(*kind, number))
            }
            Step::Parallel { n, mint, expect, max_ms } => self.parallel(*n, mint, expect, *max_ms),
            Step::Phase { n } => {
                self.server()?.set_phase(*n);
                Ok(())
            }
            Step::Until { mint, expect, within_s, every_s } => {
                self.until(mint, expect, *within_s, *every_s)
            }
            Step::Traffic { s, per_s, mint, expect } => self.traffic(*s, *per_s, mint, expect),
            Step::Requests { min, max } => {
                let requests = self.server()?.requests();
                at_most("requests", requests.into(), *max)?;
                if requests < *min {
                    Err(format!("{requests} requests, at least {min}"))
                } else {
                    Ok(())
                }
            }
            Step::Trap { scenario, max } => {
                at_most(&format!("requests at {scenario}"), self.evil.connections().into(), *max)
            }
            Step::Stat { field, max, .. } => {
                let server = self.server()?;
                let value = match field {
                    Field::Connections => server.connections(),
                    Field::Requests => server.requests(),
                    Field::Bytes => server.bytes(),
                };
                at_most(&format!("{field:?}"), value.into(), *max)
            }
            Step::RssGrowthMb { max } => {
                let growth = resident("VmHWM").saturating_sub(self.resident_before) / 1024;
                at_most("MB more memory at the peak", growth.into(), *max)
            }
            Step::Advance { s } | Step::Sleep { s } => {
                self.clock.advance(Duration::from_secs(*s));
                Ok(())
            }
            Step::Wall { s } => {
                self.clock.set_wall(*s);
                Ok(())
            }
            Step::Refresh { expect, max_ms } => {
                let started = Instant::now();
                check(&Verdict::of(&self.verifier()?.refresh()), expect)?;
                at_most("milliseconds", started.elapsed().as_millis(), *max_ms)
            }
            Step::ConfigError => match &self.verifier {
                Some(_) => Err("the configuration is taken".to_owned()),
                None => Ok(()),
            },
            Step::Background { .. } | Step::Join => Err("not inside another step".to_owned()),
        }
    }

    fn verifier(&self) -> Result<&Verifier, String> {
        self.verifier.as_ref().ok_or_else(|| "there is no verifier".to_owned())
    }

    fn server(&self) -> Result<&Server, String> {
        self.server.as_ref().ok_or_else(|| "there is no server of ours at this URL".to_owned())
    }

    fn verify(&self, token: &str) -> (Verdict, Duration) {
        let started = Instant::now();
        let verdict = match (&self.verifier, self.host) {
            (None, _) => {
                Verdict { outcome: None, retry_after: None, said: "no verifier".to_owned() }
            }
            (Some(verifier), Host::Threads) => Verdict::of(&verifier.verify(token, &Policy::new())),
            (Some(verifier), Host::EventLoop) => try_until_settled(verifier, token),
        };
        (verdict, started.elapsed())
    }

    fn many(
        &self,
        n: u64,
        expect: &[Outcome],
        max_ms_mean: u64,
        token: impl Fn(u64) -> String,
    ) -> Result<(), String> {
        self.verifier()?;
        let mut took = Duration::ZERO;
        for number in 0..n {
            let (verdict, span) = self.verify(&token(number));
            check(&verdict, expect).map_err(|found| format!("number {}: {found}", number + 1))?;
            took += span;
        }
        at_most("microseconds in the mean", took.as_micros() / u128::from(n), max_ms_mean * 1000)
    }

    fn parallel(
        &self,
        n: usize,
        mint: &Mint,
        expect: &[Outcome],
        max_ms: u64,
    ) -> Result<(), String> {
        self.verifier()?;
        let token = self.mint(mint);
        let start = Barrier::new(n);
        let verdicts: Vec<_> = thread::scope(|scope| {
            let call = || {
                start.wait();
                self.verify(&token)
            };
            let calls: Vec<_> = (0..n).map(|_| scope.spawn(call)).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        for (verdict, took) in verdicts {
            check(&verdict, expect)?;
            at_most("milliseconds", took.as_millis(), max_ms)?;
        }
        Ok(())
    }

    /// Waits by the test's clock: a cool-down of a minute is over in a fraction of a second.
    fn until(
        &self,
        mint: &Mint,
        expect: &[Outcome],
        within: u64,
        every: u64,
    ) -> Result<(), String> {
        let mut waited = 0;
        loop {
            let (verdict, took) = self.verify(&self.mint(mint));
            let Err(found) = check(&verdict, expect) else { return Ok(()) };
            waited += every + took.as_secs();
            if waited > within {
                return Err(format!("after {within} s still {found}"));
            }
            self.pass(Duration::from_secs(every));
        }
    }

    fn traffic(&self, s: u64, per_s: u64, mint: &Mint, expect: &[Outcome]) -> Result<(), String> {
        self.verifier()?;
        let mut token = String::new();
        for number in 0..s * per_s {
            if number % SHOWN_AGAIN == 0 {
                token = self.mint(mint);
            }
            let (verdict, _) = self.verify(&token);
            check(&verdict, expect).map_err(|found| format!("number {}: {found}", number + 1))?;
            self.pass(Duration::from_secs(1) / u32::try_from(per_s).unwrap());
        }
        Ok(())
    }

    /// Time by the test's clock, and a little real time for what goes on beside the calls.
    fn pass(&self, span: Duration) {
        self.clock.advance(span);
        thread::sleep(REAL_SECOND.mul_f64(span.as_secs_f64()));
    }

    fn claims(&self) -> Value {
        let now = self.clock.now();
        json!({
            "iss": self.issuer, "aud": RESOURCE, "sub": "user_01H", "client_id": "client_01H",
            "scope": "openid", "iat": now, "exp": now + 300,
        })
    }

    fn mint(&self, mint: &Mint) -> String {
        let kid = mint.kid.as_deref();
        let signer = replies::signer(mint.key.as_deref().or(kid).unwrap_or("rogue"));
        signer.token_with_header(&json!({ "kid": kid }), &self.claims())
    }

    /// A token that nobody signed, in place of a signature as long as one: none of these gets as far as
    /// to a key but those with a real key's id, or with none.
    fn flood(&self, kind: Flood, number: u64) -> String {
        let mut claims = self.claims();
        let random = format!("random-{number:x}-{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let kid = match kind {
            Flood::Kid | Flood::Expired | Flood::Issuer => json!(random),
            Flood::LongKid => json!(format!("{random}{}", "x".repeat(4096))),
            Flood::SameKid => json!("nope"),
            Flood::NoKid => Value::Null,
            Flood::BadSig => json!("k1"),
            Flood::Malformed => return random,
        };
        match kind {
            Flood::Expired => claims["exp"] = json!(self.clock.now() - 100_000),
            Flood::Issuer => claims["iss"] = json!("https://other.example"),
            _ => {}
        }
        let mut header = json!({ "alg": "RS256" });
        if !kid.is_null() {
            header["kid"] = kid;
        }
        format!(
            "{}.{}.{}",
            encode(header.to_string()),
            encode(claims.to_string()),
            encode([7; 256])
        )
    }
}

/// As a host with an event loop does, its worker thread included.
fn try_until_settled(verifier: &Verifier, token: &str) -> Verdict {
    let deadline = Instant::now() + CALL;
    loop {
        let seen = verifier.fetches_ended();
        let started = Instant::now();
        let verdict = verifier.try_verify(token, &Policy::new());
        let took = started.elapsed();
        let left = deadline.saturating_duration_since(Instant::now());
        match &verdict {
            _ if took > NO_WAIT => {
                let said = format!("try_verify waited for {took:?}");
                return Verdict { outcome: None, retry_after: None, said };
            }
            Err(error) if error.code() == Code::WouldBlock && !left.is_zero() => {
                let _ = verifier.wait(seen, left.min(Duration::from_secs(1)));
            }
            // Out of time: such a host answers 503, as the code says.
            Err(error) if error.code() == Code::WouldBlock => {
                let outcome = Some(Outcome::Unavailable);
                return Verdict {
                    outcome,
                    retry_after: error.retry_after(),
                    said: error.to_string(),
                };
            }
            _ => return Verdict::of(&verdict),
        }
    }
}

impl Verdict {
    fn of<T>(verdict: &Result<T, Error>) -> Self {
        let Err(error) = verdict else {
            let outcome = Some(Outcome::Accept);
            return Self { outcome, retry_after: None, said: "accept".to_owned() };
        };
        let outcome = match error.code().class() {
            Class::Token | Class::Forbidden => Some(Outcome::Reject),
            Class::KeysUnavailable | Class::Unconfirmed => Some(Outcome::Unavailable),
            _ => None,
        };
        Self { outcome, retry_after: error.retry_after(), said: error.to_string() }
    }
}

fn check(verdict: &Verdict, expect: &[Outcome]) -> Result<(), String> {
    match verdict.outcome {
        Some(outcome) if expect.contains(&outcome) => Ok(()),
        _ => Err(verdict.said.clone()),
    }
}

fn check_retry_after(verdict: &Verdict, bounds: Option<(u32, u32)>) -> Result<(), String> {
    match (bounds, verdict.retry_after) {
        (None, _) => Ok(()),
        (Some((least, most)), Some(asked)) if (least..=most).contains(&asked) => Ok(()),
        (Some(bounds), asked) => Err(format!("retry_after {asked:?}, not within {bounds:?}")),
    }
}

fn at_most(what: &str, value: u128, most: u64) -> Result<(), String> {
    if value > most.into() { Err(format!("{value} {what}, at most {most}")) } else { Ok(()) }
}

/// A line of this process's memory, in KiB.
fn resident(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')).unwrap();
    value.trim().trim_end_matches("kB").trim().parse().unwrap()
}
