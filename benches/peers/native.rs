//! The bare signature check and Rust's `jsonwebtoken` as workers of `make bench`: `peers CASE DIRECTORY`.
//!
//! What a worker is asked and answers: benches/peers/workers.py.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::hint::black_box;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::Value;

/// Of a chunk, whose time is one figure.
const CHUNK: Duration = Duration::from_millis(5);
/// Of what a thread of several does before others have their turn.
const SPELL: Duration = Duration::from_millis(20);

/// Whether the token of this number is accepted.
type Verify = Box<dyn Fn(usize) -> bool + Sync>;

struct Workload(PathBuf);

impl Workload {
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(String::from).collect()
    }

    fn jwk(&self) -> Value {
        serde_json::from_str(&self.read("jwk.json")).unwrap()
    }
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// AWS-LC with a key parsed beforehand, hashing included, the signature decoded beforehand: the reference.
fn raw(workload: &Workload) -> Verify {
    let jwk = workload.jwk();
    let member = |name: &str| decode(jwk[name].as_str().unwrap());
    let key = match jwk["alg"].as_str().unwrap() {
        "RS256" => RsaPublicKeyComponents { n: member("n"), e: member("e") }
            .to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256),
        "ES256" => ParsedPublicKey::new(
            &signature::ECDSA_P256_SHA256_FIXED,
            [vec![4], member("x"), member("y")].concat(),
        ),
        _ => ParsedPublicKey::new(&signature::ED25519, member("x")),
    }
    .unwrap();
    let split = |token: String| {
        let (input, signature) = token.rsplit_once('.').unwrap();
        (input.to_owned(), decode(signature))
    };
    let parts: Vec<_> = workload.lines("tokens").into_iter().map(split).collect();
    Box::new(move |at| key.verify_sig(parts[at].0.as_bytes(), &parts[at].1).is_ok())
}

/// What a server would read out of an AuthKit token.
#[allow(dead_code)]
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: u64,
    iat: u64,
    sid: String,
    jti: String,
    client_id: String,
    org_id: String,
    role: String,
    roles: Vec<String>,
    permissions: Vec<String>,
    scope: String,
}

fn jsonwebtoken(workload: &Workload) -> Verify {
    let jwk: Jwk = serde_json::from_value(workload.jwk()).unwrap();
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let algorithm: Algorithm = jwk.common.key_algorithm.unwrap().to_string().parse().unwrap();
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[workload.read("issuer")]);
    validation.set_audience(&[workload.read("audience")]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let accepts = move |token: &str| {
        jsonwebtoken::decode::<Claims>(token, &key, &validation).map(black_box).is_ok()
    };
    assert!(!workload.lines("refused").iter().any(|token| accepts(token)), "took a bad token");
    let tokens = workload.lines("tokens");
    Box::new(move |at| accepts(&tokens[at]))
}

/// CPU time of this thread.
fn cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Verifies the tokens in turn, each `number` of them once more from the first.
struct Turns<'a> {
    verify: &'a Verify,
    number: usize,
    next: usize,
}

impl Turns<'_> {
    fn take(&mut self, count: usize) {
        for _ in 0..count {
            assert!((self.verify)(self.next), "a good token was refused");
            self.next = if self.next + 1 < self.number { self.next + 1 } else { 0 };
        }
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// CPU time of a verdict in µs: the median of the chunks.
fn alone(verify: &Verify, number: usize, time: Duration) -> f64 {
    let mut turns = Turns { verify, number, next: 0 };
    let mut count = 1;
    let mut cpus = Vec::new();
    let began = Instant::now();
    while began.elapsed() < time || cpus.is_empty() {
        let then = cpu();
        turns.take(count);
        let spent = cpu() - then;
        if spent < CHUNK / 2 && cpus.is_empty() {
            count *= 2;
        } else {
            cpus.push(spent.as_secs_f64() * 1e6 / count as f64);
        }
    }
    median(cpus)
}

/// What a thread did: so many verdicts between these moments.
#[derive(Clone, Copy)]
struct Spell {
    began: Instant,
    ended: Instant,
    verdicts: u32,
}

impl Spell {
    fn work(turns: &mut Turns<'_>) -> Self {
        let began = Instant::now();
        let mut spell = Self { began, ended: began, verdicts: 0 };
        while spell.ended - began < SPELL {
            turns.take(4);
            spell.verdicts += 4;
            spell.ended = Instant::now();
        }
        spell
    }

    fn rate(self) -> f64 {
        f64::from(self.verdicts) / (self.ended - self.began).as_secs_f64()
    }
}

/// What so many threads do at once, in terms of what one of them does alone: the median of turns.
fn together(verify: &Verify, number: usize, threads: usize, time: Duration) -> f64 {
    let barrier = Barrier::new(threads);
    let began = Instant::now();
    let going_on = AtomicBool::new(true);
    let member = |place: usize| {
        let mut turns = Turns { verify, number, next: place * number / threads };
        let mut spells = Vec::new();
        while going_on.load(Ordering::Relaxed) {
            for phase in 0..=threads {
                if barrier.wait().is_leader() && phase == threads {
                    going_on.store(began.elapsed() < time, Ordering::Relaxed);
                }
                if phase == place || phase == threads {
                    spells.push(Spell::work(&mut turns));
                }
            }
            barrier.wait();
        }
        spells
    };
    let members: Vec<Vec<Spell>> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|at| scope.spawn(move || member(at))).collect();
        started.into_iter().map(|member| member.join().unwrap()).collect()
    });
    median((0..members[0].len() / 2).map(|turn| gain(&members, 2 * turn)).collect())
}

/// Of a turn whose phases, alone and among the others, are at this place.
fn gain(members: &[Vec<Spell>], at: usize) -> f64 {
    let alone: f64 = members.iter().map(|spells| spells[at].rate()).sum();
    let among = || members.iter().map(|spells| spells[at + 1]);
    let all = Spell {
        began: among().map(|spell| spell.began).min().unwrap(),
        ended: among().map(|spell| spell.ended).max().unwrap(),
        verdicts: among().map(|spell| spell.verdicts).sum(),
    };
    all.rate() * members.len() as f64 / alone
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let workload = Workload(Path::new(&arguments[2]).to_owned());
    let verify = match arguments[1].as_str() {
        "raw" => raw(&workload),
        "jsonwebtoken" => jsonwebtoken(&workload),
        case => panic!("no case {case}"),
    };
    let tokens = workload.lines("tokens").len();
    Turns { verify: &verify, number: tokens, next: 0 }.take(tokens);
    println!("ready");
    for line in stdin().lock().lines().map(Result::unwrap) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = if words[0] == "repeat" { 1 } else { tokens };
        let (threads, time) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        let time = Duration::from_secs_f64(time);
        let figure = match threads {
            1 => alone(&verify, number, time),
            _ => together(&verify, number, threads, time),
        };
        println!("{figure}");
        stdout().flush().unwrap();
    }
}
