//! `authkit serve`: the decision on requests, as an HTTP endpoint for a reverse proxy on this machine.

mod answer;
mod connections;
mod identity;
mod judge;
pub(crate) mod listen;
mod log;
mod metrics;
mod notify;
mod question;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use authkit::conformance::file_problem;
use authkit::{Code, Verifier};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::Exit;
use crate::arguments::ServeArguments;
use crate::failure::Failure;
use crate::settings::{self, Sources};
use crate::verify::print_unusable;

use answer::Endpoint;
use judge::Judge;
use listen::Listener;
use log::Log;
use notify::State;

/// Threads beside the loop's own: one waits for keys, and another where the first is given up.
const BLOCKING_THREADS: usize = 4;

pub(crate) fn run(arguments: &ServeArguments, _out: &mut dyn Write) -> io::Result<Exit> {
    match prepare(arguments) {
        Ok(server) => server.run(&arguments.sources),
        Err(failure) => print_unusable(&failure),
    }
}

/// Everything that can fail has been done.
struct Server {
    runtime: Runtime,
    listener: Listener,
    /// Taken over before anybody is told that there is a server to end.
    ends: [Signal; 2],
    reload: Signal,
    endpoint: Arc<Endpoint>,
    log: Arc<Log>,
    most_connections: usize,
}

/// How often it is looked whether there is something to write.
const TICK: Duration = Duration::from_secs(1);

fn prepare(arguments: &ServeArguments) -> Result<Server, Failure> {
    let judge = judge(&arguments.sources)?;
    let log = Arc::new(Log::start(arguments.quiet, arguments.access_log));
    let runtime = runtime().map_err(|error| unusable("the event loop", &error))?;
    let entered = runtime.enter();
    let no_signals = |error| unusable("the handling of signals", &error);
    let ends = ends().map_err(no_signals)?;
    let reload = signal(SignalKind::hangup()).map_err(no_signals)?;
    // Before anything else makes files: see there.
    let listener = Listener::bind(&arguments.listen, arguments.access())?;
    start_fetching(judge.verifier())?;
    let endpoint = Arc::new(Endpoint::new(judge, Arc::clone(&log)));
    let most_connections = arguments.max_connections.into();
    drop(entered);
    Ok(Server { runtime, listener, ends, reload, endpoint, log, most_connections })
}

/// Whoever decides by the settings as they are now.
fn judge(sources: &Sources) -> Result<Judge, Failure> {
    Ok(Judge::new(Verifier::new(settings::config(sources)?)?))
}

/// The first request finds the keys there, or at least on their way.
fn start_fetching(verifier: &Verifier) -> Result<(), Failure> {
    verifier.start_refresh().map_err(|_| {
        let reason = "authkit serve fetches keys in the background: leave out refresh_mode";
        Failure::new(Code::Config, reason)
    })
}

/// Reads the settings again. What is wrong with them is written, and the old ones stay in force.
async fn reload(sources: &Sources, endpoint: &Endpoint, log: &Log) {
    match ready(judge(sources)).await {
        Ok(judge) => {
            endpoint.replace(judge);
            log.tell("the configuration was read again".to_owned());
        }
        Err(failure) => {
            log.failure(&failure);
            log.tell("the configuration stays as it was".to_owned());
        }
    }
}

/// The new judge once it has keys: it must not take the place of one that has.
async fn ready(judge: Result<Judge, Failure>) -> Result<Judge, Failure> {
    let judge = judge?;
    start_fetching(judge.verifier())?;
    let verifier = judge.verifier().clone();
    let timeout = verifier.config().fetch_timeout();
    let waited = spawn_blocking(move || verifier.wait_ready(timeout)).await;
    let broken_off = |_| Failure::new(Code::Internal, "the wait for keys was broken off");
    waited.map_err(broken_off)??;
    Ok(judge)
}

/// Writes what belongs to no request, and once whether there are keys.
async fn write_log(endpoint: &Endpoint, log: &Log) {
    let mut told = None;
    loop {
        endpoint.write_waiting();
        let judge = endpoint.judge();
        // As long as there are none, they are asked for, as often as the issuer may be.
        let _ = judge.verifier().wait_ready(Duration::ZERO);
        let number = judge.verifier().stats().number(None, "keys").unwrap_or(0);
        if number > 0 && told != Some(number) {
            log.tell(format!("INFO {number} keys are in use"));
            told = Some(number);
        }
        sleep(TICK).await;
    }
}

/// One thread is enough: a proxy on the same machine is the slower part by far.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()
}

fn ends() -> io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?])
}

fn unusable(what: &str, error: &io::Error) -> Failure {
    Failure::new(Code::Internal, format!("{what} could not be set up: {}", file_problem(error)))
}

impl Server {
    fn run(self, sources: &Sources) -> io::Result<Exit> {
        let Self { runtime, listener, ends: [mut terminate, mut interrupt], mut reload, .. } = self;
        let (endpoint, log) = (self.endpoint, self.log);
        log.tell(format!("listening on {}", listener.address()));
        notify::tell(&State::Ready);
        runtime.block_on(async {
            let reloading = async {
                while reload.recv().await.is_some() {
                    notify::tell(&State::Reloading);
                    self::reload(sources, &endpoint, &log).await;
                    notify::tell(&State::Ready);
                }
            };
            let end = async {
                tokio::select! {
                    _ = terminate.recv() => (),
                    _ = interrupt.recv() => (),
                    () = reloading => (),
                    () = write_log(&endpoint, &log) => (),
                }
                notify::tell(&State::Stopping);
            };
            connections::serve(listener, Arc::clone(&endpoint), self.most_connections, &log, end)
                .await;
        });
        log.tell("ended".to_owned());
        // A fetch that is under way is not waited for.
        runtime.shutdown_background();
        log.finish();
        Ok(Exit::Success)
    }
}
