//! What the shared file must withstand: whoever else writes to the machine, clocks that are set, processes
//! that are killed, forked or simply at work at the same time.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use tempfile::TempDir;

use super::directory::{LONGEST_HOLD, directory_fault, file_fault};
use super::*;
use crate::clock::{Clock as _, SystemClock};

const ISSUER: &str = "https://p-1.authkit.app";
const URL: &str = "https://p-1.authkit.app/oauth2/jwks";
/// Longer than anything here takes, so that a test which waits so long fails.
const LONG: Duration = Duration::from_secs(60);
/// Tells a test which was started as another process what to work on.
const TOLD: &str = "STORE_TEST_DIRECTORY";

fn shared(directory: impl AsRef<Path>) -> SharedFile {
    SharedFile::new(directory.as_ref(), ISSUER, URL)
}

fn directory() -> (TempDir, SharedFile) {
    let parent = tempfile::tempdir().unwrap();
    let file = shared(parent.path().join("keys"));
    (parent, file)
}

fn now() -> Moment {
    SystemClock::new().moment()
}

fn stored(text: &str) -> Stored {
    Stored {
        document: text.as_bytes().to_vec(),
        tag: Some("\"e1\"".to_owned()),
        ttl: Duration::from_secs(300),
        age: Duration::ZERO,
        first_hand: true,
    }
}

impl SharedFile {
    fn data(&self) -> PathBuf {
        self.directory.join(&self.data_name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn documents(&self) -> Option<Vec<u8>> {
        self.load(now()).unwrap().map(|stored| stored.document)
    }

    /// One try, without waiting.
    fn try_lock(&self) -> LockOutcome<()> {
        self.lock(Instant::now(), || None)
    }

    fn lock_within(&self, limit: Duration) -> LockOutcome<()> {
        self.lock(Instant::now() + limit, || None)
    }
}

impl<T: std::fmt::Debug> LockOutcome<T> {
    fn held(self) -> Lock {
        match self {
            LockOutcome::Held(lock) => lock,
            other => panic!("{other:?}"),
        }
    }

    fn is_timed_out(&self) -> bool {
        matches!(self, LockOutcome::TimedOut)
    }
}

// --- the document ------------------------------------------------------------------------------------

#[test]
fn what_one_saves_another_loads_as_old_as_it_is() {
    let (_parent, file) = directory();
    assert_eq!(file.load(now()), Ok(None), "no directory yet");
    assert!(!file.directory.exists(), "looking makes none");
    let mut fetched = stored("{\"keys\": [\"\u{e9}\\\"\"]}\n");
    fetched.age = Duration::from_millis(1500);
    file.save(&fetched, now()).unwrap();

    let loaded = shared(&file.directory).load(now()).unwrap().unwrap();
    assert!(loaded.age > fetched.age && loaded.age < LONG, "{:?}", loaded.age);
    assert_eq!(Stored { age: fetched.age, ..loaded }, fetched);
    fetched = Stored { tag: None, age: Duration::ZERO, ..fetched };
    file.save(&fetched, now()).unwrap();
    assert_eq!(file.load(now()).unwrap().unwrap().tag, None);

    assert_eq!(fs::metadata(&file.directory).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(file.data()).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(file.names(), [file.data_name.as_str()], "nothing else is left");
}

#[test]
fn each_issuer_and_url_has_a_file_of_its_own() {
    let directory = Path::new("/d");
    let mut names = std::collections::BTreeSet::new();
    let pairs = [
        (ISSUER, URL),
        (ISSUER, "https://p-1.authkit.app/oauth2/jwks/"),
        ("https://p-1.authkit.app/", URL),
        ("https://p-1.authkit.apphttps://", "p-1.authkit.app/oauth2/jwks"),
        ("https://api.workos.com", "https://api.workos.com/sso/jwks/client_1"),
        ("https://api.workos.com", "https://api.workos.com/sso/jwks/client_2"),
        ("https://api.workos.com/user_management/client_1", "https://api.workos.com/x"),
    ];
    for (issuer, url) in pairs {
        let file = SharedFile::new(directory, issuer, url);
        assert!(names.insert(file.data_name.clone()), "{issuer} {url}");
        assert!(names.insert(file.lock_name.clone()), "{issuer} {url}");
    }
    let long = format!("https://{}/", "x".repeat(10_000));
    for hostile in ["../../etc/passwd", "https://../..", "https://A\0b\n:1/", "", &long] {
        let name = SharedFile::new(directory, hostile, hostile).data_name;
        assert!(name.starts_with("jwks-v2-") && name.len() < 120, "{name}");
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        assert!(name.bytes().all(plain), "{name}");
    }
}

#[test]
fn refuses_a_document_of_another_issuer_or_url() {
    let (_parent, file) = directory();
    file.save(&stored("{}"), now()).unwrap();
    for (issuer, url) in [("https://p-2.authkit.app", URL), (ISSUER, "https://p-1.authkit.app/x")] {
        let other = SharedFile::new(&file.directory, issuer, url);
        assert_eq!(other.load(now()), Ok(None));
        fs::rename(file.data(), other.data()).unwrap();
        let reason = other.load(now()).unwrap_err();
        assert!(reason.ends_with("is of another issuer or URL"), "{reason}");
        fs::rename(other.data(), file.data()).unwrap();
    }
    assert!(file.documents().is_some());
}

#[test]
fn refuses_every_truncation_and_all_that_is_not_exactly_such_a_file() {
    let (_parent, file) = directory();
    file.save(&stored("{\"keys\":[]}"), now()).unwrap();
    let whole = fs::read_to_string(file.data()).unwrap();
    let written = |content: &[u8]| {
        fs::write(file.data(), content).unwrap();
        file.load(now())
    };
    assert!(written(whole.as_bytes()).is_ok_and(|stored| stored.is_some()));
    for length in 0..whole.len() {
        assert!(written(&whole.as_bytes()[..length]).is_err(), "{length} of {}", whole.len());
    }

    let member = |name: &str, value: &str| {
        let mut members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&whole).unwrap();
        assert!(members.insert(name.to_owned(), serde_json::from_str(value).unwrap()).is_some());
        serde_json::to_string(&members).unwrap()
    };
    let text = |text: &str| serde_json::to_string(text).unwrap();
    let before_the_end = |more: &str| format!("{},{more}}}", &whole[..whole.len() - 1]);
    let envelope = Envelope::parse(whole.as_bytes()).unwrap();
    // In the order of the members, as serde would take them.
    let values = (
        (envelope.version, &envelope.issuer, &envelope.url, envelope.saved_ms),
        (&envelope.boot_id, envelope.boot_ms, envelope.age_ms, envelope.ttl_ms),
        (envelope.first_hand, &envelope.tag, &envelope.document),
    );
    let values = serde_json::to_string(&values).unwrap().replace("],[", ",");
    let values = &values[1..values.len() - 1];
    for (what, content) in [
        ("garbage", "\u{7f}ELF".to_owned()),
        ("zeros, as after a crash", "\0".repeat(whole.len())),
        ("null", "null".to_owned()),
        ("the values in an array", values.to_owned()),
        ("more after its end", format!("{whole}{{}}")),
        ("twice", format!("{whole}{whole}")),
        ("a byte order mark", format!("\u{feff}{whole}")),
        ("an unknown member", before_the_end("\"x\":1")),
        ("a repeated member", before_the_end("\"document\":\"{}\"")),
        ("a repeated member, spelt otherwise", before_the_end("\"d\\u006fcument\":\"{}\"")),
        ("another version", member("version", "1")),
        ("a version of another type", member("version", "\"1\"")),
        ("an issuer of another type", member("issuer", "null")),
        ("a negative age", member("age_ms", "-1")),
        ("a fractional age", member("age_ms", "0.5")),
        (
            "an age beyond any number",
            member("age_ms", "0").replace("_ms\":0", "_ms\":18446744073709551616"),
        ),
        ("an age that is no number", member("age_ms", "\"0\"")),
        ("a time to live beyond the limit", member("ttl_ms", "3600001")),
        ("a document that is no string", member("document", "{\"keys\":[]}")),
        ("a document too long", member("document", &text(&"x".repeat(MAX_DOCUMENT_LENGTH + 1)))),
        ("a file too long", format!("{whole}{}", " ".repeat(MAX_FILE_LENGTH))),
        ("a tag with a line break", member("tag", &text("x\r\nhost: evil"))),
        ("an empty tag", member("tag", "\"\"")),
        ("a tag too long", member("tag", &text(&"x".repeat(MAX_TAG_LENGTH + 1)))),
    ] {
        let reason = written(content.as_bytes()).expect_err(what);
        assert!(!reason.contains("evil") && !reason.contains(ISSUER), "{what}: {reason}");
    }
    let mut latin = whole.replace("\\\"e1\\\"", "\\\"e?\\\"").into_bytes();
    *latin.iter_mut().find(|octet| **octet == b'?').unwrap() = 0xe9;
    assert!(written(&latin).unwrap_err().ends_with("is not UTF-8"));
}

#[test]
fn writes_nothing_that_would_not_be_believed() {
    let (_parent, file) = directory();
    let good = stored("{}");
    for (what, bad) in [
        ("not UTF-8", Stored { document: vec![0xff], ..good.clone() }),
        ("too long", Stored { document: vec![b' '; MAX_DOCUMENT_LENGTH + 1], ..good.clone() }),
        ("no tag", Stored { tag: Some("\n".to_owned()), ..good.clone() }),
        ("too long a life", Stored { ttl: HARD_LIMIT * 2, ..good.clone() }),
        ("all escapes", Stored { document: vec![1; MAX_DOCUMENT_LENGTH], ..good.clone() }),
    ] {
        assert!(file.save(&bad, now()).is_err(), "{what}");
        assert!(!file.data().exists(), "{what}");
    }
    // The longest document whose every octet must be escaped, as in none that is JSON.
    let longest = Stored { document: vec![b'"'; MAX_DOCUMENT_LENGTH], ..good };
    file.save(&longest, now()).unwrap();
    assert_eq!(file.documents(), Some(longest.document));
}

#[test]
fn what_was_fetched_later_stays() {
    let (_parent, file) = directory();
    let aged = |text, seconds| Stored { age: Duration::from_secs(seconds), ..stored(text) };
    file.save(&aged("first", 100), now()).unwrap();
    file.save(&aged("second", 5), now()).unwrap();
    file.save(&aged("first again", 100), now()).unwrap();
    assert_eq!(file.documents().unwrap(), b"second");
    // What is there and not believed stands in nobody's way.
    fs::write(file.data(), "garbage").unwrap();
    file.save(&aged("first", 100), now()).unwrap();
    assert_eq!(file.documents().unwrap(), b"first");
}

// --- its age -----------------------------------------------------------------------------------------

#[test]
fn no_clock_makes_a_document_younger_than_it_is() {
    let file = shared("/d");
    let fetched = Stored { age: Duration::from_secs(10), ..stored("{}") };
    let boot =
        |id: &str, elapsed| Some(Boot { id: id.to_owned(), elapsed: Duration::from_secs(elapsed) });
    let (known, unknown) = (boot("a", 500), None::<Boot>);
    enum Then {
        Aged(u64),
        Nothing,
        Refused,
    }
    use Then::{Aged, Nothing, Refused};
    for (what, then, wall, boot, expected) in [
        ("at once", &known, 100_000, boot("a", 500), Aged(10)),
        ("a minute later", &known, 100_060, boot("a", 560), Aged(70)),
        ("wall clock set back a little", &known, 99_996, boot("a", 560), Aged(70)),
        ("wall clock set back by more", &known, 99_990, boot("a", 560), Refused),
        ("wall clock set back since, a while ago", &known, 100_001, boot("a", 560), Aged(70)),
        ("wall clock set forward", &known, 101_000, boot("a", 560), Aged(1010)),
        (
            "the other clock stood still, in a restored image",
            &known,
            103_000,
            boot("a", 500),
            Aged(3010),
        ),
        ("the other clock is behind", &known, 100_060, boot("a", 499), Refused),
        ("the machine was started anew", &known, 100_060, boot("b", 60), Nothing),
        ("it was, and its clock lost the time", &known, 100_000, boot("b", 560), Nothing),
        ("another system, that cannot tell", &known, 100_060, None, Nothing),
        ("saved by one that cannot tell", &unknown, 100_060, boot("a", 560), Nothing),
        ("neither can tell", &unknown, 100_060, None, Aged(70)),
        ("neither can tell, set back", &unknown, 99_990, None, Refused),
        ("just within the hour", &known, 103_589, boot("a", 560), Aged(3599)),
        ("an hour by the wall clock", &known, 103_590, boot("a", 560), Nothing),
        ("an hour by the other", &known, 100_060, boot("a", 4090), Nothing),
        ("at the end of time", &known, u64::MAX, boot("a", u64::MAX), Nothing),
    ] {
        let content = file.envelope(&fetched, Duration::from_secs(100_000), then.clone()).unwrap();
        let judged = file.judge(&content, Duration::from_secs(wall), boot.as_ref());
        match (judged, expected) {
            (Ok(Some(stored)), Aged(seconds)) => {
                let exact = Duration::from_secs(seconds);
                let off =
                    stored.age.checked_sub(exact).unwrap_or_else(|| panic!("{what}: younger"));
                assert!(off <= Duration::from_millis(1), "{what}: {:?}", stored.age);
            }
            (Ok(None), Nothing) | (Err(_), Refused) => {}
            (judged, _) => panic!("{what}: {judged:?}"),
        }
    }
    // Fractions are cut so that they make it older.
    let fetched = Stored { age: Duration::from_nanos(1_999_999), ..stored("{}") };
    let content = file.envelope(&fetched, Duration::from_nanos(5_999_999), None).unwrap();
    let age = file.judge(&content, Duration::from_nanos(7_000_000), None).unwrap().unwrap().age;
    assert!(age >= Duration::from_nanos(1_999_999 + 1_000_001), "{age:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_clock_since_the_start_is_one_for_all_processes() {
    let (first, second) = (Boot::current().unwrap(), Boot::current().unwrap());
    assert_eq!(first.id, second.id);
    assert!(first.elapsed > Duration::ZERO && first.elapsed <= second.elapsed);
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    assert!((seconds - second.elapsed.as_secs_f64()).abs() < 10.0, "{seconds} {second:?}");
}

// --- whose it is -------------------------------------------------------------------------------------

/// Does to a path what must not be done to it.
type Spoil = fn(&Path);

#[test]
fn refuses_a_file_that_somebody_else_may_have_written() {
    let spoil: [(&str, Spoil); 7] = [
        ("symbolic link", |path| {
            let aside = beside(path, "aside");
            fs::rename(path, &aside).unwrap();
            symlink(&aside, path).unwrap();
        }),
        ("symbolic link", |path| {
            fs::remove_file(path).unwrap();
            symlink("nowhere", path).unwrap();
        }),
        ("second name", |path| fs::hard_link(path, beside(path, "other")).unwrap()),
        ("open to other users", |path| set_mode(path, 0o640)),
        ("open to other users", |path| set_mode(path, 0o602)),
        ("no regular file", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        // Who opens one to read waits for a writer, by default.
        ("no regular file", |path| {
            fs::remove_file(path).unwrap();
            assert!(Command::new("mkfifo").arg("-m600").arg(path).status().unwrap().success());
        }),
    ];
    for (what, spoil) in spoil {
        let (_parent, file) = directory();
        file.save(&stored("{}"), now()).unwrap();
        assert!(file.documents().is_some());
        spoil(&file.data());
        let reason = file.load(now()).expect_err(what);
        assert!(reason.contains(what), "{what}: {reason}");

        drop(file.try_lock().held());
        spoil(&file.directory.join(&file.lock_name));
        match file.try_lock() {
            // A directory cannot even be opened for writing.
            LockOutcome::Unavailable(reason) => {
                assert!(reason.contains(what) || reason.contains("directory"), "{what}: {reason}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn writing_replaces_a_link_and_never_follows_it() {
    let (parent, file) = directory();
    file.save(&stored("first"), now()).unwrap();
    let victim = parent.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::remove_file(file.data()).unwrap();
    symlink(&victim, file.data()).unwrap();
    file.save(&stored("second"), now()).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(file.documents().unwrap(), b"second");
    // A new file is never opened where one is, whatever it is.
    let directory = Directory::open(&file.directory).unwrap().unwrap();
    symlink(&victim, file.directory.join("link")).unwrap();
    fs::hard_link(&victim, file.directory.join("second name")).unwrap();
    for taken in ["link", "second name"] {
        assert!(directory.write_new(taken, b"x").is_err(), "{taken}");
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn refuses_a_directory_that_others_can_put_files_into() {
    let spoil: [(&str, Spoil); 5] = [
        ("can be written to by other users", |path| set_mode(path, 0o770)),
        ("can be written to by other users", |path| set_mode(path, 0o702)),
        ("can be written to by other users", |path| set_mode(path, 0o1777)),
        ("symbolic link or no directory", |path| {
            let aside = beside(path, "aside");
            fs::rename(path, &aside).unwrap();
            symlink(&aside, path).unwrap();
        }),
        ("symbolic link or no directory", |path| {
            fs::rename(path, beside(path, "aside")).unwrap();
            fs::write(path, "").unwrap();
        }),
    ];
    for (what, spoil) in spoil {
        let (_parent, file) = directory();
        file.save(&stored("{}"), now()).unwrap();
        spoil(&file.directory);
        // With a slash at its end the system would follow the link.
        for path in [file.directory.clone(), file.directory.join(""), file.directory.join(".")] {
            let file = shared(path);
            for reason in [
                file.load(now()).expect_err(what),
                file.save(&stored("{}"), now()).expect_err(what),
                match file.try_lock() {
                    LockOutcome::Unavailable(reason) => reason,
                    other => panic!("{what}: {other:?}"),
                },
            ] {
                assert!(reason.contains(what), "{what}: {reason}");
            }
        }
    }
}

#[test]
fn refuses_what_belongs_to_another_user_root_included() {
    let (_parent, file) = directory();
    file.save(&stored("{}"), now()).unwrap();
    let directory = fs::metadata(&file.directory).unwrap();
    let data = fs::metadata(file.data()).unwrap();
    let me = directory.uid();
    assert_eq!((directory_fault(&directory, me), file_fault(&data, me)), (None, None));
    for other in [me + 1, me.wrapping_sub(1)] {
        assert!(directory_fault(&directory, other).unwrap().contains("another user"));
        assert!(file_fault(&data, other).unwrap().contains("another user"));
    }
}

#[test]
fn a_directory_is_made_only_within_one_that_is_there() {
    let (parent, _) = directory();
    let file = shared(parent.path().join("not/there"));
    assert_eq!(file.load(now()), Ok(None));
    for reason in [
        file.save(&stored("{}"), now()).unwrap_err(),
        match file.try_lock() {
            LockOutcome::Unavailable(reason) => reason,
            other => panic!("{other:?}"),
        },
    ] {
        assert!(reason.contains("does not exist and cannot be made"), "{reason}");
    }
    // It may exist already, readable by others.
    let listed = parent.path().join("listed");
    fs::DirBuilder::new().mode(0o755).create(&listed).unwrap();
    let file = shared(&listed);
    file.save(&stored("{}"), now()).unwrap();
    assert!(file.documents().is_some());
}

#[test]
fn a_relative_directory_stays_the_same_when_the_process_goes_elsewhere() {
    let file = shared("keys/.//");
    assert_eq!(file.directory, std::env::current_dir().unwrap().join("keys"));
}

#[test]
fn what_a_killed_writer_left_is_removed_and_what_another_writes_is_not() {
    let (_parent, file) = directory();
    file.save(&stored("{}"), now()).unwrap();
    let hour = Duration::from_secs(3600);
    let left = |name: String, changed: SystemTime| {
        let path = file.directory.join(&name);
        File::create(path).unwrap().set_modified(changed).unwrap();
        name
    };
    let data = &file.data_name;
    let now_by_wall = SystemTime::now();
    left(format!("{data}.0123.tmp"), now_by_wall - hour);
    left(format!("{data}.0124.tmp"), now_by_wall + hour);
    let mut kept = vec![
        left(format!("{data}.0125.tmp"), now_by_wall),
        left(format!("{data}-0126.tmp"), now_by_wall - hour),
        left("other.json.0127.tmp".to_owned(), now_by_wall - hour),
        left("notes.tmp".to_owned(), now_by_wall - hour),
        data.clone(),
    ];
    file.save(&stored("{}"), now()).unwrap();
    kept.sort();
    assert_eq!(file.names(), kept);
}

/// Another path in the same directory.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

// --- one at a time -----------------------------------------------------------------------------------

#[test]
fn the_lock_is_had_by_one_and_free_when_dropped() {
    let (_parent, file) = directory();
    let lock = file.try_lock().held();
    assert!(file.try_lock().is_timed_out());
    let other = SharedFile::new(&file.directory, "https://p-2.authkit.app", URL);
    let _others = other.try_lock().held();
    drop(lock);
    assert!(file.documents().is_none(), "a lock is no document");
    let _again = file.try_lock().held();
}

#[test]
fn who_waits_stops_when_it_sees_what_it_waits_for_and_looks_once_more_when_it_has_the_lock() {
    let (_parent, file) = directory();
    let lock = file.try_lock().held();
    let mut looks = 0;
    let outcome = file.lock(Instant::now() + LONG, || {
        looks += 1;
        (looks == 3).then_some("seen")
    });
    assert!(matches!(outcome, LockOutcome::Seen("seen")), "{outcome:?}");
    drop(lock);
    assert!(matches!(file.lock(Instant::now(), || Some(1)), LockOutcome::Seen(1)));
    let _free = file.try_lock().held();
}

#[test]
fn a_look_that_panics_leaves_the_lock_free() {
    let (_parent, file) = directory();
    let panicking = file.clone();
    let look =
        move || panicking.lock(Instant::now() + LONG, || -> Option<()> { panic!("as told") });
    assert!(thread::spawn(look).join().is_err());
    let _free = file.try_lock().held();
}

#[test]
fn a_lock_whose_file_is_removed_locks_out_again_with_the_next() {
    let (_parent, file) = directory();
    let _gone = file.try_lock().held();
    fs::remove_file(file.directory.join(&file.lock_name)).unwrap();
    let next = file.try_lock().held();
    assert!(file.try_lock().is_timed_out());
    // Who opened the file before it was removed and gets its lock then has a lock of nothing.
    let directory = Directory::open(&file.directory).unwrap().unwrap();
    assert!(directory.is_present(&file.lock_name, &next.0));
    fs::remove_file(file.directory.join(&file.lock_name)).unwrap();
    assert!(!directory.is_present(&file.lock_name, &next.0));
    File::create(file.directory.join(&file.lock_name)).unwrap();
    assert!(!directory.is_present(&file.lock_name, &next.0));
}

#[test]
fn a_lock_that_was_idle_for_long_is_not_cleared_away_from_who_has_just_taken_it() {
    let (_parent, file) = directory();
    let lock = file.try_lock().held();
    lock.0.set_modified(SystemTime::now() - LONG).unwrap();
    drop(lock);
    let _lock = file.try_lock().held();
    for _ in 0..3 {
        assert!(file.try_lock().is_timed_out());
    }
}

/// A child that has the lock's open file, as one that was forked while it was held.
struct Heir(Child);

impl Heir {
    fn of(lock: &Lock) -> Self {
        let inherited: OwnedFd = lock.0.as_fd().try_clone_to_owned().unwrap();
        let child = Command::new("sleep").arg("600").stdin(inherited).spawn().unwrap();
        Self(child)
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_child_that_inherits_the_open_file_does_not_keep_it_locked() {
    let (_parent, file) = directory();
    let lock = file.try_lock().held();
    let _heir = Heir::of(&lock);
    assert!(file.try_lock().is_timed_out());
    drop(lock);
    let _free = file.try_lock().held();
}

#[test]
fn a_lock_that_only_a_child_of_its_dead_holder_has_is_cleared_away() {
    let (_parent, file) = directory();
    let lock = file.try_lock().held();
    let _heir = Heir::of(&lock);
    // Killed: its files are closed, and nothing is unlocked in words.
    let held: OwnedFd = lock.0.as_fd().try_clone_to_owned().unwrap();
    std::mem::forget(lock);
    let held = File::from(held);
    for _ in 0..3 {
        assert!(file.try_lock().is_timed_out(), "it may yet be fetching");
    }
    held.set_modified(SystemTime::now() - LONGEST_HOLD - Duration::from_secs(1)).unwrap();
    assert!(file.try_lock().is_timed_out(), "who finds that out has waited in vain");
    let _next = file.try_lock().held();
    assert!(file.try_lock().is_timed_out());
}

// --- several processes -------------------------------------------------------------------------------

/// This test binary, running one test alone, as another process.
fn another_process(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "--nocapture", &format!("jwks::store::tests::{test}")])
        .env(TOLD, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// What this process was told to work on, if it was started by a test.
fn told() -> Option<PathBuf> {
    std::env::var_os(TOLD).map(PathBuf::from)
}

/// Waits for a child and says whether it went well, and what it counted.
fn count(child: Child) -> usize {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let counted = text.lines().find_map(|line| line.split_once("counted ")).unwrap().1;
    counted.parse().unwrap()
}

#[test]
fn a_killed_holder_blocks_nobody() {
    if let Some(directory) = told() {
        let _lock = shared(directory).try_lock().held();
        println!("held");
        // Until it is killed, or the one that would is gone.
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let (_parent, file) = directory();
    let mut holder =
        another_process("a_killed_holder_blocks_nobody", &file.directory).spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("held")));
    assert!(file.try_lock().is_timed_out());
    holder.kill().unwrap();
    let _lock = file.lock_within(LONG).held();
    holder.wait().unwrap();
}

const PROCESSES: usize = 4;
const THREADS: usize = 4;

#[test]
fn a_cold_fleet_fetches_once() {
    /// Each seeks the document, and fetches it only with the lock. The one that does waits in it until
    /// all others have begun, so that they are sure to meet.
    fn seek(file: &SharedFile) -> usize {
        let waiting = beside(&file.directory, "waiting");
        let mut log = File::options().create(true).append(true).open(&waiting).unwrap();
        log.write_all(b"x").unwrap();
        let look = || file.load(now()).unwrap();
        match file.lock(Instant::now() + LONG, look) {
            LockOutcome::Seen(stored) => {
                assert_eq!(stored.document, b"{}");
                0
            }
            LockOutcome::Held(_lock) => {
                let all = (PROCESSES * THREADS) as u64;
                let deadline = Instant::now() + LONG;
                while fs::metadata(&waiting).unwrap().len() < all {
                    assert!(Instant::now() < deadline, "not all came");
                    thread::yield_now();
                }
                file.save(&stored("{}"), now()).unwrap();
                1
            }
            other => panic!("{other:?}"),
        }
    }
    fn seek_in_threads(file: &SharedFile) -> usize {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| seek(file))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    }
    if let Some(directory) = told() {
        println!("counted {}", seek_in_threads(&shared(directory)));
        return;
    }
    let (_parent, file) = directory();
    let others: Vec<_> = (1..PROCESSES)
        .map(|_| another_process("a_cold_fleet_fetches_once", &file.directory).spawn().unwrap())
        .collect();
    let own = seek_in_threads(&file);
    assert_eq!(own + others.into_iter().map(count).sum::<usize>(), 1);
}

#[test]
fn no_two_hold_the_lock_at_a_time() {
    const TURNS: usize = 25;
    /// Whoever has the lock is alone: it makes a file that must not be there, and removes it.
    fn take_turns(file: &SharedFile) -> usize {
        let alone = beside(&file.directory, "alone");
        (0..TURNS)
            .map(|_| {
                let lock = file.lock_within(LONG).held();
                File::create_new(&alone).expect("somebody else has the lock");
                thread::yield_now();
                fs::remove_file(&alone).unwrap();
                drop(lock);
            })
            .count()
    }
    fn take_turns_in_threads(file: &SharedFile) -> usize {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| take_turns(file))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    }
    if let Some(directory) = told() {
        println!("counted {}", take_turns_in_threads(&shared(directory)));
        return;
    }
    let (_parent, file) = directory();
    let others: Vec<_> = (1..PROCESSES)
        .map(|_| {
            another_process("no_two_hold_the_lock_at_a_time", &file.directory).spawn().unwrap()
        })
        .collect();
    let turns = take_turns_in_threads(&file) + others.into_iter().map(count).sum::<usize>();
    assert_eq!(turns, PROCESSES * THREADS * TURNS);
}

#[test]
fn no_reader_ever_sees_a_torn_document() {
    const DOCUMENTS: usize = 60;
    /// Documents of very different lengths, each of which tells its own length and is of one letter.
    fn write_many(file: &SharedFile) {
        for turn in 0..DOCUMENTS {
            let length = [1, 100_000, 4096, MAX_DOCUMENT_LENGTH][turn % 4] - turn % 3 * (turn % 4);
            let letter = char::from(b'a' + u8::try_from(turn % 26).unwrap());
            let document = letter.to_string().repeat(length);
            let tag = Some(format!("{letter}{length}"));
            file.save(&Stored { tag, ..stored(&document) }, now()).unwrap();
        }
    }
    fn check(stored: &Stored) {
        let letter = stored.document[0];
        assert!(stored.document.iter().all(|octet| *octet == letter));
        let tag = format!("{}{}", char::from(letter), stored.document.len());
        assert_eq!(stored.tag.as_deref(), Some(tag.as_str()));
    }
    if let Some(directory) = told() {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| write_many(&shared(&directory)));
            }
        });
        println!("counted 1");
        return;
    }
    let (_parent, file) = directory();
    let (written, read) = (AtomicBool::new(false), AtomicUsize::new(0));
    let start = || another_process("no_reader_ever_sees_a_torn_document", &file.directory).spawn();
    thread::scope(|scope| {
        let writers = [start().unwrap(), start().unwrap()];
        for _ in 0..2 {
            scope.spawn(|| {
                while !written.load(Ordering::Acquire) {
                    if let Some(stored) = file.load(now()).unwrap() {
                        check(&stored);
                        read.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        // Set before any failure is told: the readers must not wait for it for ever.
        let outputs = writers.map(Child::wait_with_output);
        written.store(true, Ordering::Release);
        for output in outputs {
            assert!(output.unwrap().status.success());
        }
    });
    check(&file.load(now()).unwrap().unwrap());
    assert!(read.into_inner() > 0);
    assert_eq!(file.names(), [file.data_name.as_str()], "no writer left anything");
}
