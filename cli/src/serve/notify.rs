//! What systemd is told, if it asks for it (`Type=notify`): sd_notify(3) over `NOTIFY_SOCKET`.

use std::env;
use std::os::unix::net::UnixDatagram;

/// A state of the service.
pub(crate) enum State {
    Ready,
    Reloading,
    Stopping,
}

/// Sends the state. Without NOTIFY_SOCKET, or if nothing listens there, it does nothing.
pub(crate) fn tell(state: &State) {
    let message = match state {
        State::Ready => "READY=1".to_owned(),
        State::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds()),
        State::Stopping => "STOPPING=1".to_owned(),
    };
    let _ = send(message.as_bytes());
}

fn send(message: &[u8]) -> Option<()> {
    let name = env::var_os("NOTIFY_SOCKET")?;
    let socket = UnixDatagram::unbound().ok()?;
    match name.to_str().and_then(|name| name.strip_prefix('@')) {
        Some(name) => to_abstract(&socket, name, message),
        None => socket.send_to(message, name).ok().map(drop),
    }
}

#[cfg(target_os = "linux")]
fn to_abstract(socket: &UnixDatagram, name: &str, message: &[u8]) -> Option<()> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
    socket.send_to_addr(message, &address).ok().map(drop)
}

#[cfg(not(target_os = "linux"))]
fn to_abstract(_: &UnixDatagram, _: &str, _: &[u8]) -> Option<()> {
    None
}

/// By the clock that systemd compares with.
fn monotonic_microseconds() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}
