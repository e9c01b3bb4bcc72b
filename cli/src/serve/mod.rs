//! `authkit serve`: the decision on requests, as an HTTP endpoint for a reverse proxy on this machine.

mod answer;
mod connections;
mod identity;
mod judge;
pub(crate) mod listen;
mod log;
mod question;

use std::io::{self, Write};
use std::sync::Arc;

use authkit::conformance::file_problem;
use authkit::{Code, Happening, Verifier};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Exit;
use crate::arguments::ServeArguments;
use crate::failure::Failure;
use crate::settings;
use crate::verify::print_unusable;

use answer::Endpoint;
use judge::Judge;
use listen::Listener;
use log::Log;

/// Threads beside the loop's own: one waits for keys, and another where the first is given up.
const BLOCKING_THREADS: usize = 4;

pub(crate) fn run(arguments: &ServeArguments, _out: &mut dyn Write) -> io::Result<Exit> {
    match prepare(arguments) {
        Ok(server) => server.run(),
        Err(failure) => print_unusable(&failure),
    }
}

/// Everything that can fail has been done.
struct Server {
    runtime: Runtime,
    listener: Listener,
    /// Taken over before anybody is told that there is a server to end.
    ends: [Signal; 2],
    endpoint: Arc<Endpoint>,
    log: Arc<Log>,
    most_connections: usize,
}

fn prepare(arguments: &ServeArguments) -> Result<Server, Failure> {
    let verifier = Verifier::new(settings::config(&arguments.sources)?)?;
    let log = Arc::new(Log::start(arguments.quiet));
    let runtime = runtime().map_err(|error| unusable("the event loop", &error))?;
    let entered = runtime.enter();
    let ends = ends().map_err(|error| unusable("the handling of signals", &error))?;
    // Before anything else makes files: see there.
    let listener = Listener::bind(&arguments.listen, arguments.socket_mode)?;
    tell_warnings(&verifier, &log);
    start_fetching(&verifier)?;
    let endpoint = Arc::new(Endpoint::new(Judge::new(verifier), Arc::clone(&log)));
    let most_connections = arguments.max_connections.into();
    drop(entered);
    Ok(Server { runtime, listener, ends, endpoint, log, most_connections })
}

/// What an operator should know before the first request.
fn tell_warnings(verifier: &Verifier, log: &Log) {
    for event in std::iter::from_fn(|| verifier.next_event()) {
        if let Happening::Warned { reason } = event.happening {
            log.tell(format!("WARNING: {reason}"));
        }
    }
}

/// The first request finds the keys there, or at least on their way.
fn start_fetching(verifier: &Verifier) -> Result<(), Failure> {
    verifier.start_refresh().map_err(|_| {
        let reason = "authkit serve fetches keys in the background: leave out refresh_mode";
        Failure::new(Code::Config, reason)
    })
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
    fn run(self) -> io::Result<Exit> {
        let Self { runtime, listener, ends: [mut terminate, mut interrupt], .. } = self;
        self.log.tell(format!("listening on {}", listener.address()));
        runtime.block_on(async {
            let end = async {
                tokio::select! {
                    _ = terminate.recv() => (),
                    _ = interrupt.recv() => (),
                }
            };
            connections::serve(listener, self.endpoint, self.most_connections, &self.log, end)
                .await;
        });
        self.log.tell("ended".to_owned());
        // A fetch that is under way is not waited for.
        runtime.shutdown_background();
        self.log.finish();
        Ok(Exit::Success)
    }
}
