//! JSON without leniency (RFC 8259, and RFC 8725 §2.4 on why): one pass, no recursion, no repeated member.
//!
//! A [`Document`] owns the text and a flat list of nodes over it; values are views. Nothing is
//! copied out of the text until somebody asks for a string with escapes in it.

use std::borrow::Cow;

/// Deepest nesting that is read; a token needs three levels.
const MAX_DEPTH: usize = 16;
/// Objects up to this many members are checked for repeats member by member, larger ones by sorting.
const PAIRWISE_MEMBERS: usize = 32;

/// Why a text is not JSON that this library reads. Static: nothing of the text is repeated.
pub(crate) type Problem = &'static str;

/// A JSON object, parsed and proven well-formed throughout.
#[derive(Debug)]
pub(crate) struct Document {
    text: String,
    nodes: Vec<Node>,
    /// Whether a string anywhere has an escape, and so may hold characters that the raw text cannot.
    has_escapes: bool,
}

/// A string that is kept beside its document, without a copy where it stands there word for word.
#[derive(Debug)]
pub(crate) enum Kept {
    Place { start: u32, end: u32 },
    Text(Box<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    False,
    True,
    Number,
    String,
    /// A string with at least one escape.
    EscapedString,
    Array,
    /// Its members follow as a name (a string node) and a value each.
    Object,
}

/// A value's place in the text, and where the next sibling's node is.
#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    next: u32,
}

/// A value inside a token's JSON: a view, cheap to copy, that lives as long as the claims.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    document: &'d Document,
    index: usize,
}

impl Document {
    /// Parses a text whose outermost value is an object, with nothing around it but white space.
    pub(crate) fn parse(octets: Vec<u8>) -> Result<Self, Problem> {
        let text = String::from_utf8(octets).map_err(|_| "not UTF-8")?;
        if u32::try_from(text.len()).is_err() {
            return Err("too long");
        }
        let Parser { nodes, has_escapes, .. } = Parser::new(&text).document()?;
        let document = Self { text, nodes, has_escapes };
        if document.root().node().kind != Kind::Object {
            return Err("not a JSON object");
        }
        Ok(document)
    }

    /// The text as it came.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The outermost object.
    pub(crate) fn root(&self) -> Value<'_> {
        Value { document: self, index: 0 }
    }

    /// A member of the outermost object.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'_>> {
        self.root().get(name)
    }

    /// Whether a string anywhere has an escape, and so may hold characters that the raw text cannot.
    pub(crate) fn has_escapes(&self) -> bool {
        self.has_escapes
    }

    /// A string out of this document, kept without a copy where it can be.
    pub(crate) fn kept<'d>(&'d self, kept: &'d Kept) -> &'d str {
        match kept {
            Kept::Place { start, end } => {
                self.text.get(*start as usize..*end as usize).unwrap_or_default()
            }
            Kept::Text(text) => text,
        }
    }
}

impl<'d> Value<'d> {
    fn node(self) -> Node {
        // Indexes are made by the parser alone and stay within the list.
        self.document.nodes.get(self.index).copied().unwrap_or(Node {
            kind: Kind::Null,
            start: 0,
            end: 0,
            next: 0,
        })
    }

    fn span(self) -> &'d str {
        let node = self.node();
        self.document.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// The value's JSON text.
    #[must_use]
    pub fn raw(self) -> &'d str {
        let node = self.node();
        let quotes = u32::from(matches!(node.kind, Kind::String | Kind::EscapedString));
        let span = (node.start - quotes) as usize..(node.end + quotes) as usize;
        self.document.text.get(span).unwrap_or_default()
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'d, str>> {
        match self.node().kind {
            Kind::String => Some(Cow::Borrowed(self.span())),
            Kind::EscapedString => Some(Cow::Owned(unescape(self.span()))),
            _ => None,
        }
    }

    /// Whether the value is a string.
    pub(crate) fn is_text(self) -> bool {
        matches!(self.node().kind, Kind::String | Kind::EscapedString)
    }

    /// The text of a string that has escapes in it, and so may hold characters the raw text cannot.
    pub(crate) fn as_escaped_str(self) -> Option<Cow<'d, str>> {
        if self.node().kind == Kind::EscapedString { self.as_str() } else { None }
    }

    /// The text of a string, to be looked up in the document for as long as that lives.
    pub(crate) fn keep(self) -> Option<Kept> {
        let node = self.node();
        match node.kind {
            Kind::String => Some(Kept::Place { start: node.start, end: node.end }),
            Kind::EscapedString => Some(Kept::Text(unescape(self.span()).into())),
            _ => None,
        }
    }

    /// The words of a string, kept likewise: what stands between SPACE and SPACE.
    pub(crate) fn keep_words(self, words: &mut Vec<Kept>) {
        let is_separator = |octet: &u8| *octet == b' ';
        match self.as_str() {
            Some(Cow::Borrowed(text)) => {
                let mut start = self.node().start;
                for word in text.as_bytes().split(is_separator) {
                    let end = start + offset(word.len());
                    if end > start {
                        words.push(Kept::Place { start, end });
                    }
                    start = end + 1;
                }
            }
            Some(Cow::Owned(text)) => {
                let split = text.split(' ').filter(|word| !word.is_empty());
                words.extend(split.map(|word| Kept::Text(word.into())));
            }
            None => {}
        }
    }

    /// The value of a number.
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        if self.node().kind != Kind::Number {
            return None;
        }
        let span = self.span();
        small_integer(span.as_bytes()).or_else(|| span.parse().ok())
    }

    /// The value of a number written as an integer that fits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        if self.node().kind != Kind::Number {
            return None;
        }
        self.span().parse().ok()
    }

    /// The value of `true` or `false`.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.node().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.node().kind == Kind::Null
    }

    /// The elements of an array.
    #[must_use]
    pub fn items(self) -> Option<impl Iterator<Item = Value<'d>> + use<'d>> {
        (self.node().kind == Kind::Array).then(|| self.children())
    }

    /// The member of an object.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Value<'d>> {
        self.members().find(|(member, _)| member.is_string(name)).map(|(_, value)| value)
    }

    /// Name and value of each member; nothing for what is not an object.
    pub(crate) fn members(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> + use<'d> {
        let is_object = self.node().kind == Kind::Object;
        let mut children = self.children();
        std::iter::from_fn(move || {
            if is_object { Some((children.next()?, children.next()?)) } else { None }
        })
    }

    /// Equal to a text, without allocating for the usual case of a string without escapes.
    pub(crate) fn is_string(self, text: &str) -> bool {
        match self.node().kind {
            Kind::String => self.span() == text,
            Kind::EscapedString => unescape(self.span()) == text,
            _ => false,
        }
    }

    fn children(self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let end = self.node().next as usize;
        let document = self.document;
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let value = Value { document, index };
            if index >= end {
                return None;
            }
            index = value.node().next as usize;
            Some(value)
        })
    }
}

impl std::fmt::Debug for Value<'_> {
    /// The kind alone: a claim's value has no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({:?})", self.node().kind)
    }
}

/// A number written in so few digits that a double holds it exactly, as all dates are.
fn small_integer(digits: &[u8]) -> Option<f64> {
    if digits.len() > 15 {
        return None;
    }
    let mut number: u64 = 0;
    for digit in digits {
        match digit {
            b'0'..=b'9' => number = number * 10 + u64::from(digit - b'0'),
            _ => return None,
        }
    }
    #[allow(clippy::cast_precision_loss)] // below 10^15
    Some(number as f64)
}

/// The text behind the escapes; the parser has proven them well-formed.
fn unescape(span: &str) -> String {
    let mut out = String::with_capacity(span.len());
    let mut rest = span;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = escape.chars();
        match characters.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let (character, length) =
                    unicode_escape(escape).unwrap_or((char::REPLACEMENT_CHARACTER, escape.len()));
                out.push(character);
                rest = escape.get(length..).unwrap_or_default();
                continue;
            }
            Some(itself) => out.push(itself),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

/// Reads `uXXXX`, or `uXXXX\uXXXX` for a surrogate pair; answers the character and the length read.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(1)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, 5));
    }
    if text.get(5..7)? != "\\u" {
        return None;
    }
    let second = unit(7)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    Some((char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, 11))
}

/// The one pass over the text. Open containers are kept on a stack of its own: hostile nesting
/// costs an error, not the thread's stack.
struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    has_escapes: bool,
    open: [Container; MAX_DEPTH],
    depth: usize,
}

/// An array or object whose end has not come yet.
#[derive(Clone, Copy)]
struct Container {
    /// Index of its node.
    node: usize,
    is_object: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            // A token's claims have one node per 20 to 30 bytes.
            nodes: Vec::with_capacity(4 + text.len() / 16),
            has_escapes: false,
            open: [Container { node: 0, is_object: false }; MAX_DEPTH],
            depth: 0,
        }
    }

    fn document(mut self) -> Result<Self, Problem> {
        self.skip_white_space();
        self.value()?;
        while let Some(container) = self.innermost() {
            self.element(container)?;
        }
        self.skip_white_space();
        if self.at != self.bytes.len() {
            return Err("something follows the JSON value");
        }
        Ok(self)
    }

    fn innermost(&self) -> Option<Container> {
        self.open.get(self.depth.checked_sub(1)?).copied()
    }

    /// Reads what comes next inside an open container: its end, or one more element or member.
    fn element(&mut self, container: Container) -> Result<(), Problem> {
        let is_first = self.nodes.len() == container.node + 1;
        self.skip_white_space();
        if self.skip_if(if container.is_object { b'}' } else { b']' }) {
            return self.close(container);
        }
        if !is_first {
            self.expect(b',', "a comma is missing")?;
            self.skip_white_space();
        }
        if container.is_object {
            if self.peek() != Some(b'"') {
                return Err("a member's name is missing");
            }
            self.string()?;
            self.skip_white_space();
            self.expect(b':', "a colon is missing")?;
            self.skip_white_space();
        }
        self.value()
    }

    /// Reads a scalar whole, or the opening of a container.
    fn value(&mut self) -> Result<(), Problem> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.open(Kind::Object),
            Some(b'[') => self.open(Kind::Array),
            Some(b't') => self.literal("true", Kind::True),
            Some(b'f') => self.literal("false", Kind::False),
            Some(b'n') => self.literal("null", Kind::Null),
            _ => Err("a value is missing"),
        }
    }

    fn open(&mut self, kind: Kind) -> Result<(), Problem> {
        let place = self.open.get_mut(self.depth).ok_or("nested too deeply")?;
        *place = Container { node: self.nodes.len(), is_object: kind == Kind::Object };
        self.depth += 1;
        self.push(kind, self.at, self.at + 1);
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, container: Container) -> Result<(), Problem> {
        self.depth -= 1;
        let (end, next) = (self.at, self.nodes.len());
        if let Some(node) = self.nodes.get_mut(container.node) {
            node.end = offset(end);
            node.next = offset(next);
        }
        if container.is_object && self.has_repeats(container.node + 1) {
            return Err("a member is repeated");
        }
        Ok(())
    }

    /// Two members of one name are refused, also when equal only after unescaping: whoever reads
    /// the other one sees another token. The members' nodes begin at `first`, and are the last.
    fn has_repeats(&self, first: usize) -> bool {
        let mut prints = [0; PAIRWISE_MEMBERS];
        for (count, name) in self.names(first).enumerate() {
            let print = fingerprint(name.as_bytes());
            let (seen, free) = prints.split_at_mut(count);
            match free.first_mut() {
                Some(place) if !seen.contains(&print) => *place = print,
                // Too many, or two that look alike.
                _ => return self.has_equal_names(first),
            }
        }
        false
    }

    fn has_equal_names(&self, first: usize) -> bool {
        let mut names: Vec<_> = self.names(first).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
    }

    fn names(&self, first: usize) -> impl Iterator<Item = Cow<'t, str>> {
        let text = self.text;
        let mut index = first;
        std::iter::from_fn(move || {
            let name = self.nodes.get(index)?;
            index = self.nodes.get(index + 1)?.next as usize;
            let span = text.get(name.start as usize..name.end as usize)?;
            Some(match name.kind {
                Kind::EscapedString => Cow::Owned(unescape(span)),
                _ => Cow::Borrowed(span),
            })
        })
    }

    fn literal(&mut self, word: &str, kind: Kind) -> Result<(), Problem> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err("a value is misspelt");
        }
        self.push(kind, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn string(&mut self) -> Result<(), Problem> {
        self.at += 1;
        let start = self.at;
        let mut kind = Kind::String;
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::EscapedString;
                    self.escape()?;
                }
                Some(0..=0x1f) => return Err("a control character stands in a string"),
                Some(_) => self.at += 1,
                None => return Err("a string does not end"),
            }
        }
        self.has_escapes |= kind == Kind::EscapedString;
        self.push(kind, start, self.at);
        self.at += 1;
        Ok(())
    }

    /// Goes on, eight octets at a time, to what is not plain text of a string, or to where fewer are left.
    fn skip_plain(&mut self) {
        while let Some(word) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let special = special_octets(u64::from_le_bytes(*word));
            self.at += special.trailing_zeros() as usize / 8;
            if special != 0 {
                return;
            }
        }
    }

    fn escape(&mut self) -> Result<(), Problem> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let escape = self.text.get(self.at + 1..).and_then(unicode_escape);
                let (_, length) = escape.ok_or("a \\u escape is not a character")?;
                self.at += 1 + length;
            }
            _ => return Err("an escape is unknown"),
        }
        Ok(())
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`, and within the range of a double.
    fn number(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.skip_if(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        let mut is_integer = true;
        if self.skip_if(b'.') {
            is_integer = false;
            self.digits()?;
        }
        if self.skip_if(b'e') || self.skip_if(b'E') {
            is_integer = false;
            let _ = self.skip_if(b'+') || self.skip_if(b'-');
            self.digits()?;
        }
        // 300 digits are always below 1.8e308: only longer or scaled numbers need to be converted.
        let in_range = (is_integer && self.at - start < 300)
            || self
                .text
                .get(start..self.at)
                .and_then(|t| t.parse::<f64>().ok())
                .is_some_and(f64::is_finite);
        if !in_range {
            return Err("a number is out of range");
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Problem> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err("a number has no digits") } else { Ok(()) }
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn skip_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, problem: Problem) -> Result<(), Problem> {
        if self.skip_if(byte) { Ok(()) } else { Err(problem) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = offset(self.nodes.len() + 1);
        self.nodes.push(Node { kind, start: offset(start), end: offset(end), next });
    }
}

/// Offsets fit: [`Document::parse`] has refused longer texts.
#[allow(clippy::cast_possible_truncation)]
fn offset(at: usize) -> u32 {
    at as u32
}

/// The highest bit of each octet that a string cannot have as it is: quote, backslash and control
/// characters. Above the lowest bit that is set, others may be set falsely.
fn special_octets(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    // Of an octet below 0x80, subtracting borrows the highest bit where it was the smaller one.
    let quotes = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslashes = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let controls = word.wrapping_sub(ONES * 0x20);
    (quotes | backslashes | controls) & !word & (ONES * 0x80)
}

/// Equal for equal names, and for few others.
fn fingerprint(name: &[u8]) -> u64 {
    let (first, last) = match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (name.iter().fold(0, |word, octet| word << 8 | u64::from(*octet)), 0),
    };
    first.rotate_left(29) ^ last ^ (name.len() as u64) << 56
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, Problem> {
        Document::parse(text.as_bytes().to_vec())
    }

    #[test]
    fn reads_what_rfc_8259_allows() {
        let document = parse(concat!(
            " {\"s\":\"a\\u0062\\n\\ud83d\\ude00\\/\", \"n\" : -1.5e+2 ,\"z\":0,\"t\":true,\"f\":false,\"x\":null,",
            "\"a\":[1,[],{}],\"o\":{\"in\":{\"deep\":[\"q\"]}},\"\":\"empty name\"}\r\n\t "
        ))
        .unwrap();
        assert_eq!(document.get("s").unwrap().as_str().unwrap(), "ab\n😀/");
        assert_eq!(document.get("n").unwrap().as_f64(), Some(-150.0));
        assert_eq!(document.get("z").unwrap().as_i64(), Some(0));
        assert_eq!(document.get("t").unwrap().as_bool(), Some(true));
        assert_eq!(document.get("f").unwrap().as_bool(), Some(false));
        assert!(document.get("x").unwrap().is_null());
        assert_eq!(document.get("a").unwrap().items().unwrap().count(), 3);
        assert_eq!(document.get("a").unwrap().raw(), "[1,[],{}]");
        assert_eq!(document.get("s").unwrap().raw().len(), 25);
        let deep = document.get("o").unwrap().get("in").unwrap().get("deep").unwrap();
        assert_eq!(deep.items().unwrap().next().unwrap().as_str().unwrap(), "q");
        assert_eq!(document.get("").unwrap().as_str().unwrap(), "empty name");
        assert!(document.get("absent").is_none());
    }

    #[test]
    fn refuses_all_else() {
        let bad = [
            "",
            " ",
            "{",
            "}",
            "[]",
            "1",
            "\"s\"",
            "null",
            "{}{}",
            "{} x",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\" 1}",
            "{\"a\":[1,]}",
            "{\"a\":[,1]}",
            "{\"a\":[1 2]}",
            "{\"a\":[}",
            "{\"a\":]}",
            "{\"a\":01}",
            "{\"a\":-}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":1e}",
            "{\"a\":1e+}",
            "{\"a\":0x1}",
            "{\"a\":1_0}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":1e400}",
            "{\"a\":-1e400}",
            "{\"a\":True}",
            "{\"a\":tru}",
            "{\"a\":nul}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\\u+123\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"a\":\"\\udc00\\ud800\"}",
            "{\"a\":\"\\ud800x\"}",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "\u{feff}{}",
            "{}\0",
            "{\"a\":1/*c*/}",
            "{\"a\":1}//c",
            "\u{a0}{}",
            "{\"a\":\u{b}1}",
        ];
        for text in bad {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(Document::parse(b"{\"a\":\"\xff\"}".to_vec()).is_err());
        assert!(Document::parse(b"{\"a\":\"\xc0\xaf\"}".to_vec()).is_err());
        assert!(Document::parse(b"{\"a\":\"\xed\xa0\x80\"}".to_vec()).is_err());
    }

    #[test]
    fn refuses_repeated_members_at_any_level_and_however_spelt() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"iss":1,"is\u0073":2}"#,
            r#"{"x":{"a":1,"b":[{"c":1,"c":1}]}}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert_eq!(parse(text).unwrap_err(), "a member is repeated", "{text}");
        }
        let many = (0..100).map(|i| format!("\"m{i}\":0")).collect::<Vec<_>>().join(",");
        assert!(parse(&format!("{{{many}}}")).is_ok());
        assert!(parse(&format!("{{{many},\"m\\u0035\":1}}")).is_err());
        assert!(parse(r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn names_that_look_alike_are_told_apart() {
        // One fingerprint for both: these are compared whole.
        let (one, two) = ("abcdefgh-0-stuvwxyz", "abcdefgh-1-stuvwxyz");
        assert_eq!(fingerprint(one.as_bytes()), fingerprint(two.as_bytes()));
        assert!(parse(&format!("{{\"{one}\":0,\"{two}\":0}}")).is_ok());
        assert!(parse(&format!("{{\"{one}\":0,\"{two}\":0,\"{one}\":0}}")).is_err());
        // Short names of zeros and of lengths about eight.
        for (name, other) in
            [("a", "aa"), ("", "a"), ("aaaaaaa", "aaaaaaaa"), ("aaaaaaaaa", "aaaaaaaa")]
        {
            assert!(parse(&format!("{{\"{name}\":0,\"{other}\":0}}")).is_ok(), "{name:?}");
            assert!(parse(&format!("{{\"{name}\":0,\"{other}\":0,\"{name}\":0}}")).is_err());
        }
        for count in [PAIRWISE_MEMBERS - 1, PAIRWISE_MEMBERS, PAIRWISE_MEMBERS + 1] {
            let names: Vec<_> = (0..count).map(|i| format!("\"m{i}\":{{\"m\":0}}")).collect();
            assert!(parse(&format!("{{{}}}", names.join(","))).is_ok(), "{count}");
            assert!(parse(&format!("{{{},\"m0\":0}}", names.join(","))).is_err(), "{count}");
        }
    }

    /// Strings are read eight octets at a time: where in the eight an octet stands must not matter.
    #[test]
    fn every_octet_is_found_at_every_place_of_a_string() {
        for place in 0..24 {
            for octet in 0..=u8::MAX {
                let mut text = b"{\"name\":\"abcdefghijklmnopqrstuvwxyz\"}".to_vec();
                text[9 + place] = octet;
                let expected = serde_json::from_slice::<serde_json::Value>(&text);
                let parsed = Document::parse(text);
                assert_eq!(parsed.is_ok(), expected.is_ok(), "{octet:#x} at {place}");
                if let (Ok(parsed), Ok(expected)) = (parsed, expected) {
                    assert_eq!(
                        parsed.get("name").unwrap().as_str().as_deref(),
                        expected["name"].as_str()
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_kept_is_what_is_read() {
        let document = parse(r#"{"plain":"a","escaped":"\u0062","number":1}"#).unwrap();
        for (name, text) in [("plain", Some("a")), ("escaped", Some("b")), ("number", None)] {
            let kept = document.get(name).unwrap().keep();
            assert_eq!(kept.as_ref().map(|kept| document.kept(kept)), text, "{name}");
        }
        assert!(document.has_escapes());
        for (words, expected) in [
            (r" a  b c", vec!["a", "b", "c"]),
            (r"a\u0020\u0062 \u00e9 ", vec!["a", "b", "é"]),
            ("é\u{a0}b c", vec!["é\u{a0}b", "c"]),
            ("", vec![]),
            (" ", vec![]),
        ] {
            let document = parse(&format!("{{\"words\":\"{words}\"}}")).unwrap();
            let mut kept = Vec::new();
            document.get("words").unwrap().keep_words(&mut kept);
            let read: Vec<_> = kept.iter().map(|word| document.kept(word)).collect();
            assert_eq!(read, expected, "{words}");
        }
        assert!(!parse(r#"{"a":"b"}"#).unwrap().has_escapes());
    }

    #[test]
    fn nesting_is_bounded_and_hostile_nesting_is_cheap() {
        let nested =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(MAX_DEPTH - 1)).is_ok());
        assert!(parse(&nested(MAX_DEPTH)).is_err());
        assert!(parse(&nested(1_000_000)).is_err());
    }

    #[test]
    fn agrees_with_serde_json_on_numbers() {
        let spellings = [
            "0",
            "-0",
            "1",
            "1760000000",
            "1.5",
            "1e3",
            "1E-3",
            "4.9e-324",
            "1.7976931348623157e308",
            "1e-400",
            "999999999999999",
            "9007199254740993",
            "1760000000.5",
        ];
        for text in spellings {
            let document = parse(&format!("{{\"n\":{text}}}")).unwrap();
            assert_eq!(
                document.get("n").unwrap().as_f64(),
                serde_json::from_str::<f64>(text).ok(),
                "{text}"
            );
        }
        assert!(parse(&format!("{{\"n\":{}}}", "9".repeat(308))).is_ok());
        assert!(parse(&format!("{{\"n\":{}}}", "9".repeat(400))).is_err());
    }
}
