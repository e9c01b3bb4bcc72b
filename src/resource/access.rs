//! Which paths demand which scopes, and which are open to all: one rule for every host.
//!
//! A host configures *places*: `/admin` is that path and all paths below it. This module cannot know how the
//! application's router reads a request's path: a proxy, a mount or a framework may strip a prefix first. So a
//! place matches wherever its segments stand in the path. A path that routers could read in two ways matches
//! every place. Public is the opposite: only the named paths, compared with the raw path.

mod path;

use std::borrow::{Borrow, Cow};

use crate::error::{Code, Error, Result, quoted};
use crate::token::json::{Document, Value};
use crate::token::policy::Policy;

use super::request::Request;
use path::{Name, Plain, Spelling};

/// Room for the scopes of all places, separated by a space, and one octet after them.
pub(crate) const CAPACITY: usize = 8192;

/// Which paths demand which scopes, and which are open to all.
///
/// ```
/// # fn main() -> authkit::Result<()> {
/// use authkit::{Access, Request};
/// let access = Access::from_json(
///     r#"{"public": ["/health", "/static/*"], "required_scopes": {"/admin": ["admin"]}}"#,
/// )?;
/// assert!(access.judge(&Request::new().path("/static/logo.svg")).is_public());
/// // Also below a prefix that a proxy strips before the application routes.
/// assert_eq!(access.judge(&Request::new().path("/api/admin/users")).scopes(), ["admin"]);
/// // Routers read it in two ways: every demand holds.
/// assert_eq!(access.judge(&Request::new().path("/static/../x")).scopes(), ["admin"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Access {
    /// Without its final slash; empty for none.
    prefix: String,
    demands: Vec<Demand>,
    public: Vec<Public>,
}

/// What a request's path demands, and whether it needs a token at all.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what is not looked at is not demanded"]
pub struct Judgement<'a> {
    is_public: bool,
    scopes: Vec<&'a str>,
}

impl<'a> Judgement<'a> {
    /// Whether the request needs no token: its path is named public, and no place matches.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.is_public
    }

    /// The scopes that its token needs beyond the verifier's, each once; none if it is public.
    #[must_use]
    pub fn scopes(&self) -> &[&'a str] {
        &self.scopes
    }
}

/// A place, in segments, and what a request there needs.
#[derive(Debug)]
struct Demand {
    written: String,
    segments: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Debug)]
enum Public {
    /// This path and no other.
    Exactly(String),
    /// All paths below this path, which ends in a slash.
    Below(String),
}

impl Access {
    /// Reads places from a JSON object; each member may be left out:
    ///
    /// - `required_scopes`: an object from places to arrays of scopes. A request at a place or below it needs
    ///   a token with all of them. If the array is empty, it needs a token.
    /// - `public`: an array of paths that need no token, compared exactly. `/*` at the end means all paths
    ///   below. A known prefix that the path begins with is removed first. A demand always wins over it.
    /// - `prefix`: the part of the path that a proxy, a mount or a framework strips before it routes, such as
    ///   `/api`. With it a place matches only at the start of the path or after the prefix.
    ///
    /// Places are written decoded, without query, parameters and patterns.
    ///
    /// # Errors
    /// [`Code::Config`] if the text is not such an object, if no path can match a place, if a demand always
    /// keeps a public path closed, or if the scopes have more than 8191 octets in all. [`Code::Misuse`] for
    /// an invalid scope (RFC 6749 §3.3).
    pub fn from_json(json: &str) -> Result<Self> {
        let document = Document::parse(json.as_bytes().to_vec())
            .map_err(|problem| config(format!("the document of places: {problem}")))?;
        let mut access = Self { prefix: String::new(), demands: Vec::new(), public: Vec::new() };
        for (name, value) in document.root().members() {
            match name.as_str().as_deref() {
                Some("prefix") => access.prefix = prefix(value)?,
                Some("public") => access.public = public(value)?,
                Some("required_scopes") => access.demands = demands(value)?,
                name => return Err(unknown(name.unwrap_or_default())),
            }
        }
        access.check_public()?;
        access.check_length()?;
        Ok(access)
    }

    /// Says what a request's path demands. Without a path, the request could be at any place: the scopes of every
    /// place are demanded.
    pub fn judge(&self, request: &Request<'_>) -> Judgement<'_> {
        let paths = Paths::of(request);
        let met: Vec<&Demand> = match &paths {
            Some(paths) => self.met(paths),
            None => self.demands.iter().collect(),
        };
        let mut scopes: Vec<&str> = Vec::new();
        for scope in met.iter().flat_map(|demand| &demand.scopes) {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        let is_public = met.is_empty() && paths.is_some_and(|paths| self.opens(&paths));
        Judgement { is_public, scopes }
    }

    /// The demands of every place that a router could find in one of the paths.
    fn met(&self, paths: &Paths<'_>) -> Vec<&Demand> {
        let views: Vec<View<'_>> =
            paths.spellings.iter().map(|path| View::of(path, paths.root, &self.prefix)).collect();
        self.demands.iter().filter(|demand| views.iter().any(|view| demand.is_met(view))).collect()
    }

    /// Whether every spelling of the path is named public, less the longest known prefix that it lies below.
    fn opens(&self, paths: &Paths<'_>) -> bool {
        let known = [paths.root, &self.prefix].into_iter().filter(|prefix| !prefix.is_empty());
        let is_open = |path: &Plain| {
            let below = known.clone().filter_map(|prefix| path.below(prefix));
            let rest = below.min_by_key(|rest| rest.len()).unwrap_or(&path.text);
            path.can_be_public()
                && known.clone().all(|prefix| path.is_cut_cleanly(prefix))
                && self.public.iter().any(|place| place.opens(rest))
        };
        paths.spellings.iter().all(is_open)
    }

    /// Refuses a public path if a demand would close it to every request.
    fn check_public(&self) -> Result<()> {
        for place in &self.public {
            let (Public::Exactly(path) | Public::Below(path)) = place;
            let path = Request::new().decoded_path(path);
            let met = Paths::of(&path).map(|paths| self.met(&paths)).unwrap_or_default();
            if let Some(demand) = met.first() {
                return Err(config(format!(
                    "{} is public, but required_scopes demands a token there, by {}: a demand always wins",
                    place.written(),
                    quoted(&demand.written)
                ))
                .with_hint(
                    "take one of the two out; if the demand is for another path that ends alike, set prefix",
                ));
            }
        }
        Ok(())
    }

    fn check_length(&self) -> Result<()> {
        let mut scopes: Vec<&str> =
            self.demands.iter().flat_map(|demand| &demand.scopes).map(String::as_str).collect();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.iter().map(|scope| scope.len() + 1).sum::<usize>() <= CAPACITY {
            return Ok(());
        }
        Err(config(format!(
            "required_scopes: the scopes have more than {} bytes in all",
            CAPACITY - 1
        )))
    }
}

/// The spellings of one path, all of them plain, and the prefix that the host knows of.
struct Paths<'r> {
    spellings: Vec<Plain>,
    root: &'r str,
}

impl<'r> Paths<'r> {
    /// `None` if there is no path, or one that could be read in two ways, or a prefix that is no path.
    fn of(request: &Request<'r>) -> Option<Self> {
        let root = std::str::from_utf8(request.root_path).ok()?.trim_end_matches('/');
        if !root.is_empty() && !root.starts_with('/') {
            return None;
        }
        let path =
            request.path.map(|path| path.split(|octet| *octet == b'?').next().unwrap_or_default());
        let given = [(path, Spelling::Encoded), (request.decoded_path, Spelling::Decoded)];
        let given = given.into_iter().filter_map(|(path, spelling)| Some((path?, spelling)));
        let spellings: Vec<Plain> =
            given.map(|(path, spelling)| Plain::of(path, spelling)).collect::<Option<_>>()?;
        (!spellings.is_empty()).then_some(Self { spellings, root })
    }
}

/// One spelling of a path, as places are compared with it.
struct View<'p> {
    names: Vec<Name<'p>>,
    /// Whether a place matches only at the start.
    is_exact: bool,
    /// The whole path, and the part after a known prefix. A place matches at the start of each.
    rests: Vec<&'p str>,
}

impl<'p> View<'p> {
    fn of(path: &'p Plain, root: &'p str, prefix: &str) -> Self {
        let mut names: Vec<Name<'_>> = path::names(&path.text).collect();
        if path.below(root).is_none() {
            // The host leaves the prefix out of the path, but places name the whole path.
            names.splice(0..0, path::names(root));
        }
        let mut rests = path.rests(root);
        rests.extend(path.rests(prefix));
        rests.push(&path.text);
        // If it is cut within a segment, we cannot know what else is cut.
        let is_aligned = rests.iter().all(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_exact = !prefix.is_empty() && path.is_simple() && is_aligned;
        Self { names, rests, is_exact }
    }
}

impl Demand {
    fn is_met(&self, view: &View<'_>) -> bool {
        let starts = if view.is_exact { 0..=0 } else { 0..=view.names.len() };
        let mut suffixes = starts.filter_map(|start| view.names.get(start..));
        suffixes.any(|names| self.begins(names.iter()))
            || view.rests.iter().any(|rest| self.begins(path::names(rest)))
    }

    fn begins<'n, N: Borrow<Name<'n>>>(&self, mut names: impl Iterator<Item = N>) -> bool {
        self.segments.iter().all(|place| names.next().is_some_and(|name| name.borrow().is(place)))
    }
}

impl Public {
    fn opens(&self, path: &str) -> bool {
        match self {
            Public::Exactly(place) => path == place,
            // A router that ignores a final slash reads the place itself as the path above it.
            Public::Below(place) => {
                path.starts_with(place.as_str()) && (path != place || place == "/")
            }
        }
    }

    fn written(&self) -> String {
        match self {
            Public::Exactly(place) => quoted(place),
            Public::Below(place) => quoted(&format!("{place}*")),
        }
    }
}

fn prefix(value: Value<'_>) -> Result<String> {
    let text = value.as_str().ok_or_else(|| config("prefix is not a string".to_owned()))?;
    let text = text.trim_end_matches('/');
    if !text.is_empty() {
        check_place("prefix", text, text)?;
    }
    Ok(text.to_owned())
}

fn public(value: Value<'_>) -> Result<Vec<Public>> {
    let place = |text: &str| {
        let below = text.strip_suffix("/*");
        check_place("public", text, below.unwrap_or(text))?;
        Ok(below.map_or_else(
            || Public::Exactly(text.to_owned()),
            |text| Public::Below(format!("{text}/")),
        ))
    };
    texts("public", value)?.iter().map(|text| place(text)).collect()
}

fn demands(value: Value<'_>) -> Result<Vec<Demand>> {
    if !value.raw().starts_with('{') {
        return Err(config("required_scopes is not an object from places to scopes".to_owned()));
    }
    let demand = |(place, scopes): (Value<'_>, Value<'_>)| {
        let written = place.as_str().unwrap_or_default().into_owned();
        let place = written.strip_suffix("/*").unwrap_or(&written);
        check_place("required_scopes", &written, place)?;
        let segments = path::segments(place).map(str::to_owned).collect();
        let mut policy = Policy::new();
        for scope in texts("required_scopes", scopes)? {
            policy.require_scope(&scope)?;
        }
        Ok(Demand { written, segments, scopes: policy.scopes })
    };
    value.members().map(demand).collect()
}

fn texts(name: &str, value: Value<'_>) -> Result<Vec<String>> {
    let items = value.items().filter(|_| value.is_texts());
    let items =
        items.ok_or_else(|| config(format!("{name}: a value is not an array of strings")))?;
    Ok(items.filter_map(Value::as_str).map(Cow::into_owned).collect())
}

/// Refuses a place that no path can match: a demand that never applies would be an open door.
fn check_place(setting: &str, written: &str, place: &str) -> Result<()> {
    let wrong =
        |problem: &str| Err(config(format!("{setting}: the path {} {problem}", quoted(written))));
    if !written.starts_with('/') {
        return wrong("does not begin with /");
    }
    if place.contains(['*', '{', '}', '<', '>']) || place.contains("/:") {
        return wrong(
            "holds a pattern: only /* at its end is one; name what stands before or behind the pattern",
        );
    }
    if place.contains(['%', ';', '?', '#']) {
        return wrong("holds one of % ; ? #: write it decoded, without query and parameters");
    }
    let path = if place.is_empty() { "/" } else { place };
    let plain = Plain::of(path.as_bytes(), Spelling::Decoded);
    let is_plain = plain.is_some_and(|plain| plain.text.is_ascii() == plain.is_simple());
    if !is_plain || written.ends_with("//*") {
        return wrong(
            "is not plain: no segment may be empty, end in a dot or a space, or hold a control character or a backslash",
        );
    }
    Ok(())
}

fn unknown(name: &str) -> Error {
    let reason = format!("{} is no member of a document of places", quoted(name));
    config(reason).with_hint("there are public, required_scopes and prefix")
}

fn config(reason: String) -> Error {
    Error::new(Code::Config, reason)
}
