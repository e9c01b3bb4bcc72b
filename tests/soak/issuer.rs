//! An issuer in bad weather, for the soak (docs/soak.md): `soak_issuer LOG SCHEDULE`.
//!
//! It publishes a JWKS for each client at `/{client}/oauth2/jwks`, and it mints tokens, good and bad, on a second
//! port. The schedule is a list such as `503@0 ok@1.5 rotate@4`: what happens so many seconds after the line `start`
//! on standard input. At the end of standard input the program ends. The log holds one JSON object a line.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use serde_json::{Value, json};
use support::keys::Signer;
use support::{RESOURCE, encode, jwks};

/// How long a stalled request is held: longer than any client may wait.
const STALL: Duration = Duration::from_secs(30);
/// How long a slow answer takes: longer than a call waits for newer keys, shorter than a fetch may take.
const SLOW: Duration = Duration::from_millis(2500);
/// How long tokens are good for, in seconds.
const LIFE: u64 = 600;
/// What clients may keep the key set for, in seconds.
const MAX_AGE: u32 = 60;
/// How often the machine is asked whether it still runs us in time.
const BEAT: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, PartialEq)]
enum Weather {
    Ok,
    /// Every request is answered as it would have been when it came, but later.
    Slow,
    /// Every request is answered with this status.
    Status(u16),
    /// Every connection is reset once the request is there.
    Reset,
    /// No request is answered.
    Stall,
}

impl Weather {
    fn named(name: &str) -> Self {
        match name {
            "ok" => Self::Ok,
            "slow" => Self::Slow,
            "reset" => Self::Reset,
            "stall" => Self::Stall,
            status => Self::Status(status.parse().unwrap_or_else(|_| panic!("no weather: {name}"))),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Ok => "ok".to_owned(),
            Self::Slow => "slow".to_owned(),
            Self::Status(status) => status.to_string(),
            Self::Reset => "reset".to_owned(),
            Self::Stall => "stall".to_owned(),
        }
    }
}

struct Now {
    weather: Weather,
    /// The key in use. It and the one before it are published.
    newest: usize,
}

struct Issuer {
    url: String,
    /// One for each rotation, made beforehand.
    keys: Vec<Signer>,
    /// Signs under other keys' names.
    impostor: Signer,
    now: Mutex<Now>,
    minted: AtomicU64,
    /// The longest time by which this machine was late to wake a thread, in microseconds.
    late: AtomicU64,
    log: Mutex<File>,
}

struct Request {
    client: String,
    no_cache: bool,
    tag: Option<String>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, log, schedule] = arguments.as_slice() else {
        panic!("usage: soak_issuer LOG SCHEDULE");
    };
    let steps: Vec<(f64, &str)> = schedule.split_whitespace().map(step).collect();
    let rotations = steps.iter().filter(|(_, what)| *what == "rotate").count();
    let [documents, tokens] = [listener(), listener()];
    let issuer = Arc::new(Issuer {
        url: format!("http://{}", documents.local_addr().unwrap()),
        keys: (0..=rotations).map(|number| key(&format!("key-{number}"))).collect(),
        impostor: key("impostor"),
        now: Mutex::new(Now { weather: Weather::Ok, newest: 0 }),
        minted: AtomicU64::new(0),
        late: AtomicU64::new(0),
        log: Mutex::new(File::create(log).unwrap()),
    });
    println!("{} {}", issuer.url, tokens.local_addr().unwrap().port());
    serve(documents, &issuer, answer);
    serve(tokens, &issuer, mint);
    let mut commands = std::io::stdin().lines();
    if commands.next().is_some() {
        let issuer = Arc::clone(&issuer);
        let steps: Vec<(f64, String)> =
            steps.into_iter().map(|(at, what)| (at, what.to_owned())).collect();
        thread::spawn(move || issuer.make_weather(&steps));
        for _ in commands {}
    }
    issuer.note(&json!({ "event": "end", "at": time(), "late": issuer.late.load(Ordering::SeqCst) as f64 / 1e6 }));
}

fn step(text: &str) -> (f64, &str) {
    let (what, at) = text.split_once('@').unwrap_or_else(|| panic!("no step: {text}"));
    (at.parse().unwrap(), what)
}

fn key(kid: &str) -> Signer {
    Signer::ec(kid.to_owned().leak(), "ES256")
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn serve(listener: TcpListener, issuer: &Arc<Issuer>, with: fn(&Issuer, TcpStream) -> Option<()>) {
    let issuer = Arc::clone(issuer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let issuer = Arc::clone(&issuer);
            thread::spawn(move || with(&issuer, stream));
        }
    });
}

fn time() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

impl Issuer {
    fn note(&self, event: &Value) {
        writeln!(self.log.lock(), "{event}").unwrap();
    }

    fn make_weather(&self, steps: &[(f64, String)]) {
        let start = Instant::now();
        for (at, what) in steps {
            self.wait_until(start + Duration::from_secs_f64(*at));
            let mut now = self.now.lock();
            if what == "rotate" {
                now.newest += 1;
                self.note(&json!({ "event": "rotation", "at": time(), "key": now.newest }));
            } else {
                now.weather = Weather::named(what);
                self.note(&json!({ "event": "weather", "at": time(), "kind": what }));
            }
        }
        loop {
            self.wait_until(Instant::now() + STALL);
        }
    }

    /// Waits in beats, and notes how late the latest of them was.
    fn wait_until(&self, moment: Instant) {
        while let Some(left) =
            moment.checked_duration_since(Instant::now()).filter(|it| !it.is_zero())
        {
            let (began, beat) = (Instant::now(), left.min(BEAT));
            thread::sleep(beat);
            let late = began.elapsed().saturating_sub(beat);
            self.late.fetch_max(u64::try_from(late.as_micros()).unwrap(), Ordering::SeqCst);
        }
    }

    /// A token of this key, or of another one under its name.
    fn token(&self, client: &str, signer: &Signer, kid: &str) -> String {
        let now = time() as u64;
        let claims = json!({
            "iss": format!("{}/{client}", self.url), "aud": RESOURCE, "sub": "user_01H", "client_id": "client_01H",
            "sid": "session_01H", "jti": self.minted.fetch_add(1, Ordering::Relaxed), "scope": "openid",
            "iat": now, "exp": now + LIFE,
        });
        signer.token_of(json!({ "alg": "ES256", "kid": kid }).to_string(), claims.to_string())
    }

    /// What one thread of a client tries next: `kind key token`, a line each.
    fn batch(&self, client: &str, flood: usize) -> String {
        let newest = self.now.lock().newest;
        let mut lines = String::new();
        // The key in use, the one before it, and the one that was published before both.
        for number in (newest.saturating_sub(2)..=newest).rev() {
            let key = &self.keys[number];
            lines += &format!("signed {number} {}\n", self.token(client, key, key.kid));
        }
        let forged = self.token(client, &self.impostor, self.keys[newest].kid);
        lines += &format!("forged {newest} {forged}\n");
        // Nobody looks at the signature of a key that nobody has.
        let (_, rest) = forged.split_once('.').unwrap();
        for _ in 0..flood {
            let kid = format!("key-{:016x}", random());
            let header = encode(json!({ "alg": "ES256", "kid": kid }).to_string());
            lines += &format!("random {newest} {header}.{rest}\n");
        }
        lines + ".\n"
    }
}

/// Not for secrets.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(CALLS.fetch_add(1, Ordering::Relaxed))
}

/// Gives a batch for each line `client flood`, until the client has enough.
fn mint(issuer: &Issuer, mut stream: TcpStream) -> Option<()> {
    for line in BufReader::new(stream.try_clone().ok()?).lines() {
        let line = line.ok()?;
        let (client, flood) = line.split_once(' ')?;
        stream.write_all(issuer.batch(client, flood.parse().ok()?).as_bytes()).ok()?;
    }
    Some(())
}

/// Answers one request for the key set as the weather is.
fn answer(issuer: &Issuer, mut stream: TcpStream) -> Option<()> {
    let request = read_request(&mut stream)?;
    let at = time();
    let (weather, newest) = {
        let now = issuer.now.lock();
        (now.weather, now.newest)
    };
    let tag = format!("\"key-{newest}\"");
    let unchanged = request.tag.as_ref() == Some(&tag);
    let given = match weather {
        Weather::Ok | Weather::Slow if unchanged => "304".to_owned(),
        Weather::Ok | Weather::Slow => "200".to_owned(),
        other => other.name(),
    };
    let note = || {
        issuer.note(&json!({
            "event": "request", "at": at, "done": time(), "client": request.client, "no_cache": request.no_cache,
            "conditional": request.tag.is_some(), "answer": given, "key": newest,
        }));
    };
    match weather {
        // With an octet of the request unread, the kernel resets the connection at its close.
        Weather::Reset => note(),
        Weather::Stall => {
            note();
            let _ = stream.set_read_timeout(Some(STALL));
            // Until the client gives up.
            let _ = stream.read_to_end(&mut Vec::new());
        }
        Weather::Ok | Weather::Slow | Weather::Status(_) => {
            let _ = stream.read(&mut [0]);
            if weather == Weather::Slow {
                thread::sleep(SLOW);
            }
            let document = if given == "200" { issuer.document(newest) } else { String::new() };
            let _ = write!(
                stream,
                "HTTP/1.1 {given} X\r\nconnection: close\r\ncache-control: max-age={MAX_AGE}\r\netag: {tag}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{document}",
                document.len()
            );
            note();
        }
    }
    Some(())
}

impl Issuer {
    fn document(&self, newest: usize) -> String {
        let published: Vec<_> = self.keys[newest.saturating_sub(1)..=newest].iter().collect();
        jwks(&published)
    }
}

/// Reads a request but for the last octet of its head.
fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r") {
        let mut octet = [0];
        stream.read_exact(&mut octet).ok()?;
        head.push(octet[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let client = lines.next()?.strip_prefix("GET /")?.split_once('/')?.0.to_owned();
    let fields: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let field = |name: &str| {
        fields.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|field| field.1)
    };
    Some(Request {
        client,
        no_cache: field("cache-control").is_some_and(|value| value.contains("no-cache")),
        tag: field("if-none-match").map(str::to_owned),
    })
}
