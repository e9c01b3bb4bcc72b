//! The cache's timing, by a clock that is set by hand and an issuer that answers by a script.

use std::collections::VecDeque;

// A test that fails must not fail the next by poison.
use parking_lot::Mutex;

use super::*;
use crate::algorithm::Algorithm;
use crate::jwks::fetch::Fetched;
use crate::jwks::keyset::KeySet;

type KeyCache = Cache<KeySet>;

/// A clock that goes on by a nanosecond at each look, and otherwise stands until it is told.
#[derive(Debug, Default)]
struct Hands {
    time: Mutex<Duration>,
    times_set: Mutex<u32>,
    /// By how much this machine's wall clock is wrong.
    wall_offset: Mutex<i64>,
}

impl Hands {
    /// Some milliseconds later each time, so that what was to end a whole second ago has ended.
    fn set(&self, seconds: u64) {
        let mut times_set = self.times_set.lock();
        *times_set += 1;
        *self.time.lock() = Duration::from_secs(seconds) + Duration::from_millis(1) * *times_set;
    }
}

impl Clock for Hands {
    fn moment(&self) -> Moment {
        let mut time = self.time.lock();
        *time += Duration::from_nanos(1);
        let wall = EPOCH.saturating_add_signed(*self.wall_offset.lock());
        Moment { monotonic: *time, wall: Duration::from_secs(wall) + *time }
    }
}

/// The wall clock's time when the hands say 0.
const EPOCH: u64 = 1_760_000_000;

/// What a source answers.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// Good keys, for so many seconds.
    Keys(u64),
    /// Other good keys.
    OtherKeys(u64),
    /// Good keys and one that is unusable.
    SomeKeys(u64),
    Unchanged(u64),
    /// No key set.
    Garbage,
    /// Good keys from a server whose clock is so many seconds ahead.
    KeysAhead(i64),
    Down,
    /// Down, and asks to be left alone for so many seconds.
    Busy(u32),
    /// A defect.
    Panic,
}
use Answer::*;

/// Answers by a script, the last line again and again, and counts.
#[derive(Debug, Clone, Default)]
struct ScriptedSource(Arc<Script>);

#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<usize>,
    /// Of each fetch, whether a cache on the way had to ask the issuer.
    first_hand: Mutex<Vec<bool>>,
    /// Held by a test for as long as no answer may come.
    gate: Mutex<()>,
}

impl ScriptedSource {
    fn answers(&self, answers: &[Answer]) {
        *self.0.answers.lock() = answers.iter().copied().collect();
    }

    fn asked(&self) -> usize {
        *self.0.asked.lock()
    }

    /// Waits until so many fetches have begun.
    fn await_asked(&self, count: usize) {
        while self.asked() < count {
            thread::yield_now();
        }
    }
}

impl Fetch for ScriptedSource {
    fn fetch(&self, ask: Ask<'_>) -> std::result::Result<Fetched, FetchError> {
        self.0.first_hand.lock().push(ask.first_hand);
        *self.0.asked.lock() += 1;
        drop(self.0.gate.lock());
        let mut answers = self.0.answers.lock();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
        let fetched = |document: Option<String>, ttl| {
            let document = document.map(String::into_bytes);
            Ok(Fetched { document, ttl: Duration::from_secs(ttl), ..Fetched::default() })
        };
        match answer.expect("a script") {
            Keys(ttl) => fetched(Some(set(&[KEY])), ttl),
            OtherKeys(ttl) => fetched(Some(set(&[OTHER_KEY])), ttl),
            SomeKeys(ttl) => fetched(Some(set(&[r#"{"kty":"oct","kid":"s","k":"AA"}"#, KEY])), ttl),
            Unchanged(ttl) => fetched(None, ttl),
            Garbage => fetched(Some("{}".to_owned()), 300),
            KeysAhead(seconds) => Ok(Fetched {
                document: Some(set(&[KEY]).into_bytes()),
                ttl: Duration::from_secs(300),
                server_time: Some(EPOCH as i64 + seconds),
                ..Fetched::default()
            }),
            Down => Err(FetchError::new("down")),
            Busy(seconds) => {
                Err(FetchError { retry_after: Some(seconds), ..FetchError::new("busy") })
            }
            Panic => panic!("as scripted"),
        }
    }
}

/// RFC 8037 appendix A.2.
const KEY: &str =
    r#"{"kty":"OKP","kid":"k1","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 8032 section 7.1, test 2.
const OTHER_KEY: &str =
    r#"{"kty":"OKP","kid":"k2","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;

fn set(keys: &[&str]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn cache(answers: &[Answer]) -> (Arc<KeyCache>, ScriptedSource, Arc<Hands>) {
    cache_in(RefreshMode::Background, answers)
}

fn cache_in(mode: RefreshMode, answers: &[Answer]) -> (Arc<KeyCache>, ScriptedSource, Arc<Hands>) {
    let (source, hands) = (ScriptedSource::default(), Arc::new(Hands::default()));
    source.answers(answers);
    (sharing(mode, &source, &hands, None), source, hands)
}

/// A cache of its own, as if in a process of its own where it shares a file with others.
fn sharing(
    mode: RefreshMode,
    source: &ScriptedSource,
    hands: &Arc<Hands>,
    directory: Option<&std::path::Path>,
) -> Arc<KeyCache> {
    let around = Surroundings {
        mode,
        leeway: 60,
        fetch_timeout: Duration::from_secs(5),
        clock: Arc::clone(hands) as Arc<dyn Clock>,
        journal: Arc::new(Journal::new(Arc::default())),
        landings: Arc::new(PerProcess::new(Landings::default)),
    };
    let rules = vec![Algorithm::EdDsa];
    let shared = directory.map(|path| SharedFile::new(path, "i", "https://i/keys"));
    Arc::new(Cache::fetched("i", Box::new(source.clone()), shared, rules, around))
}

impl Cache<KeySet> {
    fn call(&self, wait: Wait) -> Call<'static> {
        Call::new(wait, self.moment())
    }

    fn now(self: &Arc<Self>, wait: Wait) -> Result<Arc<Snapshot<KeySet>>> {
        self.current(&self.call(wait))
    }

    fn newer(
        self: &Arc<Self>,
        searched: &Arc<Snapshot<KeySet>>,
        key_id: &str,
        wait: Wait,
    ) -> Result<Arc<Snapshot<KeySet>>> {
        self.newer_than(searched, key_id, &self.call(wait).for_key(Some(key_id)))
    }

    /// Waits until no fetch is under way.
    fn settle(&self) {
        let landings = self.around.landings.get();
        while self.flight.get().under_way_since().is_some() {
            landings.wait(landings.ended(), Duration::from_secs(20));
        }
    }

    fn events(&self) -> Vec<&'static str> {
        std::iter::from_fn(|| self.around.journal.next()).map(|event| event.name()).collect()
    }
}

fn code<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|error| error.code())
}

fn same(a: &Result<Arc<Snapshot<KeySet>>>, b: &Arc<Snapshot<KeySet>>) -> bool {
    a.as_ref().is_ok_and(|a| Arc::ptr_eq(a, b))
}

#[test]
fn a_refresh_that_is_due_makes_nobody_wait() {
    let (cache, source, hands) = cache(&[Keys(300)]);
    let first = cache.now(Wait::Allowed).unwrap();
    hands.set(224);
    assert!(same(&cache.now(Wait::Allowed), &first));
    assert_eq!(source.asked(), 1);
    hands.set(299);
    let gate = source.0.gate.lock();
    for _ in 0..100 {
        assert!(same(&cache.now(Wait::Allowed), &first), "the old keys, at once");
    }
    drop(gate);
    cache.settle();
    assert_eq!(source.asked(), 2);
    assert!(!same(&cache.now(Wait::No), &first), "the new ones from now on");
}

#[test]
fn stale_keys_are_tolerated_for_an_hour_of_outage() {
    let (cache, source, hands) = cache(&[Keys(300), Down]);
    cache.now(Wait::Allowed).unwrap();
    for seconds in (300..3600).step_by(60) {
        hands.set(seconds);
        assert!(cache.now(Wait::Allowed).is_ok(), "{seconds} s");
        cache.settle();
    }
    assert_eq!(source.asked(), 56, "each was tried to be refreshed");
    hands.set(3600);
    let error = cache.now(Wait::Allowed).unwrap_err();
    assert_eq!(error.code(), Code::KeysUnavailable);
    source.answers(&[Keys(300)]);
    hands.set(3600 + u64::from(error.retry_after().unwrap()));
    assert!(cache.now(Wait::Allowed).is_ok(), "back at once");
}

#[test]
fn after_an_outage_without_calls_the_first_call_finds_out_by_itself() {
    let (cache, source, hands) = cache(&[Keys(300)]);
    cache.now(Wait::Allowed).unwrap();
    hands.set(8 * 3600);
    assert!(
        cache.now(Wait::Allowed).is_ok(),
        "after a night's sleep: fetched before it is trusted"
    );
    assert_eq!(source.asked(), 2);
}

#[test]
fn who_cannot_wait_gets_would_block_once_and_stale_keys_while_the_server_fails() {
    let (cache, _, hands) = cache(&[Down]);
    assert_eq!(code(cache.now(Wait::No)), Some(Code::WouldBlock));
    cache.settle();
    assert_eq!(code(cache.now(Wait::No)), Some(Code::KeysUnavailable), "no use asking yet");
    hands.set(1);
    assert_eq!(code(cache.now(Wait::No)), Some(Code::WouldBlock), "another try");
    cache.settle();

    let (cache, _, hands) = self::cache(&[Keys(60), Down]);
    cache.now(Wait::Allowed).unwrap();
    hands.set(100);
    assert_eq!(code(cache.now(Wait::No)), Some(Code::WouldBlock));
    cache.settle();
    assert!(cache.now(Wait::No).is_ok(), "stale, while the server fails");
}

#[test]
fn while_a_fetch_is_slow_stale_keys_serve() {
    let (cache, source, hands) = cache(&[Keys(60)]);
    let first = cache.now(Wait::Allowed).unwrap();
    hands.set(100);
    let gate = source.0.gate.lock();
    let began = Instant::now();
    assert!(same(&cache.now(Wait::Allowed), &first), "after a second of patience");
    assert!(began.elapsed() >= PATIENCE);
    for wait in [Wait::No, Wait::Allowed] {
        // Had these waited, they would have for ever.
        assert!(same(&cache.now(wait), &first), "it is slow already");
    }
    drop(gate);
    cache.settle();
    assert!(!same(&cache.now(Wait::No), &first));
    assert_eq!(source.asked(), 2);
}

#[test]
fn after_a_failure_nobody_asks_for_a_second() {
    let (cache, source, hands) = cache(&[Down]);
    for _ in 0..10 {
        let error = cache.now(Wait::Allowed).unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (Code::KeysUnavailable, Some(1)));
    }
    assert_eq!(source.asked(), 1);
    hands.set(1);
    assert!(cache.now(Wait::Allowed).is_err());
    assert_eq!(source.asked(), 2);
    assert!(cache.refresh().is_err());
    assert_eq!(source.asked(), 3, "the host may always ask");
}

#[test]
fn a_server_that_says_when_is_asked_then() {
    let (cache, source, hands) = cache(&[Busy(40)]);
    assert_eq!(cache.now(Wait::Allowed).unwrap_err().retry_after(), Some(40));
    hands.set(39);
    assert_eq!(cache.now(Wait::Allowed).unwrap_err().retry_after(), Some(1));
    assert_eq!(source.asked(), 1);
    hands.set(40);
    source.answers(&[Keys(300)]);
    assert!(cache.now(Wait::Allowed).is_ok());
}

#[test]
fn a_fetch_that_panics_leaves_nobody_waiting() {
    let (cache, source, hands) = cache(&[Panic]);
    let panicking = Arc::clone(&cache);
    assert!(thread::spawn(move || panicking.now(Wait::Allowed).map(drop)).join().is_err());
    assert_eq!(code(cache.now(Wait::Allowed)), Some(Code::KeysUnavailable));
    source.answers(&[Keys(300)]);
    hands.set(1);
    assert!(cache.now(Wait::Allowed).is_ok());
}

#[test]
fn a_forked_child_does_not_wait_for_its_parents_fetch() {
    let (cache, source, _) = cache(&[Keys(300)]);
    let deadline = Instant::now() + Duration::from_secs(3600);
    let parents = cache.flight.get();
    assert!(matches!(parents.board(deadline, |_| None::<()>), Boarding::Lead(_)));
    cache.flight.forget_process();
    cache.around.landings.forget_process();
    assert!(cache.now(Wait::Allowed).is_ok());
    assert_eq!(source.asked(), 1);
}

#[test]
fn one_unknown_key_id_causes_one_fetch_though_it_is_asked_for_twice() {
    let (cache, source, hands) = cache(&[Keys(300)]);
    let first = cache.now(Wait::Allowed).unwrap();
    assert_eq!(code(cache.newer(&first, "k", Wait::No)), Some(Code::WouldBlock));
    cache.settle();
    let second = cache.now(Wait::Allowed).unwrap();
    assert_eq!(code(cache.newer(&second, "k", Wait::Allowed)), Some(Code::UnknownKey));
    assert_eq!(source.asked(), 2);
    // Asked once more, it may have been rotated in since.
    assert!(cache.newer(&second, "k", Wait::Allowed).is_ok());
    assert_eq!(source.asked(), 3);
    // Who waited has had the answer of the fetch it made; the next question is a new one.
    hands.set(60);
    let third = cache.now(Wait::Allowed).unwrap();
    assert!(cache.newer(&third, "k", Wait::Allowed).is_ok());
    assert_eq!(source.asked(), 4);
}

#[test]
fn who_could_not_wait_for_the_first_keys_does_not_search_them_again() {
    let (cache, source, _) = cache(&[Keys(300)]);
    let call = |wait| cache.call(wait).for_key(Some("k"));
    let gate = source.0.gate.lock();
    assert_eq!(code(cache.current(&call(Wait::No))), Some(Code::WouldBlock));
    drop(gate);
    cache.settle();
    let first = cache.current(&call(Wait::No)).unwrap();
    assert_eq!(code(cache.newer_than(&first, "k", &call(Wait::No))), Some(Code::UnknownKey));
    assert_eq!(source.asked(), 1);
}

#[test]
fn what_was_fetched_for_a_call_is_not_fetched_again_by_it() {
    let (cache, source, _) = cache(&[Keys(300)]);
    let call = cache.call(Wait::Allowed).for_key(Some("k"));
    let first = cache.current(&call).unwrap();
    assert_eq!(code(cache.newer_than(&first, "k", &call)), Some(Code::UnknownKey));
    assert_eq!(source.asked(), 1);
}

#[test]
fn who_followed_a_fetch_that_began_before_its_call_may_ask_again() {
    let (cache, source, _) = cache(&[Keys(300), OtherKeys(300)]);
    let gate = source.0.gate.lock();
    assert_eq!(code(cache.now(Wait::No)), Some(Code::WouldBlock));
    source.await_asked(1);
    let call = cache.call(Wait::Allowed).for_key(Some("k2"));
    drop(gate);
    let first = cache.current(&call).unwrap();
    let second = cache.newer_than(&first, "k2", &call).unwrap();
    assert_eq!(source.asked(), 2);
    assert_eq!(code(cache.newer_than(&second, "k3", &call)), Some(Code::UnknownKey));
}

#[test]
fn unknown_key_ids_cause_two_fetches_and_one_more_per_ten_seconds() {
    let (cache, source, hands) = cache(&[Keys(3600)]);
    let known = cache.now(Wait::Allowed).unwrap();
    let mut fetched = 0;
    for second in 1..=301 {
        hands.set(second);
        for id in 0..100 {
            let searched = cache.now(Wait::Allowed).unwrap();
            match cache.newer(&searched, &format!("{second}-{id}"), Wait::Allowed) {
                Ok(_) => fetched += 1,
                Err(error) => {
                    assert_eq!(error.code(), Code::KeyUnconfirmed, "{error:?}");
                    assert!((1..=10).contains(&error.retry_after().unwrap()), "{error:?}");
                }
            }
        }
    }
    assert_eq!((fetched, source.asked()), (32, 33), "2 + 300 / 10, and the first");
    assert!(cache.stats().throttled > 29_000);
    assert!(!same(&cache.now(Wait::No), &known));
    let throttled = cache.events().into_iter().filter(|name| *name == "throttled").count();
    assert!(throttled <= 32, "told once between two fetches, not once a token: {throttled}");
}

#[test]
fn a_new_key_is_known_within_ten_seconds_though_a_flood_runs() {
    let (cache, source, hands) = cache(&[Keys(3600)]);
    cache.now(Wait::Allowed).unwrap();
    for published in [101, 117, 130] {
        source.answers(&[Keys(3600)]);
        cache.refresh().unwrap();
        for second in 1..=published + 11 {
            hands.set(1000 * published + second);
            if second == published {
                source.answers(&[OtherKeys(3600)]);
            }
            for id in 0..20 {
                let searched = cache.now(Wait::Allowed).unwrap();
                let _ = cache.newer(&searched, &format!("{second}-{id}"), Wait::Allowed);
            }
            cache.settle();
        }
        assert!(cache.now(Wait::No).unwrap().holds("k2"), "published at {published}");
    }
}

/// What a call gets for this key id, once it has waited as a host on an event loop would.
fn look_up(cache: &Arc<KeyCache>, key_id: &str, wait: Wait) -> Result<bool> {
    let call = cache.call(wait).for_key(Some(key_id));
    let known = cache.current(&call)?;
    if known.holds(key_id) {
        return Ok(true);
    }
    cache.newer_than(&known, key_id, &call).map(|newer| newer.holds(key_id))
}

#[test]
fn an_unknown_key_is_unconfirmed_as_long_as_the_issuer_cannot_be_asked() {
    for refusal in [Down, Garbage, Busy(60)] {
        let (cache, source, hands) = cache(&[Keys(3600), refusal]);
        cache.now(Wait::Allowed).unwrap();
        for second in 1..=300 {
            hands.set(second);
            for wait in [Wait::No, Wait::Allowed] {
                let answer = code(look_up(&cache, "k2", wait));
                let open = [Some(Code::WouldBlock), Some(Code::KeyUnconfirmed)];
                assert!(open.contains(&answer), "{refusal:?}, second {second}: {answer:?}");
                cache.settle();
            }
        }
        // 300 s, a try in 2 to 5 s: however long it fails, and whatever it asks for.
        assert!((60..=150).contains(&source.asked()), "{refusal:?}: {}", source.asked());
        source.answers(&[OtherKeys(3600)]);
        hands.set(305);
        assert_eq!(look_up(&cache, "k2", Wait::Allowed), Ok(true), "known once it answers");
    }
}

#[test]
fn without_usable_keys_the_issuers_failure_is_an_outage_for_an_unknown_key_too() {
    let (cache, _, hands) = cache(&[Keys(300), Down]);
    cache.now(Wait::Allowed).unwrap();
    hands.set(4000);
    assert_eq!(code(look_up(&cache, "k2", Wait::Allowed)), Some(Code::KeysUnavailable));
}

#[test]
fn only_the_issuers_own_answer_makes_a_key_unknown() {
    let (cache, source, hands) = cache(&[Keys(300)]);
    // A cold cache asks the issuer itself, if a token names a key.
    assert_eq!(code(look_up(&cache, "k2", Wait::Allowed)), Some(Code::UnknownKey));
    assert_eq!(*source.0.first_hand.lock(), [true]);
    // A refresh for its age during the very call may come from a cache on the way.
    hands.set(280);
    let call = cache.call(Wait::Allowed).for_key(Some("k2"));
    cache.now(Wait::Allowed).unwrap();
    cache.settle();
    let newer = cache.in_force().unwrap();
    assert!(newer.began.monotonic > call.began.monotonic);
    assert!(cache.newer_than(&newer, "k2", &call).is_ok(), "it is asked");
    assert_eq!(*source.0.first_hand.lock(), [true, false, true]);
}

#[test]
fn a_withdrawn_key_is_unknown_without_a_fetch_for_a_minute_after_two_first_hand_ones() {
    let (cache, source, hands) = cache(&[Keys(3600), OtherKeys(3600)]);
    cache.now(Wait::Allowed).unwrap();
    for (second, fetches) in [(1, 3), (30, 3), (59, 3), (100, 4), (150, 4)] {
        hands.set(second);
        if second == 1 {
            assert_eq!(look_up(&cache, "k2", Wait::Allowed), Ok(true));
        }
        let call = cache.call(Wait::Allowed).for_key(Some("k1"));
        let known = cache.current(&call).unwrap();
        match cache.newer_than(&known, "k1", &call) {
            Ok(newer) => {
                assert_eq!(code(cache.newer_than(&newer, "k1", &call)), Some(Code::UnknownKey));
            }
            Err(error) => assert_eq!(error.code(), Code::UnknownKey),
        }
        assert_eq!(source.asked(), fetches, "second {second}");
    }
    // A refresh that a cache may have answered does not count.
    let (cache, source, hands) = self::cache(&[Keys(60), OtherKeys(60)]);
    for second in [0, 61, 122, 183] {
        hands.set(second);
        cache.now(Wait::Allowed).unwrap();
    }
    assert!(look_up(&cache, "k1", Wait::Allowed).is_ok());
    assert_eq!(source.asked(), 5);
}

#[test]
fn withdrawn_key_ids_are_bounded_and_forgotten_if_they_come_back() {
    let (cache, source, _) = cache(&[Keys(300)]);
    cache.now(Wait::Allowed).unwrap();
    source.answers(&[OtherKeys(300)]);
    cache.refresh().unwrap();
    assert_eq!(cache.in_force().unwrap().withdrawn.len(), 1);
    source.answers(&[Keys(300)]);
    cache.refresh().unwrap();
    let withdrawn: Vec<_> =
        cache.in_force().unwrap().withdrawn.iter().map(|it| it.key_id.clone()).collect();
    assert_eq!(withdrawn, ["k2"]);
}

#[test]
fn nobody_waits_long_for_another_callers_look_up_or_at_all_while_the_issuer_is_slow() {
    let (cache, source, _) = cache(&[Keys(3600)]);
    cache.now(Wait::Allowed).unwrap();
    let gate = source.0.gate.lock();
    assert_eq!(code(look_up(&cache, "a", Wait::No)), Some(Code::WouldBlock), "it leads");
    let began = Instant::now();
    assert_eq!(code(look_up(&cache, "b", Wait::Allowed)), Some(Code::KeyUnconfirmed));
    assert!(began.elapsed() >= PATIENCE);
    // From now on the issuer is known to be slow. Had these waited, they would have for ever.
    let began = Instant::now();
    for number in 0..100 {
        let id = number.to_string();
        assert_eq!(code(look_up(&cache, &id, Wait::Allowed)), Some(Code::KeyUnconfirmed));
        // Who holds no thread may wait: its token may be good.
        let error = look_up(&cache, &id, Wait::No).unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (Code::WouldBlock, Some(1)));
    }
    assert!(began.elapsed() < PATIENCE);
    drop(gate);
    cache.settle();
}

#[test]
fn after_a_fetch_that_took_long_and_failed_nobody_waits_for_the_next_look_up() {
    let (cache, source, hands) = cache(&[Keys(3600), Down, OtherKeys(3600)]);
    cache.now(Wait::Allowed).unwrap();
    let gate = source.0.gate.lock();
    assert_eq!(code(look_up(&cache, "k2", Wait::No)), Some(Code::WouldBlock));
    assert_eq!(code(look_up(&cache, "k2", Wait::Allowed)), Some(Code::KeyUnconfirmed));
    drop(gate);
    cache.settle();
    hands.set(10);
    let gate = source.0.gate.lock();
    let error = look_up(&cache, "k2", Wait::Allowed).unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::KeyUnconfirmed, Some(1)));
    source.await_asked(3);
    drop(gate);
    cache.settle();
    assert_eq!(look_up(&cache, "k2", Wait::Allowed), Ok(true), "fetched meanwhile");
}

#[test]
fn a_call_with_little_time_left_does_not_cut_a_fetch_short() {
    let (cache, source, _) = cache(&[Keys(3600)]);
    cache.now(Wait::Allowed).unwrap();
    let call = cache.call(Wait::Allowed).for_key(Some("k2"));
    call.deadline.set(Instant::now() + Duration::from_millis(50)).unwrap();
    let known = cache.current(&call).unwrap();
    let gate = source.0.gate.lock();
    assert_eq!(code(cache.newer_than(&known, "k2", &call)), Some(Code::KeyUnconfirmed));
    drop(gate);
    cache.settle();
    assert_eq!((cache.stats().fetches, cache.stats().failures), (2, 0));
}

#[test]
fn in_an_outage_nobody_waits_for_a_fetch_that_hangs() {
    let (cache, source, hands) = cache(&[Keys(300), Down]);
    let first = cache.now(Wait::Allowed).unwrap();
    hands.set(300);
    assert!(same(&cache.now(Wait::Allowed), &first), "this one tried");
    hands.set(400);
    let gate = source.0.gate.lock();
    for _ in 0..10 {
        assert!(same(&cache.now(Wait::Allowed), &first), "and nobody waits for the next");
    }
    drop(gate);
    cache.settle();
    assert_eq!(source.asked(), 3);
}

#[test]
fn a_server_that_fails_is_asked_less_and_less_while_the_keys_are_good() {
    let (cache, source, hands) = cache(&[Keys(300), Down]);
    cache.now(Wait::Allowed).unwrap();
    for seconds in 300..1500 {
        hands.set(seconds);
        assert!(cache.now(Wait::Allowed).is_ok());
        cache.settle();
    }
    // 1200 s at up to 60 s a pause; without backing off there were 1200.
    assert!((20..200).contains(&source.asked()), "{}", source.asked());
    // A key that is missed does not wait for that pause.
    let asked = source.asked();
    let known = cache.now(Wait::Allowed).unwrap();
    hands.set(1506);
    assert_eq!(code(cache.newer(&known, "k", Wait::Allowed)), Some(Code::KeyUnconfirmed));
    assert_eq!(source.asked(), asked + 1);
}

#[test]
fn who_looked_before_a_fetch_ended_and_asks_after_it_gets_its_keys() {
    let (cache, source, _) = cache(&[Keys(300)]);
    // Saw no keys, or searched these; meanwhile others came.
    let searched = cache.now(Wait::Allowed).unwrap();
    assert!(cache.obtain(&Need::Age, &cache.call(Wait::Allowed)).is_ok());
    assert_eq!(source.asked(), 1, "as if it had seen none");
    cache.refresh().unwrap();
    assert!(!same(&cache.newer(&searched, "k", Wait::No), &searched));
    assert_eq!(source.asked(), 2);
}

#[test]
fn keys_that_were_given_during_a_fetch_are_not_replaced_by_it() {
    let (cache, source, _) = cache(&[Keys(300)]);
    let gate = source.0.gate.lock();
    assert_eq!(code(cache.now(Wait::No)), Some(Code::WouldBlock));
    source.await_asked(1);
    cache.give(&set(&[OTHER_KEY])).unwrap();
    drop(gate);
    cache.settle();
    assert_eq!(cache.in_force().unwrap().source, Source::Given);
    assert_eq!(cache.stats().standing, "given");
}

#[test]
fn inline_mode_makes_no_thread() {
    let (cache, source, hands) = cache_in(RefreshMode::Inline, &[Keys(300)]);
    assert_eq!(code(cache.now(Wait::No)), Some(Code::FetchNeeded));
    assert_eq!(
        (source.asked(), cache.flight.get().under_way_since()),
        (0, None),
        "nothing started"
    );
    let first = cache.now(Wait::Allowed).unwrap();
    hands.set(290);
    assert!(same(&cache.now(Wait::No), &first), "due, but not by who cannot wait");
    assert_eq!(source.asked(), 1);
    assert!(cache.now(Wait::Allowed).is_ok());
    assert_eq!(source.asked(), 2, "by the caller, before it returned");
    hands.set(600);
    assert_eq!(code(cache.now(Wait::No)), Some(Code::FetchNeeded), "stale");
    assert!(cache.now(Wait::Allowed).is_ok());
    assert_eq!(source.asked(), 3);
    source.answers(&[Down]);
    hands.set(1000);
    assert!(cache.now(Wait::Allowed).is_ok());
    assert!(cache.now(Wait::No).is_ok(), "stale keys while it fails");
    assert_eq!(source.asked(), 4);
}

#[test]
fn manual_mode_fetches_when_the_host_says_and_never_else() {
    let (cache, source, hands) = cache_in(RefreshMode::Manual, &[Keys(300)]);
    for wait in [Wait::No, Wait::Allowed] {
        let error = cache.now(wait).unwrap_err();
        assert_eq!(error.code(), Code::KeysUnavailable);
        assert!(error.hint().unwrap().contains("refresh"), "{error}");
    }
    assert_eq!(source.asked(), 0);
    cache.refresh().unwrap();
    let first = cache.now(Wait::No).unwrap();
    let error = cache.newer(&first, "k", Wait::Allowed).unwrap_err();
    assert_eq!(error.code(), Code::KeyUnconfirmed, "nobody has asked the issuer");
    assert!(error.hint().unwrap().contains("refresh"), "{error}");
    for seconds in [290, 1000, 3599] {
        hands.set(seconds);
        assert!(same(&cache.now(Wait::Allowed), &first), "{seconds}");
    }
    hands.set(3600);
    assert_eq!(code(cache.now(Wait::Allowed)), Some(Code::KeysUnavailable));
    assert_eq!(source.asked(), 1);
    // Who can wait, waits for the host's refresh where one is under way.
    let gate = source.0.gate.lock();
    thread::scope(|scope| {
        let refreshing = scope.spawn(|| cache.refresh());
        while cache.flight.get().under_way_since().is_none() {
            thread::yield_now();
        }
        assert_eq!(code(cache.now(Wait::No)), Some(Code::WouldBlock));
        let waiting = scope.spawn(|| cache.now(Wait::Allowed).map(drop));
        drop(gate);
        refreshing.join().unwrap().unwrap();
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn what_happens_is_told_once() {
    let (cache, source, hands) =
        cache(&[SomeKeys(60), SomeKeys(60), OtherKeys(60), Down, Unchanged(60)]);
    cache.now(Wait::Allowed).unwrap();
    assert_eq!(cache.events(), ["fetched", "key_dropped"]);
    cache.refresh().unwrap();
    assert_eq!(cache.events(), ["fetched"], "the same entry is dropped as before");
    cache.refresh().unwrap();
    assert_eq!(cache.events(), ["fetched", "rotated"]);
    hands.set(100);
    cache.now(Wait::Allowed).unwrap();
    cache.now(Wait::Allowed).unwrap();
    assert_eq!(cache.events(), ["failed", "stale_served"]);
    assert_eq!(cache.stats().stale_served, 2);
    cache.refresh().unwrap();
    assert_eq!(cache.events(), ["fetched"]);
    let stats = cache.stats();
    assert_eq!((stats.fetches, stats.failures, stats.not_modified), (5, 1, 1));
    assert_eq!((stats.generation, source.asked()), (2, 5));
    assert_eq!((stats.standing, stats.age, stats.ttl), ("fresh", Some(0), Some(60)));
    // 75 to 90 % of 60 s, less the moment that has passed, in whole seconds.
    assert!((44..=54).contains(&stats.next_refresh.unwrap()));
}

#[test]
fn a_rotation_names_the_keys_that_came_and_went() {
    let (cache, _, _) = cache(&[Keys(300), OtherKeys(300)]);
    cache.refresh().unwrap();
    cache.refresh().unwrap();
    let rotated = std::iter::from_fn(|| cache.around.journal.next())
        .find(|event| event.name() == "rotated")
        .unwrap();
    let (added, removed) = (vec!["k2".to_owned()], vec!["k1".to_owned()]);
    assert_eq!(rotated.happening, Happening::Rotated { added, removed });
}

#[test]
fn skew_beyond_the_leeway_is_told_when_it_changes() {
    let (cache, source, hands) = cache(&[KeysAhead(0)]);
    for (ahead, wall_offset, skew, told) in [
        (0, 0, 0, false),
        (60, 0, 60, false),
        (61, 0, 61, true),
        (61, 0, 61, false),
        (0, 600, -600, true),
        (0, 0, 0, false),
        (3600, 0, 3600, true),
    ] {
        source.answers(&[KeysAhead(ahead)]);
        *hands.wall_offset.lock() = wall_offset;
        cache.events();
        cache.refresh().unwrap();
        assert_eq!(cache.stats().skew, Some(skew));
        assert_eq!(cache.events().contains(&"skew_seen"), told, "{ahead} {wall_offset}");
        assert_eq!(cache.skew_beyond_leeway().is_some(), skew.abs() > 60);
    }
}

#[test]
fn skew_is_what_the_duration_of_the_fetch_cannot_explain() {
    let at = |seconds| Moment { monotonic: Duration::ZERO, wall: Duration::from_secs(seconds) };
    for (theirs, began, ended, expected) in [
        (1000, 1000, 1000, 0),
        (999, 1000, 1005, 0),
        (1006, 1000, 1005, 0),
        (1003, 1000, 1005, 0),
        (998, 1000, 1005, -2),
        (1007, 1000, 1005, 2),
        (0, 1000, 1005, -1000),
    ] {
        assert_eq!(skew(theirs, at(began), at(ended)), expected, "{theirs}");
    }
}

/// Caches that share a file, as in so many processes, each with a source that counts for all.
#[cfg(unix)]
fn fleet(
    size: usize,
    answers: &[Answer],
) -> (tempfile::TempDir, Vec<Arc<KeyCache>>, ScriptedSource, Arc<Hands>) {
    let (directory, source, hands) =
        (tempfile::tempdir().unwrap(), ScriptedSource::default(), Arc::new(Hands::default()));
    source.answers(answers);
    let path = directory.path().join("keys");
    let member = |_| sharing(RefreshMode::Background, &source, &hands, Some(&path));
    let caches = (0..size).map(member).collect();
    (directory, caches, source, hands)
}

#[cfg(unix)]
#[test]
fn a_fleet_of_processes_fetches_once_per_time_to_live() {
    let (_directory, caches, source, hands) = fleet(20, &[Keys(300)]);
    thread::scope(|scope| {
        for cache in &caches {
            scope.spawn(|| cache.now(Wait::Allowed).unwrap());
        }
    });
    assert_eq!(source.asked(), 1, "cold, all at once");
    assert_eq!(
        caches.iter().filter(|cache| cache.stats().source == Some(Source::File)).count(),
        19
    );
    for age in [290, 580, 870] {
        hands.set(age);
        for cache in &caches {
            cache.now(Wait::Allowed).unwrap();
            cache.settle();
        }
    }
    assert_eq!(source.asked(), 4, "the first whose refresh is due fetches for all");
}

#[cfg(unix)]
#[test]
fn a_key_that_one_process_has_fetched_is_known_to_all() {
    let (_directory, caches, source, hands) = fleet(2, &[Keys(300), OtherKeys(300)]);
    let [one, two] = caches.as_slice() else { panic!() };
    one.now(Wait::Allowed).unwrap();
    let old = two.now(Wait::Allowed).unwrap();
    hands.set(10);
    one.refresh().unwrap();
    assert_eq!(source.asked(), 2);
    hands.set(20);
    let newer = two.newer(&old, "k2", Wait::Allowed).unwrap();
    assert_eq!((newer.source, source.asked()), (Source::File, 2));
    // It is not newer than this question: where it lacks the key, the issuer is asked.
    let newest = two.newer(&newer, "k3", Wait::Allowed).unwrap();
    assert_eq!((newest.source, source.asked()), (Source::Network, 3));
}

#[cfg(unix)]
#[test]
fn in_an_outage_a_new_process_has_what_another_one_left_for_an_hour() {
    for (age, good) in [(299, true), (3000, true), (3600, false)] {
        let (_directory, caches, source, hands) = fleet(2, &[Keys(60), Down]);
        let [one, two] = caches.as_slice() else { panic!() };
        one.now(Wait::Allowed).unwrap();
        hands.set(age);
        assert_eq!(two.now(Wait::Allowed).is_ok(), good, "{age}");
        assert_eq!(source.asked(), 2);
        if good {
            assert_eq!(two.events(), ["fetched", "failed", "stale_served"]);
            assert!(two.now(Wait::No).is_ok());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_new_process_whose_fetch_fails_serves_by_what_another_one_has_just_fetched() {
    let (_directory, caches, source, _) = fleet(2, &[Keys(300), Down]);
    let [one, two] = caches.as_slice() else { panic!() };
    one.now(Wait::Allowed).unwrap();
    // It asks the issuer itself, for a key that the file lacks.
    assert_eq!(code(look_up(two, "k2", Wait::Allowed)), Some(Code::KeyUnconfirmed));
    assert_eq!(source.asked(), 2);
    assert_eq!(look_up(two, "k1", Wait::Allowed), Ok(true));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_believed_is_told_once_and_the_issuer_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    let (directory, caches, source, _) = fleet(1, &[Keys(300)]);
    let path = directory.path().join("keys");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
    let cache = &caches[0];
    cache.now(Wait::Allowed).unwrap();
    cache.refresh().unwrap();
    assert_eq!(source.asked(), 2);
    assert_eq!(cache.events(), ["shared_file_refused", "fetched", "fetched"]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    cache.refresh().unwrap();
    assert_eq!(cache.events(), ["fetched"]);
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1, "shared again");
}

#[cfg(unix)]
#[test]
fn what_is_no_key_set_is_never_shared() {
    let (directory, caches, _, _) = fleet(1, &[Garbage]);
    assert!(caches[0].now(Wait::Allowed).is_err());
    let files = std::fs::read_dir(directory.path().join("keys")).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().ends_with(".lock")), "{names:?}");
}
