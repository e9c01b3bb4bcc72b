//! The command line, and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::doctor::Connect;
#[cfg(unix)]
use crate::serve::listen::{Access, Address, SocketMode};
use crate::settings::Sources;

/// Verify, inspect and explain WorkOS AuthKit access tokens for MCP servers
#[derive(Debug, Parser)]
#[command(name = "authkit", version, arg_required_else_help = true, after_help = EXIT_STATUS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge a token as a server with this configuration would
    ///
    /// The token comes on standard input or in a file, never as an argument: arguments show in process
    /// lists and shell histories. One newline at its end is dropped, nothing else.
    Verify(VerifyArguments),
    /// Show the configuration in force, without a secret
    ///
    /// Its first line is what to paste into the AuthKit dashboard: the resource indicator. Then a line for
    /// each issuer and each setting, its value as JSON.
    Config(ConfigArguments),
    /// Show what a token says, WITHOUT verifying it
    ///
    /// Decodes header and payload with the library's strict parser and remarks on what would keep the
    /// token from being accepted. Anybody can write such a token: decide nothing by it.
    Inspect(InspectArguments),
    /// Fetch the issuers' keys, and show which are used, which are not and why
    ///
    /// What a server with this configuration would have: each key or the reason it was dropped, how
    /// long it all counts as fresh, what the answer's headers said, and how far the clocks differ.
    Jwks(JwksArguments),
    /// Examine an MCP server and its authorization server, and say what to change where
    ///
    /// Asks for their metadata, keys and challenges as a client would, and with a token whether the
    /// server decides about it as the library does. Works on any MCP server, whoever wrote it: run it
    /// on your own only.
    Doctor(DoctorArguments),
    /// Decide on requests for a reverse proxy on this machine, over HTTP
    ///
    /// Turns nginx (auth_request), Envoy (ext_authz), Caddy or Traefik (forward auth) into an MCP resource server:
    /// the proxy asks about each request, and passes it on or sends the client the answer it got.
    #[cfg(unix)]
    Serve(ServeArguments),
    /// Run test vectors against this library
    ///
    /// Each line of a file is one JSON object: a token (level jwt: the full check; jws: its signature
    /// alone) or a raw signature (level raw), the keys, the configuration and the verdict to expect.
    /// Vectors that need what this library does not do are skipped and counted.
    #[command(hide = true)]
    Vectors(VectorsArguments),
}

const EXIT_STATUS: &str = "\
Exit status:
  0  the token is accepted (inspect: it could be read; vectors: all that must agree do;
     config: it is sound; jwks: every issuer's keys are there; doctor: every MUST and SHOULD
     is met)
  1  the token is rejected (vectors: one that must agree does not; doctor: a MUST is not met)
  2  wrong usage or configuration, or a file that cannot be read: nothing was judged
  3  the issuer's keys could not be had: nothing is known about the token (doctor: a server did
     not answer)
  4  doctor: every MUST is met, not every SHOULD";

/// What `authkit verify` is told.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) source: TokenSource,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// A scope that the operation needs, beyond the configured ones; repeat for several
    #[arg(long = "require-scope", value_name = "SCOPE")]
    pub(crate) required_scopes: Vec<String>,

    /// Scopes of which the operation needs one, such as a,b; repeat for several such groups
    #[arg(long = "require-any-scope", value_name = "LIST")]
    pub(crate) alternatives: Vec<String>,

    #[command(flatten)]
    pub(crate) sources: Sources,
}

/// What `authkit config` is told.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) sources: Sources,
}

const VERIFY_HELP: &str = "\
Settings come from flags, from --config FILE, from the environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL,
AUTHKIT_REQUIRED_SCOPES and so on) and from --env-file FILE: each overrides those after it. Lists are written a,b or as a JSON array; maps and key sets as JSON.

Examples:
  authkit verify --authkit-domain https://your-project-12345.authkit.app \\
                 --base-url https://your-server.example < token.txt
  authkit verify --token-file token.txt --config server.json --require-scope read --json

With --json the members are ok, status, code, http_status, error, reason, hint, retry_after, claims
(of an accepted token only) and header (as the token states it; of a rejected token it proves nothing).

Exit status:
  0  accepted        2  wrong usage or configuration: nothing was judged
  1  rejected        3  the issuer's keys could not be had: nothing is known about the token";

/// What `authkit inspect` is told.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    pub(crate) source: TokenSource,

    /// Print one JSON object instead of text; it has "verified": false
    #[arg(long)]
    pub(crate) json: bool,

    /// Remark as of this Unix time instead of the clock's
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) now: Option<i64>,
}

/// What `authkit jwks` is told.
#[derive(Debug, Args)]
#[command(after_help = JWKS_HELP)]
pub(crate) struct JwksArguments {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) sources: Sources,
}

const JWKS_HELP: &str = "\
Settings are those of authkit verify, so that what is shown is what that server sees. Keys that are
given (jwks) are shown without a fetch. With jwks_cache_dir the keys are fetched all the same and left
there for the server.

Examples:
  authkit jwks --authkit-domain https://your-project-12345.authkit.app \\
               --base-url https://your-server.example
  authkit jwks --config server.json --json

With --json the members are ok, code, reason, hint, retry_after, issuers (keys, dropped, standing, ttl,
next_refresh, headers, skew and more of each), verdicts and events_lost as in the library's stats, and
events. Times are in seconds.

Exit status:
  0  every issuer's keys are there
  2  wrong usage or configuration: nothing was fetched
  3  an issuer's keys could not be had; the others are shown";

/// What `authkit doctor` is told.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_HELP)]
pub(crate) struct DoctorArguments {
    /// Examine with this token too: a file, or - for standard input; never an argument
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Reach the server at this place: HOST:PORT, or http://HOST:PORT where it speaks no TLS there. Its URLs
    /// stay those of the resource
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) connect: Option<Connect>,

    /// Call the server's tools with the token, to see which refuse it for its scopes. The arguments are of a wrong type:
    /// no SDK runs a tool by them, but a server of your own make may. Tools marked destructive are not called
    #[arg(long, requires = "token_file")]
    pub(crate) call_tools: bool,

    /// Show only what is wrong: each warn and fail
    #[arg(long)]
    pub(crate) problems: bool,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Use no colours; they are used on a terminal alone, and not where NO_COLOR is set
    #[arg(long)]
    pub(crate) no_color: bool,

    #[command(flatten)]
    pub(crate) sources: Sources,
}

const DOCTOR_HELP: &str = "\
Settings come from flags, --config FILE, the environment and --env-file FILE, as for verify. The server is
asked at its resource: base URL and MCP path, or the resource whole.

Examples:
  authkit doctor --authkit-domain https://your-project-12345.authkit.app \\
                 --base-url https://your-server.example --required-scopes read
  authkit doctor --config server.json --token-file token.txt --json
  authkit doctor --env-file .env --connect http://127.0.0.1:8000 --problems

Findings: pass; note (a MAY is not used); warn (a SHOULD is not met); fail (a MUST is not met); skip.
About fifty requests, 60 s in all. No redirect is followed, and no token of yours goes into a URL.

Exit status:
  0  every MUST and SHOULD that was looked at is met
  1  a MUST is not met, or the token is rejected
  2  wrong usage or configuration: nothing was examined
  3  a server did not answer: the report is incomplete
  4  every MUST is met, not every SHOULD";

/// What `authkit serve` is told.
#[cfg(unix)]
#[derive(Debug, Args)]
#[command(after_help = SERVE_HELP)]
pub(crate) struct ServeArguments {
    /// Where to listen: 127.0.0.1:PORT, [::1]:PORT or unix:PATH; nowhere but on this machine. Port 0 is any
    /// that is free; the first line on standard error tells it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9600")]
    pub(crate) listen: Address,

    /// Who may connect to unix:PATH: its owner (600), or its group too (660)
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        default_value = "600",
        hide_possible_values = true
    )]
    pub(crate) socket_mode: SocketMode,

    /// The group that may connect to unix:PATH, such as www-data; by name or number
    #[arg(long, value_name = "GROUP")]
    pub(crate) socket_group: Option<String>,

    /// Connections at a time; for one more, the one that has been quiet longest is closed
    #[arg(long, value_name = "COUNT", default_value = "900", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_connections: u16,

    /// Write no lines about refusals
    #[arg(long)]
    pub(crate) quiet: bool,

    /// Write a line for each request: its id (X-Request-Id, or one that is made), place, status and time. No path, query
    /// or token of the client's
    #[arg(long)]
    pub(crate) access_log: bool,

    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[cfg(unix)]
impl ServeArguments {
    /// Who may connect.
    pub(crate) fn access(&self) -> Access {
        // Only its owner may connect until the group is set.
        let mode = if self.socket_group.is_some() { SocketMode::Owner } else { self.socket_mode };
        Access { mode, group: self.socket_group.clone() }
    }
}

#[cfg(unix)]
const SERVE_HELP: &str = "\
Settings are those of authkit verify, but for refresh_mode: keys are fetched in the background.

Places:
  /authorize    may this request go on? With the client's Authorization lines, any method. 200 with
                X-Authkit-Subject, -Client-Id, -Scopes and more for the server behind the proxy, or the
                answer for the client: 400, 401, 403 or 503 with its headers and body.
                The client's target comes in X-Original-URI, X-Original-URL or X-Forwarded-Uri, or behind
                the place (/authorize/mcp?session=1, as Envoy asks); a token in its query is a 400.
                Scopes beyond the configured ones: /authorize?scope=a+b, or X-Authkit-Require-Scopes.
                With refusal=403 in the query each refusal is a 403, as nginx understands it.
  /refusal      the whole answer to a client that was refused, never a 200: for nginx, which keeps a
                refusal's status alone
  /.well-known/oauth-protected-resource, /.well-known/oauth-authorization-server and the like, with and
                without the resource's path: the metadata, for clients
  /healthz      200 while the process answers
  /readyz       200 while it has keys to judge by, else 503
  /metrics      numbers in OpenMetrics text

Standard error says at the start what is guarded, then why requests are refused (each cause once in 10 s) and
what happens to keys, without token or path. SIGHUP reads the settings again; if they are wrong, the old ones stay. A head may have some 64 KiB;
a connection is closed after 75 s without a request. SIGTERM and SIGINT end the process when the requests
under way are answered. Run it as any user; it needs no file but its socket.

Examples:
  authkit serve --listen 127.0.0.1:9600 --authkit-domain https://your-project-12345.authkit.app \\
                --base-url https://your-server.example --required-scopes read
  authkit serve --listen unix:/run/authkit/authkit.sock --socket-mode 660 --env-file /etc/authkit.env

Recipes for the proxies: docs/proxies.md.

Exit status:
  0  ended by SIGTERM or SIGINT
  2  wrong usage or configuration, or the address cannot be listened on";

/// What `authkit vectors` is told.
#[derive(Debug, Args)]
pub(crate) struct VectorsArguments {
    /// Files of vectors, one JSON object a line; of a directory, all *.jsonl files in it and below
    #[arg(required = true, value_name = "FILE.jsonl")]
    pub(crate) paths: Vec<PathBuf>,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the token comes from: never the command line.
#[derive(Debug, Args)]
pub(crate) struct TokenSource {
    /// Read the token from this file; default (and -): standard input
    #[arg(long = "token-file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}
