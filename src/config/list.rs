//! A list as people write it: commas, spaces, or a JSON array.

use serde::de::{Deserialize, Deserializer, Error as _};

use super::settings::ours;

/// Splits `a,b`, `a b`, `a, b` or `["a", "b"]`.
pub(super) fn parse(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim();
    if text.starts_with('[') {
        return serde_json::from_str(text)
            .map_err(|_| "it begins as a JSON array, but is not an array of strings".to_owned());
    }
    let words = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
    let items: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    // Two unset variables with a comma between them must not require nothing.
    if items.is_empty() {
        Err("it is empty; an empty list is written []".to_owned())
    } else {
        Ok(items)
    }
}

/// A list inside a JSON configuration: an array, or a text to split. `null` is as good as absent.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged, expecting = "expected a list of strings")]
    enum Form {
        Items(Vec<String>),
        Text(String),
    }
    match Option::<Form>::deserialize(input)? {
        None => Ok(None),
        Some(Form::Items(items)) => Ok(Some(items)),
        Some(Form::Text(text)) => {
            parse(&text).map(Some).map_err(|problem| D::Error::custom(ours(&problem)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn splits_commas_spaces_and_json_alike() {
        for text in ["a,b", "a b", " a , b ", "a\tb", r#"["a","b"]"#, r#" [ "a", "b" ] "#, "a,,b,"]
        {
            assert_eq!(parse(text).unwrap(), ["a", "b"], "{text:?}");
        }
        assert!(parse("[]").unwrap().is_empty());
        for empty in ["", " ", ",", " , ,\t"] {
            assert!(parse(empty).is_err(), "{empty:?}");
        }
        assert!(parse("[1]").is_err());
        assert!(parse("[\"a\"").is_err());
    }
}
