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
    /// Where its own text begins: what stands before is an earlier document's.
    start: usize,
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
        Self::read(text, 0, Vec::new())
    }

    /// Parses what `append` adds to the memory of an earlier document, whose [`Kept`] strings stay where
    /// they are, in the new one. `None` where nothing could be added.
    pub(crate) fn after(
        earlier: Self,
        append: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) -> Option<Result<Self, Problem>> {
        let Self { text, mut nodes, .. } = earlier;
        let start = text.len();
        let mut octets = text.into_bytes();
        append(&mut octets)?;
        nodes.clear();
        let text = String::from_utf8(octets).map_err(|_| "not UTF-8");
        Some(text.and_then(|text| Self::read(text, start, nodes)))
    }

    fn read(text: String, start: usize, mut nodes: Vec<Node>) -> Result<Self, Problem> {
        if u32::try_from(text.len()).is_err() {
            return Err("too long");
        }
        // A token's claims have one node per 15 to 30 bytes, and to make room later costs more than to have it.
        nodes.reserve(8 + text.capacity() / 12);
        let Parser { nodes, has_escapes, .. } = Parser::new(&text, nodes).document(start)?;
        let document = Self { text, start, nodes, has_escapes };
        if document.root().node().kind != Kind::Object {
            return Err("not a JSON object");
        }
        Ok(document)
    }

    /// The text as it came.
    pub(crate) fn text(&self) -> &str {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// The text of the document that this one came [`Self::after`].
    pub(crate) fn text_before(&self) -> &str {
        self.text.get(..self.start).unwrap_or_default()
    }

    /// The outermost object.
    pub(crate) fn root(&self) -> Value<'_> {
        Value { document: self, index: 0 }
    }

    /// A member of the outermost object.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'_>> {
        self.root().get(name)
    }

    /// Name and value of each member of the outermost object, for who looks many up at once.
    pub(crate) fn visit_members<'d>(&'d self, mut visit: impl FnMut(&[u8], Value<'d>)) {
        for (name, index) in members(&self.nodes, 1) {
            let span = self.text.as_bytes().get(name.start as usize..name.end as usize);
            let value = Value { document: self, index };
            match name.kind {
                Kind::EscapedString => {
                    let name = self.text.get(name.start as usize..name.end as usize);
                    visit(unescape(name.unwrap_or_default()).as_bytes(), value);
                }
                _ => visit(span.unwrap_or_default(), value),
            }
        }
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

    /// Whether the value is a list of strings and of nothing else.
    pub(crate) fn is_texts(self) -> bool {
        self.items().is_some_and(|mut items| items.all(Value::is_text))
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

/// The nodes of an object's names, and the indexes of their values, from the first name to the last node.
fn members(nodes: &[Node], first: usize) -> impl Iterator<Item = (Node, usize)> {
    let mut index = first;
    std::iter::from_fn(move || {
        let [name, value, ..] = nodes.get(index..)? else { return None };
        let at = index + 1;
        index = value.next as usize;
        Some((*name, at))
    })
}

/// A number written in so few digits that a double holds it exactly, as all dates are.
fn small_integer(digits: &[u8]) -> Option<f64> {
    if digits.len() > 15 {
        return None;
    }
    let mut number: u64 = 0;
    for octet in digits {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
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
/// costs an error, not the thread's stack. Each method takes the place where it reads and gives the one after.
struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    nodes: Vec<Node>,
    has_escapes: bool,
    open: [Container; MAX_DEPTH],
    depth: usize,
}

/// An array or object whose end has not come yet.
#[derive(Clone, Copy)]
struct Container {
    /// Index of its node.
    node: u32,
    is_object: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, nodes: Vec<Node>) -> Self {
        let open = [Container { node: 0, is_object: false }; MAX_DEPTH];
        Self { text, bytes: text.as_bytes(), nodes, has_escapes: false, open, depth: 0 }
    }

    fn document(mut self, start: usize) -> Result<Self, Problem> {
        let mut at = self.value(self.skip_white_space(start))?;
        while let Some(container) = self.innermost() {
            at = self.element(at, container)?;
        }
        if self.skip_white_space(at) != self.bytes.len() {
            return Err("something follows the JSON value");
        }
        Ok(self)
    }

    fn innermost(&self) -> Option<Container> {
        self.open.get(self.depth.checked_sub(1)?).copied()
    }

    /// Reads what comes next inside an open container: its end, or one more element or member.
    #[inline(always)]
    fn element(&mut self, at: usize, container: Container) -> Result<usize, Problem> {
        let is_first = self.nodes.len() == container.node as usize + 1;
        let mut at = self.skip_white_space(at);
        if self.peek(at) == Some(if container.is_object { b'}' } else { b']' }) {
            return self.close(at + 1, container);
        }
        if !is_first {
            at = self.skip_white_space(self.expect(at, b',', "a comma is missing")?);
        }
        if container.is_object {
            if self.peek(at) != Some(b'"') {
                return Err("a member's name is missing");
            }
            at = self.string(at)?;
            at = self.skip_white_space(at);
            at = self.skip_white_space(self.expect(at, b':', "a colon is missing")?);
        }
        self.value(at)
    }

    /// Reads a scalar whole, or the opening of a container.
    #[inline(always)]
    fn value(&mut self, at: usize) -> Result<usize, Problem> {
        match self.peek(at) {
            Some(b'"') => self.string(at),
            Some(b'-' | b'0'..=b'9') => self.number(at),
            Some(b'{') => self.open(at, Kind::Object),
            Some(b'[') => self.open(at, Kind::Array),
            Some(b't') => self.literal(at, "true", Kind::True),
            Some(b'f') => self.literal(at, "false", Kind::False),
            Some(b'n') => self.literal(at, "null", Kind::Null),
            _ => Err("a value is missing"),
        }
    }

    fn open(&mut self, at: usize, kind: Kind) -> Result<usize, Problem> {
        let place = self.open.get_mut(self.depth).ok_or("nested too deeply")?;
        *place = Container { node: offset(self.nodes.len()), is_object: kind == Kind::Object };
        self.depth += 1;
        self.push(kind, at, at + 1);
        Ok(at + 1)
    }

    fn close(&mut self, end: usize, container: Container) -> Result<usize, Problem> {
        self.depth -= 1;
        let next = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(container.node as usize) {
            node.end = offset(end);
            node.next = offset(next);
        }
        if container.is_object && self.has_repeats(container.node as usize + 1) {
            return Err("a member is repeated");
        }
        Ok(end)
    }

    /// Two members of one name are refused, also when equal only after unescaping: whoever reads
    /// the other one sees another token. The members' nodes begin at `first`, and are the last.
    fn has_repeats(&self, first: usize) -> bool {
        let mut prints = [0; PAIRWISE_MEMBERS];
        for (count, (name, _)) in members(&self.nodes, first).enumerate() {
            let print = match name.kind {
                Kind::EscapedString => fingerprint(unescape(self.span(name)).as_bytes()),
                _ => self.plain_fingerprint(name),
            };
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
        let text = |(name, _): (Node, _)| match name.kind {
            Kind::EscapedString => Cow::Owned(unescape(self.span(name))),
            _ => Cow::Borrowed(self.span(name)),
        };
        let mut names: Vec<_> = members(&self.nodes, first).map(text).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
    }

    fn span(&self, node: Node) -> &'t str {
        self.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// As [`fingerprint`] of a name without escapes, read together with what follows it.
    fn plain_fingerprint(&self, name: Node) -> u64 {
        let (start, length) = (name.start as usize, name.end - name.start);
        match self.bytes.get(start..).and_then(|rest| rest.first_chunk()) {
            Some(word) if length < 8 => short_fingerprint(u64::from_le_bytes(*word), length),
            _ => fingerprint(self.span(name).as_bytes()),
        }
    }

    fn literal(&mut self, at: usize, word: &str, kind: Kind) -> Result<usize, Problem> {
        if !self.bytes.get(at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err("a value is misspelt");
        }
        self.push(kind, at, at + word.len());
        Ok(at + word.len())
    }

    /// Reads a string from its opening quote on.
    #[inline(always)]
    fn string(&mut self, at: usize) -> Result<usize, Problem> {
        let start = at + 1;
        let end = self.skip_plain(start);
        if self.peek(end) != Some(b'"') {
            return self.string_with_escapes(start, end);
        }
        self.push(Kind::String, start, end);
        Ok(end + 1)
    }

    #[cold]
    fn string_with_escapes(&mut self, start: usize, mut at: usize) -> Result<usize, Problem> {
        loop {
            match self.peek(at) {
                Some(b'"') => break,
                Some(b'\\') => at = self.skip_plain(self.escape(at)?),
                Some(_) => return Err("a control character stands in a string"),
                None => return Err("a string does not end"),
            }
        }
        self.has_escapes = true;
        self.push(Kind::EscapedString, start, at);
        Ok(at + 1)
    }

    /// Where the plain text of a string ends: at a quote, a backslash or a control character. Sixteen octets
    /// at a time, as long as there are so many.
    #[inline(always)]
    fn skip_plain(&self, mut at: usize) -> usize {
        while let Some(octets) = self.bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            let special = special_octets(octets);
            if special != 0 {
                return at + special.trailing_zeros() as usize / 8;
            }
            at += 16;
        }
        while self.peek(at).is_some_and(|octet| !is_special(octet)) {
            at += 1;
        }
        at
    }

    fn escape(&self, at: usize) -> Result<usize, Problem> {
        match self.peek(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => {
                let escape = self.text.get(at + 1..).and_then(unicode_escape);
                let (_, length) = escape.ok_or("a \\u escape is not a character")?;
                Ok(at + 1 + length)
            }
            _ => Err("an escape is unknown"),
        }
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`, and within the range of a double.
    fn number(&mut self, start: usize) -> Result<usize, Problem> {
        let mut at = self.skip_if(start, b"-");
        at = if self.peek(at) == Some(b'0') { at + 1 } else { self.digits(at)? };
        let integer_end = at;
        if self.peek(at) == Some(b'.') {
            at = self.digits(at + 1)?;
        }
        if matches!(self.peek(at), Some(b'e' | b'E')) {
            at = self.digits(self.skip_if(at + 1, b"+-"))?;
        }
        // 300 digits are always below 1.8e308: only longer or scaled numbers need to be converted.
        let in_range = (at == integer_end && at - start < 300)
            || self
                .text
                .get(start..at)
                .and_then(|t| t.parse::<f64>().ok())
                .is_some_and(f64::is_finite);
        if !in_range {
            return Err("a number is out of range");
        }
        self.push(Kind::Number, start, at);
        Ok(at)
    }

    fn digits(&self, start: usize) -> Result<usize, Problem> {
        let mut at = start;
        while matches!(self.peek(at), Some(b'0'..=b'9')) {
            at += 1;
        }
        if at == start { Err("a number has no digits") } else { Ok(at) }
    }

    fn skip_white_space(&self, mut at: usize) -> usize {
        while matches!(self.peek(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        at
    }

    fn skip_if(&self, at: usize, any_of: &[u8]) -> usize {
        at + usize::from(self.peek(at).is_some_and(|byte| any_of.contains(&byte)))
    }

    fn expect(&self, at: usize, byte: u8, problem: Problem) -> Result<usize, Problem> {
        if self.peek(at) == Some(byte) { Ok(at + 1) } else { Err(problem) }
    }

    fn peek(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    #[inline(always)]
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

/// Ones in the places of those octets that a string cannot have as they are.
#[inline(always)]
fn special_octets(octets: &[u8; 16]) -> u128 {
    u128::from_le_bytes(octets.map(|octet| if is_special(octet) { 0xff } else { 0 }))
}

/// Without a branch, so that the compiler makes vector instructions of it.
#[inline(always)]
fn is_special(octet: u8) -> bool {
    (octet == b'"') | (octet == b'\\') | (octet < 0x20)
}

/// Equal for equal names, and for few others.
fn fingerprint(name: &[u8]) -> u64 {
    let length = offset(name.len());
    match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => {
            let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
            first.rotate_left(29) ^ last ^ u64::from(length) << 56
        }
        _ => {
            let word = name.iter().rev().fold(0, |word, octet| word << 8 | u64::from(*octet));
            short_fingerprint(word, length)
        }
    }
}

/// That of a name of less than eight octets, the lowest of a word.
fn short_fingerprint(word: u64, length: u32) -> u64 {
    word & !(u64::MAX << (8 * length)) | u64::from(length) << 56
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, Problem> {
        Document::parse(text.as_bytes().to_vec())
    }

    fn after(earlier: Document, text: &[u8]) -> Result<Document, Problem> {
        let add = |octets: &mut Vec<u8>| {
            octets.extend_from_slice(text);
            Some(())
        };
        Document::after(earlier, add).unwrap()
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
        // However it is read: with or without octets that follow, by escapes.
        for length in 0..12 {
            let name = "abcdefghijkl".get(..length).unwrap();
            for other in [name.to_owned(), name.replace('a', "\\u0061")] {
                assert!(
                    parse(&format!("{{\"{name}\":0,\"b\":0,\"{other}\":0}}")).is_err(),
                    "{name}"
                );
                assert!(parse(&format!("{{\"{other}\":0,\"b\":0,\"{name}\":0        }}")).is_err());
            }
        }
        for count in [PAIRWISE_MEMBERS - 1, PAIRWISE_MEMBERS, PAIRWISE_MEMBERS + 1] {
            let names: Vec<_> = (0..count).map(|i| format!("\"m{i}\":{{\"m\":0}}")).collect();
            assert!(parse(&format!("{{{}}}", names.join(","))).is_ok(), "{count}");
            assert!(parse(&format!("{{{},\"m0\":0}}", names.join(","))).is_err(), "{count}");
        }
    }

    /// Strings are read sixteen octets at a time: where in the sixteen an octet stands must not matter.
    #[test]
    fn every_octet_is_found_at_every_place_of_a_string() {
        for place in 0..40 {
            for octet in 0..=u8::MAX {
                let mut text = b"{\"name\":\"abcdefghijklmnopqrstuvwxyz0123456789abcd\"}".to_vec();
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
    }

    #[test]
    fn a_document_after_another_has_its_own_text_and_keeps_the_other_s() {
        let earlier = parse(r#" {"kid":"k\u0031","alg":"a"}"#).unwrap();
        let kept = ["kid", "alg"].map(|name| earlier.get(name).unwrap().keep().unwrap());
        let document = after(earlier, br#"{"alg":"b","n":[1]} "#).unwrap();
        assert_eq!(document.text(), r#"{"alg":"b","n":[1]} "#);
        assert_eq!(document.text_before(), r#" {"kid":"k\u0031","alg":"a"}"#);
        assert_eq!(kept.each_ref().map(|kept| document.kept(kept)), ["k1", "a"]);
        assert_eq!(document.get("alg").unwrap().as_str().unwrap(), "b");
        assert_eq!(document.get("n").unwrap().raw(), "[1]");
        assert!(document.get("kid").is_none() && !document.has_escapes());
        for bad in [&b"\xff{}"[..], b"{", b"", b"[]"] {
            assert!(after(parse("{}").unwrap(), bad).is_err());
        }
        // Two halves of a character make no whole one.
        assert!(Document::parse(b"{}\xc3".to_vec()).is_err());
        assert!(Document::after(parse("{}").unwrap(), |_| None).is_none());
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
