//! Verifies WorkOS AuthKit access tokens for MCP servers: *may this bearer token call this server?*
//!
//! ```
//! # fn main() -> authkit::Result<()> {
//! use authkit::{Config, Policy, Verifier};
//!
//! let config = Config::builder()
//!     .authkit_domain("https://your-project-12345.authkit.app")
//!     .base_url("https://your-server.example")
//!     .build()?;
//! let verifier = Verifier::new(config)?; // no network yet
//!
//! match verifier.verify("not.a.token", &Policy::new()) {
//!     Ok(claims) => println!("hello {}", claims.subject()),
//!     Err(error) => println!("HTTP {}: {}", error.code().http_status(), error.reason()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A verdict is a function of the token, the issuer's keys, the configuration and the time, and of
//! nothing else. Everything that needs no key is judged first, so that a dead or foreign token never
//! causes a fetch. Errors name a stable [`Code`], a reason and, for known slips, a hint.
//!
//! The same library is reached from C, C++, Python and Node through `include/authkit.h`.

mod algorithm;
mod clock;
mod config;
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod conformance;
mod error;
mod foreign;
mod fork;
mod journal;
mod jwks;
mod lane;
mod log;
mod resource;
mod stats;
mod sync;
mod token;
mod trust;
mod verified;
mod verifier;

#[allow(unsafe_code)] // the C ABI; nowhere else
mod ffi;

pub use config::{
    AudienceRule, Config, ConfigBuilder, DEFAULT_FETCH_TIMEOUT, DEFAULT_LEEWAY, DEFAULT_MCP_PATH,
    DEFAULT_TOKEN_CACHE_SIZE, IssuerSettings, MAX_FETCH_TIMEOUT, MAX_LEEWAY, MAX_TOKEN_CACHE_SIZE,
    RefreshMode, TokenFamily, TypePolicy,
};
pub use error::{Class, Code, Error, Result};
pub use journal::{Event, Happening, Source};
pub use log::{Level, LogLine};
pub use resource::access::{Access, Judgement};
pub use resource::decision::Decision;
pub use resource::request::Request;
pub use resource::response::Response;
pub use stats::{
    DocumentStats, DroppedKey, IssuerStats, KeyInfo, SeenHeaders, Stats, TokenCacheStats,
};
pub use token::claims::Claims;
pub use token::compact::MAX_TOKEN_LENGTH;
pub use token::identity::TokenKind;
pub use token::json::Value;
pub use token::policy::Policy;
pub use verifier::Verifier;
