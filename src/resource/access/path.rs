//! What a router could make of a path: the one reading if all routers agree, else none; and the places in it.

use super::super::request::percent_decoded;

/// A longer path is not plain: no server's default lets much more through, and its reading would cost time.
const MAX_LENGTH: usize = 8192;
/// As deep as a plain path can be: what is done for each segment is bounded by it.
const MAX_SEGMENTS: usize = 128;

/// The part of a segment that routers go by, behind which some cut off parameters (RFC 3986 §3.3), as
/// Fastify 4 does, and a query or a fragment that was percent-encoded once too often.
const CUTS: [char; 3] = [';', '?', '#'];

/// How the octets of a path were handed over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As they stood in the request's target.
    Encoded,
    /// As the host's router sees them.
    Decoded,
}

/// A path whose segments every router sees alike, but for letter case, parameters and prefixes.
pub(super) struct Plain {
    pub(super) text: String,
    /// Nothing is percent-encoded that need not be: routers that decode and those that do not agree.
    is_canonical: bool,
}

impl Plain {
    /// The path, decoded once; `None` if it could be read in two ways: then nobody knows what it asks for.
    pub(super) fn of(octets: &[u8], spelling: Spelling) -> Option<Self> {
        // Not UTF-8 before it is decoded, it may decode to UTF-8 or to something else, one part or the whole.
        if octets.len() > MAX_LENGTH || std::str::from_utf8(octets).is_err() {
            return None;
        }
        let (decoded, is_canonical) = match spelling {
            Spelling::Encoded => (percent_decoded(octets).collect(), !encodes_needlessly(octets)),
            Spelling::Decoded => (octets.to_vec(), true),
        };
        let text = String::from_utf8(decoded).ok()?;
        is_plain(&text).then_some(Self { text, is_canonical })
    }

    /// Whether the path can be open to all: nothing in it may mean anything but itself.
    pub(super) fn can_be_public(&self) -> bool {
        self.is_canonical && !self.text.contains(CUTS) && !self.text.contains('%')
    }

    /// Whether the path is spelled in one way alone, so that a prefix can be told by its octets.
    pub(super) fn is_simple(&self) -> bool {
        let is_name = |segment| name(segment) == segment;
        self.text.is_ascii() && !self.text.contains('%') && self.text.split('/').all(is_name)
    }

    /// What stands behind each occurrence of a prefix. Some frameworks cut without looking for the end of a
    /// segment, or at the first occurrence wherever it is (Litestar).
    pub(super) fn rests<'p>(&'p self, prefix: &str) -> Vec<&'p str> {
        if prefix.is_empty() {
            return Vec::new();
        }
        let (text, prefix) = (self.text.to_ascii_lowercase(), prefix.to_ascii_lowercase());
        let is_found = |start| text.get(start..).is_some_and(|rest| rest.starts_with(&prefix));
        let starts = text.char_indices().map(|(start, _)| start).filter(|start| is_found(*start));
        starts.filter_map(|start| self.text.get(start + prefix.len()..)).collect()
    }

    /// Whether whoever cuts a prefix off, wherever it first occurs, finds it at the beginning, in whole segments,
    /// or not at all.
    pub(super) fn is_cut_cleanly(&self, prefix: &str) -> bool {
        match self.text.to_ascii_lowercase().find(&prefix.to_ascii_lowercase()) {
            None => true,
            Some(0) => self
                .text
                .get(prefix.len()..)
                .is_some_and(|rest| matches!(rest.chars().next(), None | Some('/'))),
            Some(_) => false,
        }
    }

    /// The path below a prefix of whole segments; `None` if it does not lie there.
    pub(super) fn below(&self, prefix: &str) -> Option<&str> {
        match self.text.strip_prefix(prefix)? {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        }
    }
}

/// What routers compare of a segment.
pub(super) struct Name<'p> {
    text: &'p str,
    /// What stands between the characters that can become others; nothing if there is none of them.
    pieces: Vec<&'p str>,
}

/// The names of a path's segments; a final slash adds none.
pub(super) fn names(path: &str) -> impl Iterator<Item = Name<'_>> {
    segments(path).map(|text| {
        let is_fixed = text.is_ascii() && !text.contains('%');
        Name { text, pieces: if is_fixed { Vec::new() } else { text.split(is_wild).collect() } }
    })
}

/// The same as text.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').map(name).filter(|name| !name.is_empty())
}

/// A segment without what one router or another leaves out: parameters, spaces around it, dots behind it.
fn name(segment: &str) -> &str {
    let segment = segment.split(CUTS).next().unwrap_or_default();
    segment.trim_start_matches(' ').trim_end_matches(['.', ' '])
}

impl Name<'_> {
    /// Whether a router could take it for a segment of a place, ignoring ASCII case, what joins words, and a
    /// suffix that names a format, as in `/admin.json`.
    pub(super) fn is(&self, place: &str) -> bool {
        if self.pieces.is_empty() {
            return is_joined_alike(self.text, place);
        }
        let stems = self.text.match_indices('.').filter_map(|(dot, _)| self.text.get(..dot));
        self.is_whole(place) || stems.flat_map(names).any(|stem| stem.is_whole(place))
    }

    fn is_whole(&self, place: &str) -> bool {
        if self.pieces.is_empty() {
            return is_joined_alike(self.text, place);
        }
        if !place.is_ascii() {
            // Unicode has several spellings of the same letters, and routers need not agree on them.
            return !self.text.is_ascii();
        }
        self.could_become(&place.to_ascii_lowercase())
    }

    /// Whether it becomes another name if each of its characters that can become others is replaced by some
    /// text, or by none.
    fn could_become(&self, place: &str) -> bool {
        let [first, between @ .., last] = &self.pieces[..] else { return self.text == place };
        let Some(mut rest) = place.strip_prefix(&first.to_ascii_lowercase()) else { return false };
        for piece in between.iter().filter(|piece| !piece.is_empty()) {
            match rest.split_once(&piece.to_ascii_lowercase()) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(&last.to_ascii_lowercase())
    }
}

/// Whether a name is a place's, or that and a suffix after a dot. Some routers turn what joins words into `_`
/// (CherryPy), and some take a suffix for the format that is asked for (Django REST framework).
fn is_joined_alike(name: &str, place: &str) -> bool {
    let is_joint = |octet: u8| octet.is_ascii_punctuation() || octet == b' ';
    let same = |(a, b): (u8, u8)| a.eq_ignore_ascii_case(&b) || (is_joint(a) && is_joint(b));
    let (octets, wanted) = (name.as_bytes(), place.as_bytes());
    octets.len() >= wanted.len()
        && octets.iter().copied().zip(wanted.iter().copied()).all(same)
        && matches!(octets.get(wanted.len()), None | Some(b'.'))
}

fn is_plain(text: &str) -> bool {
    let Some(path) = text.strip_prefix('/') else { return false };
    // A final slash is no segment.
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_root = text == "/";
    path.split('/').count() <= MAX_SEGMENTS
        && !text.chars().any(is_structural)
        && !has_escape(text.as_bytes())
        && (is_root || path.split('/').all(is_solid))
}

/// Whether something is left of a segment, whatever a router leaves out: it is not empty, `.`, `..` or the like.
fn is_solid(segment: &str) -> bool {
    name(segment).contains(|c: char| c != '.' && c != ' ' && !is_wild(c))
}

/// Whether a text that was decoded once could be changed by decoding it again, as by `%41` or IIS's `%u0041`,
/// also after Unicode's digits have become ASCII's.
fn has_escape(text: &[u8]) -> bool {
    let is_digit = |octet: &u8| octet.is_ascii_hexdigit() || !octet.is_ascii();
    text.windows(3).any(|octets| match octets {
        [b'%', high, low] => matches!(high, b'u' | b'U') || (is_digit(high) && is_digit(low)),
        _ => false,
    })
}

/// Whether a path encodes what means the same as itself (RFC 3986 §2.3), or a slash.
fn encodes_needlessly(path: &[u8]) -> bool {
    path.windows(3).any(|octets| {
        let [b'%', ..] = octets else { return false };
        let decoded = percent_decoded(octets).next();
        decoded.is_some_and(|octet| octet.is_ascii_alphanumeric() || b"-._~/".contains(&octet))
    })
}

/// What ends or joins segments for one router or another, or is rewritten before any router sees it: controls,
/// the backslash, the sign of octets that were not UTF-8, and what Unicode maps to `.`, `/`, `\`, `%`, `?`, `#` or `;`.
fn is_structural(c: char) -> bool {
    c.is_control()
        || matches!(c, '\\' | '\u{FFFD}'
            | '\u{37E}' | '\u{2024}'..='\u{2026}' | '\u{2028}' | '\u{2029}' | '\u{2044}' | '\u{2047}'..='\u{2049}'
            | '\u{2100}'..='\u{2106}' | '\u{2215}' | '\u{2216}' | '\u{2488}'..='\u{249B}' | '\u{29F5}'
            | '\u{29F8}' | '\u{29F9}' | '\u{33C2}' | '\u{33C7}' | '\u{33D8}' | '\u{FE14}' | '\u{FE16}' | '\u{FE19}' | '\u{FE30}'
            | '\u{FE52}' | '\u{FE54}' | '\u{FE56}' | '\u{FE5F}' | '\u{FE68}' | '\u{FE6A}' | '\u{FF03}' | '\u{FF05}'
            | '\u{FF0E}' | '\u{FF0F}' | '\u{FF1B}' | '\u{FF1F}' | '\u{FF3C}' | '\u{1F100}')
}

/// A character that can stand for others: a `%` that encodes nothing, and what Unicode normalizes, folds or
/// ignores. Generous: it only makes more places met.
fn is_wild(c: char) -> bool {
    c == '%' || (!c.is_ascii() && (!c.is_alphabetic() || becomes_ascii(c)))
}

/// Letters that case mapping or compatibility decomposition (NFKC) turns into ASCII, by their blocks.
fn becomes_ascii(c: char) -> bool {
    c.to_lowercase().chain(c.to_uppercase()).any(|mapped| mapped.is_ascii())
        || matches!(c, '\u{AA}' | '\u{BA}' | '\u{132}' | '\u{133}' | '\u{13F}' | '\u{140}' | '\u{1C4}'..='\u{1CC}'
            | '\u{1F1}'..='\u{1F3}' | '\u{2B0}'..='\u{2FF}' | '\u{37A}' | '\u{1D2C}'..='\u{1DBF}'
            | '\u{1E9A}' | '\u{1E9E}' | '\u{2000}'..='\u{24FF}' | '\u{2C7C}' | '\u{2C7D}' | '\u{3200}'..='\u{33FF}'
            | '\u{A7F2}'..='\u{A7F4}' | '\u{FB00}'..='\u{FB06}' | '\u{FC5E}'..='\u{FC63}' | '\u{FDFA}' | '\u{FDFB}'
            | '\u{FE10}'..='\u{FE7F}' | '\u{FF00}'..='\u{FFEF}' | '\u{10780}'..='\u{107BF}'
            | '\u{1D400}'..='\u{1D7FF}' | '\u{1F100}'..='\u{1F2FF}')
}
