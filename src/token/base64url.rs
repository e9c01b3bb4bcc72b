//! base64url as RFC 7515 §2 has it: no padding, no white space, one spelling per value.

use base64_simd::URL_SAFE_NO_PAD;

/// Decodes, or says no: padding, a foreign character or non-zero trailing bits would give one token
/// several spellings.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// Decodes likewise, to the end of what is there; the room that is there is enough for it, or is made.
pub(crate) fn append(text: &[u8], octets: &mut Vec<u8>) -> Option<()> {
    URL_SAFE_NO_PAD.decode_append(text, octets).ok()
}

/// The one spelling of these octets.
#[cfg(feature = "conformance")]
pub(crate) fn encode(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(octets)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as REFERENCE;
    use proptest::prelude::*;

    use super::{append, decode};

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

    /// The decoder goes about long, short and odd texts by different instructions: none may let an octet
    /// pass that the others do not.
    #[test]
    fn every_octet_at_every_place_of_every_length_is_judged_as_by_a_second_decoder() {
        for length in 0..=100 {
            let text: Vec<u8> = (0..length).map(|at| b"AQgw-_09zZaMe"[at % 13]).collect();
            assert_eq!(decode(&text), REFERENCE.decode(&text).ok(), "{length}");
            for place in 0..length {
                for octet in 0..=u8::MAX {
                    let mut text = text.clone();
                    text[place] = octet;
                    assert_eq!(decode(&text), REFERENCE.decode(&text).ok(), "{text:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn octets_come_back(octets: Vec<u8>) {
            prop_assert_eq!(decode(REFERENCE.encode(&octets).as_bytes()), Some(octets));
        }

        #[test]
        fn any_text_is_judged_as_by_a_second_decoder(text in "[A-Za-z0-9_-]{0,200}[=+/A-Za-z0-9 ]{0,3}") {
            prop_assert_eq!(decode(text.as_bytes()), REFERENCE.decode(&text).ok());
            let mut octets = b"before".to_vec();
            let appended = append(text.as_bytes(), &mut octets).map(|()| octets.split_off(6));
            prop_assert_eq!(&octets, b"before");
            prop_assert_eq!(appended, REFERENCE.decode(&text).ok());
        }
    }
}
