//! Plays scenarios of a JWKS endpoint that fails, lies, stalls or floods, against a server that does so.
//!
//! A scenario says what is done and what must come of it; `docs/faults.md` says how they are played. Time that
//! only a cool-down needs passes by the test's clock, time that a fetch needs is real.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod player;
mod replies;
mod scenario;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use parking_lot::Mutex;
use player::Host;
use scenario::{Scenario, Step, Strength};

/// The scenarios that were given.
const GIVEN: &str = "vectors/jwks_fault_scenarios.json";
/// Our own, of the same kinds.
const OURS: &str = "faults/scenarios.json";
/// Names the one scenario that a child process plays.
const ONE: &str = "AUTHKIT_FAULT_SCENARIO";
/// Scenarios that do not wait, played at the same time: more would measure each other.
const BRISK_AT_ONCE: usize = 2;
/// Scenarios that wait for most of their time, played at the same time.
const WAITING_AT_ONCE: usize = 24;

/// Held by the test whose scenarios are played: those of several at once would go on at the same moments, and what
/// is measured would be how many threads of ours there are.
static PLAYING: Mutex<()> = Mutex::new(());

type Disagreement = (Strength, String, Vec<String>);

#[test]
fn the_given_scenarios_come_out_as_they_say() {
    judge(GIVEN, &play_all(&light(GIVEN), Host::Threads));
}

#[test]
fn the_given_scenarios_come_out_the_same_for_who_cannot_wait() {
    judge(GIVEN, &play_all(&light(GIVEN), Host::EventLoop));
}

#[test]
fn our_scenarios_come_out_as_they_say() {
    judge(OURS, &play_all(&light(OURS), Host::Threads));
}

#[test]
fn our_scenarios_come_out_the_same_for_who_cannot_wait() {
    judge(OURS, &play_all(&light(OURS), Host::EventLoop));
}

/// One process each, one after the other, so that what is measured is the scenario's own; what crashes it, or
/// eats its stack, is told too.
#[test]
fn scenarios_that_measure_memory_come_out_as_they_say() {
    if let Ok(id) = std::env::var(ONE) {
        let all = [GIVEN, OURS].into_iter().flat_map(scenario::read);
        let scenario = all.into_iter().find(|scenario| scenario.id == id).unwrap();
        let findings = player::play(&scenario, Host::Threads).unwrap_or_default();
        assert!(findings.is_empty(), "{}", findings.join("; "));
        return;
    }
    for file in [GIVEN, OURS] {
        let weighty = scenario::read(file).into_iter().filter(measures_memory);
        let disagreements: Vec<_> = weighty.filter_map(|one| play_apart(&one)).collect();
        judge(file, &disagreements);
    }
}

#[test]
fn every_scenario_has_its_own_name_and_says_what_is_correct() {
    let mut all: Vec<_> = [GIVEN, OURS].into_iter().flat_map(scenario::read).collect();
    assert!(all.iter().all(|one| !one.correct.is_empty() && !one.steps.is_empty()));
    let count = all.len();
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all.dedup_by(|one, other| one.id == other.id);
    assert_eq!(all.len(), count);
}

fn measures_memory(scenario: &Scenario) -> bool {
    scenario.steps.iter().any(|step| matches!(step, Step::RssGrowthMb { .. }))
}

fn light(file: &str) -> Vec<Scenario> {
    scenario::read(file).into_iter().filter(|one| !measures_memory(one)).collect()
}

/// Many at once of those that wait, the longest first, and a few at a time of the others.
fn play_all(scenarios: &[Scenario], host: Host) -> Vec<Disagreement> {
    let _others_wait = PLAYING.lock();
    let disagreements = Mutex::new(Vec::new());
    let play = |scenario: &Scenario| {
        let started = Instant::now();
        match player::play(scenario, host) {
            Some(findings) if findings.is_empty() => {}
            Some(findings) => disagreements.lock().push(disagreement(scenario, findings)),
            None => println!("{} is skipped: this machine has no IPv6", scenario.id),
        }
        println!("{:6.1} s  {}", started.elapsed().as_secs_f64(), scenario.id);
    };
    let (mut waiting, brisk): (Vec<_>, Vec<_>) =
        scenarios.iter().partition(|scenario| scenario.seconds > 0);
    waiting.sort_by_key(|scenario| std::cmp::Reverse(scenario.seconds));
    let queues = [(WAITING_AT_ONCE, waiting), (BRISK_AT_ONCE, brisk)]
        .map(|(at_once, scenarios)| (at_once, Mutex::new(scenarios.into_iter())));
    let work = |queue: &Mutex<std::vec::IntoIter<&Scenario>>| {
        loop {
            let Some(scenario) = queue.lock().next() else { return };
            play(scenario);
        }
    };
    thread::scope(|scope| {
        for (at_once, queue) in &queues {
            for _ in 0..*at_once {
                scope.spawn(|| work(queue));
            }
        }
    });
    disagreements.into_inner()
}

fn play_apart(scenario: &Scenario) -> Option<Disagreement> {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "scenarios_that_measure_memory_come_out_as_they_say"])
        .env(ONE, &scenario.id)
        .output()
        .unwrap();
    println!("        {}", scenario.id);
    if child.status.success() {
        return None;
    }
    let told = String::from_utf8_lossy(&child.stdout).into_owned();
    let told = told.lines().filter(|line| line.contains("step ")).collect::<Vec<_>>().join("; ");
    Some(disagreement(scenario, vec![format!("{}: {told}", child.status)]))
}

fn disagreement(scenario: &Scenario, findings: Vec<String>) -> Disagreement {
    let what = format!("{} ({}, {})", scenario.id, scenario.group, scenario.correct);
    (scenario.strength, what, findings)
}

/// Of strength must nothing may differ; of the others nothing that docs/faults.md does not argue.
fn judge(file: &str, disagreements: &[Disagreement]) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let is_argued = |(strength, what, _): &&Disagreement| {
        let id = what.split(' ').next().unwrap_or_default();
        *strength > Strength::Must && docs.contains(&format!("| `{id}` |"))
    };
    let (argued, open): (Vec<_>, Vec<_>) = disagreements.iter().partition(is_argued);
    let mut report = String::new();
    for strength in [Strength::Must, Strength::Should, Strength::May] {
        for (_, what, findings) in open.iter().filter(|(found, ..)| *found == strength) {
            report.push_str(&format!("\n{strength:?} {what}\n    {}", findings.join("\n    ")));
        }
    }
    println!("{file}: {} differ as argued, {} differ", argued.len(), open.len());
    assert!(open.is_empty(), "{file}:{report}");
}
