//! Certificates, good and bad, and what is no TLS at all.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// What a server shows of itself, as `localhost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(dead_code)] // the fault scenarios show not all of them
pub enum Certificate {
    /// Of the authority in a [`CaFile`].
    Good,
    SelfSigned,
    UnknownAuthority,
    Expired,
    NotYetValid,
    WrongHost,
    /// Of an authority that has the name of the one in a [`CaFile`], and another key.
    Namesake,
    /// Certified by a certificate of the authority's that may not certify.
    IssuedByALeaf,
    /// Good, and wants the same of its client.
    AsksForOne,
}

/// An alert: handshake_failure (RFC 8446 §6).
pub const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];
/// A handshake record of nothing, which RFC 8446 §5.1 forbids.
pub const EMPTY_RECORD: &[u8] = &[22, 3, 3, 0, 0];

type Authority = CertifiedIssuer<'static, KeyPair>;

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| authority("authority"));
static NAMESAKE: LazyLock<Authority> = LazyLock::new(|| authority("authority"));
static STRANGER: LazyLock<Authority> = LazyLock::new(|| authority("stranger"));

/// A file of the authority that certifies this process's servers; gone when dropped.
pub struct CaFile(pub PathBuf);

impl CaFile {
    pub fn new() -> Self {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("authkit-faults-ca-{}-{number}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, AUTHORITY.pem()).unwrap();
        Self(path)
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// A server's side of TLS with this certificate.
pub fn config(certificate: Certificate) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut wanted =
        params(if certificate == Certificate::WrongHost { "other.example" } else { "localhost" });
    match certificate {
        Certificate::Expired => wanted.not_after = date_time_ymd(2020, 1, 1),
        Certificate::NotYetValid => wanted.not_before = date_time_ymd(4000, 1, 1),
        _ => {}
    }
    let chain: Vec<CertificateDer<'static>> = match certificate {
        Certificate::SelfSigned => vec![wanted.self_signed(&key).unwrap().der().clone()],
        Certificate::UnknownAuthority => {
            vec![wanted.signed_by(&key, &STRANGER).unwrap().der().clone()]
        }
        Certificate::Namesake => {
            vec![wanted.signed_by(&key, &NAMESAKE).unwrap().der().clone()]
        }
        Certificate::IssuedByALeaf => {
            let leaf = CertifiedIssuer::signed_by(
                params("leaf.example"),
                KeyPair::generate().unwrap(),
                &AUTHORITY,
            )
            .unwrap();
            vec![wanted.signed_by(&key, &leaf).unwrap().der().clone(), leaf.der().clone()]
        }
        _ => vec![wanted.signed_by(&key, &AUTHORITY).unwrap().der().clone()],
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if certificate == Certificate::AsksForOne {
        let mut roots = RootCertStore::empty();
        roots.add(AUTHORITY.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}

/// A server's side of TLS that shows the authority itself.
#[allow(dead_code)] // the fault scenarios do not
pub fn authority_as_server() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut params = params("localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &*AUTHORITY).unwrap().der().clone();
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Arc::new(builder.with_single_cert(vec![certificate], key).unwrap())
}

/// The answer of a server that knows TLS 1.0 at the most: ServerHello (RFC 2246 §7.4.1.3).
pub fn server_hello_of_1_0() -> Vec<u8> {
    let mut hello = vec![3, 1];
    hello.extend([7; 32]); // random
    hello.extend([0, 0, 0x2f, 0]); // no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression
    let mut record = vec![22, 3, 1, 0, 42, 2, 0, 0, 38];
    record.extend(hello);
    record
}
