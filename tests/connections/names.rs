//! Name servers that are slow, silent, late or wrong.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use parking_lot::Mutex;

use super::*;

/// A look-up that waits for this sender before it answers, and counts how often it was asked.
fn held(
    builder: ConfigBuilder,
    address: SocketAddr,
) -> (Verifier, TestClock, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (clock, asked) = (clock(), Arc::new(AtomicUsize::new(0)));
    let (go_on, wait) = mpsc::channel::<()>();
    let (wait, counted) = (Mutex::new(wait), Arc::clone(&asked));
    let verifier = verifier_with_names(builder.build().unwrap(), &clock, move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        let _ = wait.lock().recv();
        Ok(vec![address])
    });
    (verifier.unwrap(), clock, go_on, asked)
}

#[test]
fn a_slow_look_up_leaves_the_rest_of_the_limit_to_the_other_phases() {
    let server = good();
    let slow = net::Service::relay(server.address(), Duration::from_millis(1200));
    let address = slow.address;
    let verifier = verifier_with_names(config(&server).build().unwrap(), &clock(), move |_, _| {
        // The slowness is the point.
        std::thread::sleep(Duration::from_millis(2500));
        Ok(vec![address])
    });
    accepted_within(&verifier.unwrap(), Duration::from_secs(5), "2.5 s of look-up");
}

#[test]
fn a_look_up_that_comes_too_late_serves_the_next_try() {
    let server = good();
    let (verifier, clock, go_on, asked) = held(config(&server).fetch_timeout(1), server.address());
    let reason = unavailable_within(&verifier, Duration::from_secs(1) + SLACK, "a silent server");
    names_phase_address_and_time(&reason, "name look-up", "localhost");
    go_on.send(()).unwrap();
    // The pause after a failure.
    clock.advance(Duration::from_secs(10));
    accepted_within(&verifier, SLACK, "the late answer");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn look_ups_of_one_name_under_way_are_one() {
    let server = good();
    let (verifier, clock, go_on, asked) = held(config(&server).fetch_timeout(1), server.address());
    for _ in 0..3 {
        unavailable_within(&verifier, Duration::from_secs(1) + SLACK, "a silent server");
        clock.advance(Duration::from_secs(100));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    drop(go_on);
    accepted_within(&verifier, SLACK, "answered after all");
}

#[test]
fn a_name_that_is_not_found_is_named_without_the_resolvers_words() {
    for error in [
        || Err(io::Error::other("hunter2 \u{1b}[31m\nsecret")),
        || Err(io::Error::from_raw_os_error(2)),
        || Ok(Vec::new()),
    ] {
        let config = config_for("https://keys.example/jwks").build().unwrap();
        let verifier = verifier_with_names(config, &clock(), move |_, _| error()).unwrap();
        let reason = unavailable_within(&verifier, SLACK, "not found");
        names_phase_address_and_time(&reason, "name look-up", "keys.example");
        assert!(!reason.contains("hunter2"), "{reason}");
    }
}
