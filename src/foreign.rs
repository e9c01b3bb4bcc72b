//! Our own sentences for other libraries' errors. Theirs are never passed on: they may repeat what they read, such
//! as a key or a password, have no length limit, and do not say what to change.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use serde_json::error::Category;
use webpki::Error as ChainError;

/// Why a file operation failed, to follow the file's name and a colon.
pub(crate) fn file(error: &io::Error) -> String {
    let sentence = match error.kind() {
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::PermissionDenied => "this process may not access it; change its owner or mode",
        ErrorKind::IsADirectory => "it is a directory, not a file",
        ErrorKind::NotADirectory => "a part of its path is no directory",
        ErrorKind::AlreadyExists => "it exists already",
        ErrorKind::InvalidData => "it is not UTF-8 text",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full; make room",
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only",
        ErrorKind::AddrInUse => "another program listens there; choose another address",
        ErrorKind::AddrNotAvailable => "this machine has no such address; choose another one",
        ErrorKind::InvalidInput | ErrorKind::InvalidFilename => "that is not a usable path",
        ErrorKind::BrokenPipe => "the program that reads it has gone away",
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "it took too long",
        ErrorKind::OutOfMemory => "there is not enough memory",
        ErrorKind::UnexpectedEof => "it ends too early",
        _ => return by_number(error),
    };
    sentence.to_owned()
}

/// Why a connection failed, to follow its address.
pub(crate) fn connection(error: &io::Error) -> String {
    let sentence = match error.kind() {
        ErrorKind::ConnectionRefused => {
            "was refused; nothing listens there, or a firewall refuses it"
        }
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            "was reset by the other side or by something on the way"
        }
        ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof | ErrorKind::NotConnected => {
            "was closed by the other side too early"
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "is not possible; this machine has no route to that address"
        }
        ErrorKind::AddrNotAvailable => {
            "is not possible; this machine has no free local address for it"
        }
        ErrorKind::PermissionDenied => "is forbidden by this machine's firewall or sandbox",
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "got no answer in time",
        ErrorKind::InvalidInput => "is not possible; that is no address to connect to",
        ErrorKind::OutOfMemory => "is not possible; there is not enough memory",
        _ => return format!("failed; {}", by_number(error)),
    };
    sentence.to_owned()
}

/// The system's number, which can be looked up; its text would be in the system's language.
fn by_number(error: &io::Error) -> String {
    match error.raw_os_error() {
        // EMFILE and ENFILE, which std has no kind for, are the same numbers on every Unix.
        Some(23 | 24) => "too many files are open; raise the limit (ulimit -n)".to_owned(),
        Some(number) => format!("the operating system reports error {number}"),
        None => "the operating system reports an error without a number".to_owned(),
    }
}

/// What is wrong with a text that should be JSON.
pub(crate) fn json(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Syntax => format!("it is not valid JSON at {place}"),
        Category::Eof => format!("its JSON ends too early, at {place}"),
        Category::Data | Category::Io => {
            format!("a value is of the wrong kind, missing, unknown or repeated at {place}")
        }
    }
}

/// The TLS error inside an error of a stream, where it is one.
pub(crate) fn tls_inside(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Why a TLS handshake or connection failed, and what to change.
pub(crate) fn tls(error: &rustls::Error) -> String {
    use rustls::Error as Tls;
    let sentence = match error {
        Tls::InvalidCertificate(problem) => certificate(problem),
        Tls::AlertReceived(alert) => return alert_received(*alert),
        Tls::NoCertificatesPresented => "the server shows no certificate; give it one",
        Tls::InvalidMessage(_) | Tls::PeerSentOversizedRecord => {
            "what answers there does not speak TLS; correct the URL's scheme or port"
        }
        Tls::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            "the server has neither TLS 1.2 nor 1.3; update it"
        }
        Tls::PeerIncompatible(_) => {
            "the server has no TLS version, cipher suite or key exchange that is safe; update it"
        }
        Tls::UnsupportedNameType => "the URL's host is no name that a certificate can be for",
        Tls::FailedToGetCurrentTime => "this machine's clock cannot be read",
        Tls::FailedToGetRandomBytes => "this machine's source of random numbers fails",
        _ => "the server breaks the rules of TLS; see what answers at that address",
    };
    sentence.to_owned()
}

fn certificate(problem: &CertificateError) -> &'static str {
    use CertificateError as Bad;
    match problem {
        Bad::UnknownIssuer => {
            "its certificate is self-signed, or its authority is not trusted here; set ca_file to that authority"
        }
        Bad::Expired | Bad::ExpiredContext { .. } => {
            "its certificate has expired; renew it, or set this machine's clock"
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet; set this machine's clock"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "its certificate is for another name than the URL's host; correct either"
        }
        Bad::Revoked => "its certificate is revoked; replace it",
        Bad::BadEncoding => "its certificate cannot be read; replace it",
        Bad::BadSignature => {
            "a signature in its certificate chain does not fit; replace the chain, or replace ca_file if the authority is new"
        }
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => {
            "its certificate is not for servers; replace it by one with the purpose serverAuth"
        }
        Bad::UnhandledCriticalExtension => {
            "its certificate has a critical extension that is not known here; replace it"
        }
        Bad::UnsupportedSignatureAlgorithmContext { .. }
        | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed in a way that is not safe or not known here; replace it"
        }
        Bad::Other(other) => match other.0.downcast_ref::<ChainError>() {
            Some(problem) => chain(problem),
            None => "its certificate is not acceptable; replace it",
        },
        _ => "its certificate is not acceptable; replace it",
    }
}

fn chain(problem: &ChainError) -> &'static str {
    match problem {
        ChainError::CaUsedAsEndEntity => {
            "it shows an authority's own certificate; give it one that the authority has signed for it"
        }
        ChainError::EndEntityUsedAsCa => {
            "its certificate is signed by one that may not sign others; replace the chain"
        }
        ChainError::PathLenConstraintViolated | ChainError::NameConstraintViolation => {
            "its authority may not sign such a certificate; replace it"
        }
        _ => "its certificate chain is not acceptable; replace it by one that browsers accept",
    }
}

fn alert_received(alert: AlertDescription) -> String {
    let sentence = match alert {
        AlertDescription::CertificateRequired => {
            "the server wants a certificate of its client, and this library has none to show"
        }
        AlertDescription::ProtocolVersion => {
            "the server has neither TLS 1.2 nor 1.3 in common with this library; update it"
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "the server refused the handshake; it has no cipher suite in common, or wants a certificate of its client"
        }
        AlertDescription::UnrecognisedName => {
            "the server does not know the URL's host; correct the URL"
        }
        AlertDescription::InternalError => "the server reports an error of its own",
        other => {
            return format!("the server broke the handshake off with alert {}", u8::from(other));
        }
    };
    sentence.to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{Error as Tls, InvalidMessage, OtherError, PeerMisbehaved};

    use super::*;

    /// What another library puts into its errors, and must not come through.
    const THEIRS: &str = "hunter2 \u{1b}[31m\r\nSet-Cookie: x";

    #[track_caller]
    fn is_ours(sentence: &str) {
        let is_plain = sentence.bytes().all(|octet| matches!(octet, b' '..=b'~'));
        assert!(is_plain && (10..=160).contains(&sentence.len()), "{sentence:?}");
        assert!(!sentence.contains("hunter2") && !sentence.contains("os error"), "{sentence:?}");
    }

    #[test]
    fn every_error_of_the_system_is_a_sentence_of_ours() {
        for number in 0..200 {
            let error = io::Error::from_raw_os_error(number);
            is_ours(&file(&error));
            is_ours(&connection(&error));
            assert!(!file(&error).contains(&error.to_string()), "{error}");
        }
        for kind in [ErrorKind::Other, ErrorKind::InvalidData, ErrorKind::Unsupported] {
            is_ours(&file(&io::Error::new(kind, THEIRS)));
            is_ours(&connection(&io::Error::new(kind, THEIRS)));
        }
    }

    #[test]
    fn every_error_of_tls_is_a_sentence_of_ours() {
        let (time, theirs) = (UnixTime::since_unix_epoch(Duration::ZERO), || THEIRS.to_owned());
        let other = || OtherError(Arc::new(io::Error::other(THEIRS)));
        let name = ServerName::try_from("hunter2.example").unwrap();
        let certificates = [
            CertificateError::BadEncoding,
            CertificateError::Expired,
            CertificateError::ExpiredContext { time, not_after: time },
            CertificateError::NotValidYet,
            CertificateError::NotValidYetContext { time, not_before: time },
            CertificateError::Revoked,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::UnknownIssuer,
            CertificateError::UnknownRevocationStatus,
            CertificateError::ExpiredRevocationList,
            CertificateError::BadSignature,
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: THEIRS.into(),
                supported_algorithms: Vec::new(),
            },
            CertificateError::NotValidForName,
            CertificateError::NotValidForNameContext { expected: name, presented: vec![theirs()] },
            CertificateError::InvalidPurpose,
            CertificateError::ApplicationVerificationFailure,
            CertificateError::Other(other()),
        ];
        let chains = [
            ChainError::CaUsedAsEndEntity,
            ChainError::EndEntityUsedAsCa,
            ChainError::PathLenConstraintViolated,
            ChainError::NameConstraintViolation,
            ChainError::MaximumPathDepthExceeded,
            ChainError::UnsupportedCertVersion,
        ];
        let chains = chains.map(|problem| CertificateError::Other(OtherError(Arc::new(problem))));
        let alerts = (0..=255).map(|number| Tls::AlertReceived(AlertDescription::from(number)));
        let rest = [
            Tls::NoCertificatesPresented,
            Tls::UnsupportedNameType,
            Tls::DecryptError,
            Tls::EncryptError,
            Tls::InvalidMessage(InvalidMessage::MissingData("hunter2")),
            Tls::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
            Tls::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Tls::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived),
            Tls::General(theirs()),
            Tls::FailedToGetCurrentTime,
            Tls::FailedToGetRandomBytes,
            Tls::HandshakeNotComplete,
            Tls::PeerSentOversizedRecord,
            Tls::NoApplicationProtocol,
            Tls::BadMaxFragmentSize,
            Tls::Other(other()),
        ];
        let bad = certificates.into_iter().chain(chains).map(Tls::InvalidCertificate);
        for error in bad.chain(alerts).chain(rest) {
            is_ours(&tls(&error));
            assert!(!tls(&error).contains(&error.to_string()), "{error}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place_alone() {
        for text in ["{", "hunter2", "{\"hunter2\"", "[1,]", "\"a\n\"", "{} hunter2", "\"hunter2\""]
        {
            let error = serde_json::from_str::<Vec<u8>>(text).unwrap_err();
            is_ours(&json(&error));
        }
    }
}
