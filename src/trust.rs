//! The certificate authorities that are trusted: the system's, and those of configured files.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::load_certs_from_paths;

use crate::error::printable;
use crate::foreign;

/// Far more than all authorities of the world.
const MAX_FILE_LENGTH: u64 = 16 * 1024 * 1024;
const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// Where authorities are read from. They are read again for each fetch, so that a file may be replaced.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    ca_file: Option<PathBuf>,
    extra_ca_file: Option<PathBuf>,
    /// What `SSL_CERT_FILE` and `SSL_CERT_DIR` name in place of the system's own.
    variables: Variables,
}

/// As OpenSSL reads them, but for empty ones, which count as unset.
#[derive(Debug, Clone, Default)]
struct Variables {
    file: Option<PathBuf>,
    directories: Vec<PathBuf>,
}

/// A PEM file's certificates.
#[derive(Debug, Default)]
pub(crate) struct Pem {
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// Blocks of other kinds, which were passed over (RFC 7468 §2).
    pub(crate) others: usize,
}

/// Authorities, and the warnings about unusable ones.
#[derive(Debug)]
pub(crate) struct Authorities {
    pub(crate) client: Arc<ClientConfig>,
    /// What could not be read, as sentences; empty if nothing failed.
    pub(crate) problems: Vec<String>,
    /// The variable because of which the system's own are not among them.
    pub(crate) replaced_by: Option<&'static str>,
}

impl Trust {
    /// Reads the environment, and refuses an unusable `ca_file`.
    pub(crate) fn new(
        ca_file: Option<&Path>,
        extra_ca_file: Option<&Path>,
    ) -> Result<Self, String> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let variables = Variables::of(variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"));
        let owned = |path: Option<&Path>| path.map(Path::to_owned);
        let (ca_file, extra_ca_file) = (owned(ca_file), owned(extra_ca_file));
        if let Some(path) = &ca_file {
            configured(path)?;
        }
        Ok(Self { ca_file, extra_ca_file, variables })
    }

    /// The warnings when a verifier is made. The system's own authorities are not read for them.
    pub(crate) fn problems(&self) -> Vec<String> {
        let (mut roots, mut problems) = (RootCertStore::empty(), Vec::new());
        self.variables.read(&mut roots, &mut problems);
        self.add_extra(&mut roots, &mut problems);
        problems
    }

    /// Reads them all.
    pub(crate) fn authorities(&self) -> Result<Authorities, String> {
        let (mut roots, mut problems) = (RootCertStore::empty(), Vec::new());
        if self.variables.is_set() {
            self.variables.read(&mut roots, &mut problems);
        } else {
            roots.add_parsable_certificates(system());
        }
        self.add_extra(&mut roots, &mut problems);
        if let Some(path) = &self.ca_file {
            add(&mut roots, configured(path)?);
        }
        let replaced_by = self.variables.name();
        if roots.is_empty() {
            return Err(match (replaced_by, problems.is_empty()) {
                (_, false) => {
                    format!("there are no certificate authorities: {}", problems.join("; "))
                }
                (Some(name), true) => format!(
                    "there are no certificate authorities: {name} replaces this system's and names none that can be used; correct it or unset it, or set ca_file"
                ),
                (None, true) => "this system has no certificate authorities; install its ca-certificates package or set ca_file".to_owned(),
            });
        }
        // Beside a ca_file the system's are not missed.
        let replaced_by = replaced_by.filter(|_| self.ca_file.is_none());
        Ok(Authorities { client: client(roots)?, problems, replaced_by })
    }

    /// If Node cannot read this file, it trusts its own authorities. So do we.
    fn add_extra(&self, roots: &mut RootCertStore, problems: &mut Vec<String>) {
        let Some(path) = &self.extra_ca_file else { return };
        match read(path) {
            Ok(pem) => add(roots, pem),
            Err(problem) => problems.push(format!("extra_ca_file {} {problem}", shown(path))),
        }
    }
}

impl Variables {
    fn of(file: Option<OsString>, directories: Option<OsString>) -> Self {
        let directories = directories.iter().flat_map(std::env::split_paths);
        Self {
            file: file.map(PathBuf::from),
            directories: directories.filter(|path| !path.as_os_str().is_empty()).collect(),
        }
    }

    fn is_set(&self) -> bool {
        self.name().is_some()
    }

    /// The variable that is set.
    fn name(&self) -> Option<&'static str> {
        let directory = (!self.directories.is_empty()).then_some("SSL_CERT_DIR");
        self.file.as_ref().map(|_| "SSL_CERT_FILE").or(directory)
    }

    /// Tolerant, as for the system's own. A file without a certificate is named, with the reason.
    fn read(&self, roots: &mut RootCertStore, problems: &mut Vec<String>) {
        if let Some(path) = &self.file {
            // Looked at first: a pipe would be waited for, and a device never ends.
            let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
            let found =
                if is_file { load_certs_from_paths(Some(path), None).certs } else { Vec::new() };
            if found.is_empty() {
                let unusable = "holds no certificate that can be used";
                let problem = read(path).err().unwrap_or_else(|| unusable.to_owned());
                problems.push(format!("SSL_CERT_FILE {} {problem}", shown(path)));
            }
            roots.add_parsable_certificates(found);
        }
        for path in &self.directories {
            let found = load_certs_from_paths(None, Some(path)).certs;
            if found.is_empty() {
                problems.push(format!("SSL_CERT_DIR {} {}", shown(path), directory_problem(path)));
            }
            roots.add_parsable_certificates(found);
        }
    }
}

fn directory_problem(path: &Path) -> String {
    match fs::read_dir(path) {
        Ok(_) => "holds no file with a certificate in PEM".to_owned(),
        Err(error) => format!("cannot be read: {}", foreign::file(&error)),
    }
}

/// A configured file's certificates; the error names the setting.
fn configured(path: &Path) -> Result<Pem, String> {
    read(path).map_err(|problem| format!("ca_file {} {problem}", shown(path)))
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// A PEM file's certificates, at least one; the error follows the file's name.
pub(crate) fn read(path: &Path) -> Result<Pem, String> {
    let unreadable = |error| format!("cannot be read: {}", foreign::file(&error));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err("cannot be read: it is a directory, not a file".to_owned());
    }
    if !metadata.is_file() {
        return Err("is no regular file, and so cannot be read for each fetch".to_owned());
    }
    let mut octets = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_LENGTH).read_to_end(&mut octets).map_err(unreadable)?;
    parse(&octets)
}

/// Everything else than certificates is skipped: keys, parameters, text (RFC 7468 §2).
fn parse(octets: &[u8]) -> Result<Pem, String> {
    let text = String::from_utf8_lossy(octets);
    let mut pem = Pem::default();
    let mut lines = text.split(['\n', '\r']).map(|line| line.trim_matches(is_blank));
    while let Some(line) = lines.next() {
        let label = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(DASHES));
        let Some(label) = label else { continue };
        if !matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE") {
            pem.others += 1;
            continue;
        }
        let number = pem.certificates.len() + 1;
        let end = format!("-----END {label}{DASHES}");
        let mut body = String::new();
        loop {
            match lines.next() {
                Some(line) if line == end => break,
                Some(line) if !line.starts_with(DASHES) => body.push_str(line),
                _ => return Err(format!("has no END line for certificate {number}")),
            }
        }
        pem.certificates.push(certificate(&body).ok_or_else(|| {
            format!("holds a CERTIFICATE block that is no certificate: number {number}")
        })?);
    }
    if pem.certificates.is_empty() {
        return Err(format!("holds no certificate in PEM{}", likely_cause(octets, &text)));
    }
    Ok(pem)
}

/// White space, and the mark that editors of Windows put before a text.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// A certificate that can be an authority's, so far as its form goes.
fn certificate(base64: &str) -> Option<CertificateDer<'static>> {
    let der = base64_simd::forgiving_decode_to_vec(base64.as_bytes()).ok()?;
    let der = CertificateDer::from(der);
    RootCertStore::empty().add(der.clone()).ok()?;
    Some(der)
}

/// Common mistakes. The content is never repeated.
fn likely_cause(octets: &[u8], text: &str) -> &'static str {
    if octets.is_empty() {
        ": it is empty"
    } else if text.contains("-----\\n") || text.contains("-----\\r\\n") {
        r": its newlines are the two characters \n; write real ones"
    } else if octets.starts_with(&[0x30, 0x82]) {
        ": it is DER; convert it with `openssl x509 -inform der`"
    } else if text.contains("PRIVATE KEY-----") {
        ": it holds a private key, which has no place here"
    } else {
        ""
    }
}

fn add(roots: &mut RootCertStore, pem: Pem) {
    roots.add_parsable_certificates(pem.certificates);
}

/// The system's authorities, if no variable names others. Empty variables must not hide them.
#[cfg(all(unix, not(target_os = "macos")))]
fn system() -> Vec<CertificateDer<'static>> {
    let places = openssl_probe::probe();
    let directory = places.cert_dir.first().map(PathBuf::as_path);
    load_certs_from_paths(places.cert_file.as_deref(), directory).certs
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn system() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

fn client(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| foreign::tls(&error))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces that a file of certificates and keys is made of, whole and broken.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let labels = prop_oneof![Just("CERTIFICATE"), Just("PRIVATE KEY"), Just("X")];
        let line = prop_oneof![
            labels.clone().prop_map(|label| format!("-----BEGIN {label}-----")),
            labels.prop_map(|label| format!("-----END {label}-----")),
            Just("hunter2hunter2hunter2".to_owned()),
            Just("MIIB".to_owned()),
        ];
        let ends = prop_oneof![Just("\n"), Just("\r\n"), Just("\\n"), Just("")];
        prop_oneof![
            (line, ends).prop_map(|(line, end)| format!("{line}{end}").into_bytes()),
            prop::collection::vec(any::<u8>(), 0..40),
        ]
    }

    proptest! {
        #[test]
        fn nothing_that_a_file_holds_comes_into_the_message(pieces in prop::collection::vec(piece(), 0..20)) {
            let problem = parse(&pieces.concat()).unwrap_err();
            prop_assert!(problem.len() < 120 && problem.is_ascii(), "{problem}");
            prop_assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
