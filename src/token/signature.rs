//! Public keys and signature checks. The only file that names the crypto library.

use aws_lc_rs::signature::{self as aws, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};

use crate::algorithm::Algorithm;

/// Why key material makes no key. Static: nothing of the key is repeated.
pub(crate) type Unusable = &'static str;

/// RSA moduli below can be factored (RFC 7518 §3.3); those above cost too much per token.
const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Smallest public exponent; below it bad padding checks have been forgeable (FIPS 186-5 §5.4 (e)).
const RSA_MIN_EXPONENT: u64 = 65537;
/// AWS-LC takes no public exponent longer than this.
const RSA_MAX_EXPONENT_BITS: usize = 33;

/// A public key parsed once, tied to the one algorithm it is for.
#[derive(Clone)]
pub(crate) struct PublicKey(ParsedPublicKey);

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PublicKey")
    }
}

impl PublicKey {
    /// An RSA key from its big-endian modulus and exponent, without leading zeros (RFC 7518 §6.3.1).
    pub(crate) fn rsa(
        algorithm: Algorithm,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Self, Unusable> {
        check_rsa(modulus, exponent)?;
        let parameters = rsa_parameters(algorithm).ok_or("the algorithm is not for an RSA key")?;
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        let key = components
            .to_parsed_public_key(parameters)
            .map_err(|_| "the RSA key is inconsistent")?;
        // AWS-LC finishes an RSA key at its first verification, under the key's write lock
        // (BN_MONT_CTX_set_locked). Done here, before another thread sees the key: a fork() at that
        // moment would leave the child waiting for a lock that nobody holds.
        let _ = key.verify_sig(b"", &vec![0; modulus.len()]);
        Ok(Self(key))
    }

    /// An RSA key that admission refuses for its exponent: for published vectors alone.
    #[cfg(feature = "conformance")]
    pub(crate) fn rsa_of_any_exponent(
        algorithm: Algorithm,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Self, Unusable> {
        let parameters = rsa_parameters(algorithm).ok_or("the algorithm is not for an RSA key")?;
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        let key = components.to_parsed_public_key(parameters);
        key.map(Self).map_err(|_| "the RSA key is inconsistent")
    }

    /// An elliptic-curve key from its coordinates, each exactly as long as the field (RFC 7518 §6.2.1.2).
    pub(crate) fn elliptic(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Result<Self, Unusable> {
        let (parameters, field_length) = match algorithm {
            Algorithm::Es256 => (&aws::ECDSA_P256_SHA256_FIXED, 32),
            Algorithm::Es384 => (&aws::ECDSA_P384_SHA384_FIXED, 48),
            _ => return Err("the algorithm is not for an elliptic-curve key"),
        };
        if x.len() != field_length || y.len() != field_length {
            return Err("a coordinate has the wrong length");
        }
        let point = [&[0x04], x, y].concat();
        ParsedPublicKey::new(parameters, point)
            .map(Self)
            .map_err(|_| "the point is not on the curve")
    }

    /// An Ed25519 key (RFC 8037 §2).
    pub(crate) fn ed25519(x: &[u8]) -> Result<Self, Unusable> {
        let octets: [u8; 32] = x.try_into().map_err(|_| "the Ed25519 key has the wrong length")?;
        if is_small_order(octets) {
            return Err("the Ed25519 key is of small order: any message would verify");
        }
        ParsedPublicKey::new(&aws::ED25519, octets)
            .map(Self)
            .map_err(|_| "the Ed25519 key is not a point")
    }

    /// Whether the signature over the message is this key's.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&aws::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&aws::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&aws::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&aws::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&aws::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&aws::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
    }
}

/// AWS-LC looks at the size of a key only when it verifies; a key that can never be used must not
/// get that far.
fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), Unusable> {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else {
        return Err("the modulus is empty");
    };
    if *first == 0 || exponent.first() == Some(&0) {
        return Err("a number starts with a zero octet");
    }
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    if bits < *RSA_MODULUS_BITS.start() {
        return Err("the RSA modulus is shorter than 2048 bits");
    }
    if bits > *RSA_MODULUS_BITS.end() {
        return Err("the RSA modulus is longer than 8192 bits");
    }
    if last % 2 == 0 {
        return Err("the RSA modulus is even");
    }
    if exponent.len() > RSA_MAX_EXPONENT_BITS.div_ceil(8) {
        return Err("the RSA exponent is too large");
    }
    let exponent = exponent.iter().fold(0, |value, octet| value << 8 | u64::from(*octet));
    if exponent < RSA_MIN_EXPONENT || exponent % 2 == 0 {
        return Err("the RSA exponent is even or below 65537");
    }
    Ok(())
}

/// The y coordinates of the points of small order on edwards25519, canonical or not, little-endian
/// with the sign bit clear. Under such a key a signature can be made that fits every message.
fn is_small_order(mut key: [u8; 32]) -> bool {
    const Y_OF_ORDER_8: [[u8; 32]; 2] = [
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
    ];
    if let Some(last) = key.last_mut() {
        *last &= 0x7f;
    }
    let [first, middle @ .., last] = key;
    // y = 0, 1 and, with the prime's own octets ed ff … ff 7f, y = -1, p and p + 1.
    let is_zero_or_one = first <= 1 && last == 0 && middle.iter().all(|octet| *octet == 0);
    let is_near_prime =
        (0xec..=0xee).contains(&first) && last == 0x7f && middle.iter().all(|octet| *octet == 0xff);
    is_zero_or_one || is_near_prime || Y_OF_ORDER_8.contains(&key)
}
