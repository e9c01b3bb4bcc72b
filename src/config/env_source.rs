//! Where an env file comes from: one that the user or code names, or one that no one chose.

use std::fs::{File, Metadata};
use std::io::{self, Read};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::env_file::{self, Line};
use crate::error::{Code, Error, Result, quoted};

/// Bytes. An env file is a few lines, and a key set at most.
const MOST: u64 = 1024 * 1024;
#[cfg(unix)]
const WRITABLE_BY_ALL: u32 = 0o002;

/// The lines of a named file. It must be there. Its owner is not checked: whoever named it knows it.
pub(super) fn named(path: &Path, is_ours: impl Fn(&str) -> bool) -> Result<Vec<Line>> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    lines(path, file, is_ours)
}

/// The lines of a default file; empty if there is no regular file. Refused if somebody else could have written it.
/// Checks the open file, not the path, which may lead to another file by now.
pub(super) fn implicit(path: &Path, is_ours: impl Fn(&str) -> bool) -> Result<Vec<Line>> {
    let opened = open_if_regular(path).map_err(|error| unreadable(path, &error))?;
    let Some(file) = opened else { return Ok(Vec::new()) };
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if let Some(fault) = fault(path, &metadata, current_user()) {
        return Err(wrong(path, fault).with_hint(
            "correct its owner or mode, or name the file (env_file) if it is meant to be read",
        ));
    }
    lines(path, file, is_ours)
}

fn lines(path: &Path, file: File, is_ours: impl Fn(&str) -> bool) -> Result<Vec<Line>> {
    let mut octets = Vec::new();
    file.take(MOST + 1).read_to_end(&mut octets).map_err(|error| unreadable(path, &error))?;
    if octets.len() as u64 > MOST {
        return Err(wrong(path, "is longer than 1 MiB"));
    }
    env_file::lines(&octets, is_ours)
        // The line is not repeated: it may hold a secret.
        .map_err(|line| {
            wrong(path, &format!("cannot be read: line {} {}", line.number, line.problem))
        })
}

#[cfg(unix)]
fn open_if_regular(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags};
    // If it is a pipe, do not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    regular(rustix::fs::open(path, flags, Mode::empty()).map(File::from).map_err(io::Error::from))
}

#[cfg(not(unix))]
fn open_if_regular(path: &Path) -> io::Result<Option<File>> {
    regular(File::open(path))
}

fn regular(opened: io::Result<File>) -> io::Result<Option<File>> {
    match opened {
        Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
        // A virtual environment may be called .env, too.
        Err(error) if is_nothing(error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_nothing(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory
    )
}

/// Whether somebody else can have written a default file. Its group is trusted: with a mask of 002,
/// as many systems have it, every file of a user's is writable by a group that is that user's own.
#[cfg(unix)]
fn fault(path: &Path, opened: &Metadata, user: u32) -> Option<&'static str> {
    let is_a_strangers = |file: &Metadata| file.uid() != user && file.uid() != 0;
    let link = std::fs::symlink_metadata(path);
    if is_a_strangers(opened) || link.is_ok_and(|link| link.is_symlink() && is_a_strangers(&link)) {
        Some("was not chosen by name, and belongs to another user")
    } else if opened.mode() & WRITABLE_BY_ALL != 0 {
        Some("was not chosen by name, and every user can write to it")
    } else {
        None
    }
}

#[cfg(unix)]
fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn fault(_: &Path, _: &Metadata, (): ()) -> Option<&'static str> {
    None
}

#[cfg(not(unix))]
fn current_user() {}

/// An error about a file, by the name that it was given.
pub(super) fn wrong(path: &Path, problem: &str) -> Error {
    Error::new(Code::Config, format!("{} {problem}", shown(path)))
}

/// Why a file cannot be read, in words of ours.
fn unreadable(path: &Path, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist",
        io::ErrorKind::PermissionDenied => "this process's user may not read it",
        io::ErrorKind::IsADirectory => "it is a directory",
        _ => "the system reports a failure",
    };
    wrong(path, &format!("cannot be read: {why}"))
}

/// The file as errors name it. If the content was given as the name, it is not repeated.
pub(super) fn shown(path: &Path) -> String {
    let path = path.to_string_lossy();
    if path.contains(|found: char| found == '=' || found.is_control()) {
        return "the env file (whose path is not shown, since it holds a = or a line break)"
            .to_owned();
    }
    format!("the env file {}", quoted(&path))
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
    use std::path::PathBuf;

    use super::*;

    const TEXT: &str = "OURS_A=1\n";
    const STRANGER: u32 = 65_533;

    /// A directory that the calling test alone uses.
    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("authkit-env-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    fn read(path: &Path) -> Result<usize> {
        implicit(path, |_| true).map(|lines| lines.len())
    }

    #[test]
    fn a_file_that_nobody_named_is_read_if_no_stranger_can_have_written_it() {
        let directory = directory("modes");
        let path = directory.join(".env");
        fs::write(&path, TEXT).unwrap();
        for (mode, is_read) in [
            (0o400, true),
            (0o600, true),
            (0o644, true),
            (0o664, true),
            (0o660, true),
            (0o602, false),
            (0o646, false),
            (0o666, false),
            (0o777, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match read(&path) {
                Ok(lines) => assert!(is_read && lines == 1, "{mode:o}"),
                Err(error) => {
                    assert!(!is_read, "{mode:o}: {error}");
                    assert!(error.reason().contains("every user can write"), "{error}");
                    assert!(error.reason().contains(".env'"), "{error}");
                }
            }
            assert_eq!(named(&path, |_| true).unwrap().len(), 1, "named, {mode:o}");
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_file_that_nobody_named_is_this_users_or_roots() {
        let directory = directory("owners");
        let (path, link) = (directory.join("file"), directory.join(".env"));
        fs::write(&path, TEXT).unwrap();
        symlink(&path, &link).unwrap();
        let opened = || File::open(&link).unwrap().metadata().unwrap();
        let owner = opened().uid();
        // Both are this user's: to others they are a stranger's, unless this is root.
        assert_eq!(read(&link).unwrap(), 1);
        assert_eq!(fault(&link, &opened(), owner), None);
        assert_eq!(fault(&link, &opened(), STRANGER).is_some(), owner != 0);
        // Only root can give files away, so other users check only the above.
        if owner == 0 {
            lchown(&link, Some(STRANGER), None).unwrap();
            assert!(read(&link).unwrap_err().reason().contains("another user"));
            assert_eq!(fault(&link, &opened(), STRANGER), None);
            assert_eq!(read(&path).unwrap(), 1);
            chown(&path, Some(STRANGER), None).unwrap();
            lchown(&link, Some(0), None).unwrap();
            assert!(read(&path).unwrap_err().reason().contains("another user"));
            assert!(read(&link).unwrap_err().reason().contains("another user"));
            assert_eq!(named(&link, |_| true).unwrap().len(), 1);
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn where_no_regular_file_is_there_is_nothing_to_read_and_a_named_one_must_be_there() {
        let directory = directory("none");
        let (missing, pipe, dangling) =
            (directory.join("missing"), directory.join("pipe"), directory.join("dangling"));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        symlink(&missing, &dangling).unwrap();
        for path in [&missing, &directory, &pipe, &dangling, &PathBuf::from("/dev/zero")] {
            assert_eq!(read(path).unwrap(), 0, "{}", path.display());
        }
        for path in [&missing, &directory, &dangling] {
            let error = named(path, |_| true).unwrap_err();
            assert!(error.reason().contains(&quoted(&path.to_string_lossy())), "{error}");
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_file_is_named_but_never_by_its_content() {
        for content in ["A=hunter2", "hunter2\nB", "\u{1b}hunter2"] {
            assert!(!named(Path::new(content), |_| true).unwrap_err().reason().contains("hunter2"));
        }
        let long = "x".repeat(4000);
        assert!(named(Path::new(&long), |_| true).unwrap_err().reason().len() < 300);
        assert!(named(Path::new("/dev/zero"), |_| true).unwrap_err().reason().contains("1 MiB"));
    }
}
