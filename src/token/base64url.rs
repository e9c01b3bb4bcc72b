//! base64url as RFC 7515 §2 has it: no padding, no white space, one spelling per value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Decodes, or says no: padding, a foreign character or non-zero trailing bits would give one token
/// several spellings.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn takes_the_one_canonical_spelling_only() {
        assert_eq!(decode(b"").unwrap(), b"");
        assert_eq!(decode(b"Zg").unwrap(), b"f");
        assert_eq!(decode(b"_-8").unwrap(), [0xff, 0xef]);
        for bad in
            ["Zg==", "Zh", "Z", "+/8", "Zg ", " Zg", "Z\ng", "Zg\0", "Zm9=", "Zm8=", "Zm9", "Zé"]
        {
            assert_eq!(decode(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
