//! The JOSE algorithms a public key set can carry; the symmetric ones and `none` have no value here.

use jsonwebtoken::Algorithm as Jose;

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// Reads an `alg` value; exact and case-sensitive (RFC 7515 §4.1.1).
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name.parse::<Jose>().ok()? {
            Jose::RS256 => Some(Self::Rs256),
            Jose::RS384 => Some(Self::Rs384),
            Jose::RS512 => Some(Self::Rs512),
            Jose::PS256 => Some(Self::Ps256),
            Jose::PS384 => Some(Self::Ps384),
            Jose::PS512 => Some(Self::Ps512),
            Jose::ES256 => Some(Self::Es256),
            Jose::ES384 => Some(Self::Es384),
            Jose::EdDSA => Some(Self::EdDsa),
            // HMAC over a published key is anybody's signature (CVE-2016-10555, CVE-2026-44699).
            _ => None,
        }
    }

    /// The `alg` value.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn is_rsa(self) -> bool {
        !matches!(self, Self::Es256 | Self::Es384 | Self::EdDsa)
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn names_are_exact_and_asymmetric() {
        for name in
            ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
        {
            assert_eq!(Algorithm::from_name(name).map(Algorithm::name), Some(name));
        }
        for name in [
            "none", "None", "NONE", "HS256", "HS384", "HS512", "rs256", "RS256 ", "", "ES512",
            "eddsa",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
