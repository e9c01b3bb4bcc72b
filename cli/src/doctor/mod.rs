//! `authkit doctor`: asks the authorization server and the MCP server what a client would, and says which
//! rule is not met and what to change where. It looks at any MCP server, whoever wrote it.

mod address;
mod authorization_server;
mod bearer;
mod browser;
mod challenge;
mod checks;
mod clock;
mod connect;
mod document;
mod http;
mod metadata;
mod probe;
mod report;
mod tools;

use std::env;
use std::io::{self, IsTerminal as _, Write};

use authkit::conformance::Setup;
use authkit::{Code, Config, Verifier};

use crate::Exit;
use crate::arguments::DoctorArguments;
use crate::failure::Failure;
use crate::text::{printable, quoted};
use crate::{settings, token};

use checks::{CHALLENGE_STATUS, CONFIG_CANONICAL_URI, CONFIG_HTTPS};
pub(crate) use connect::Connect;
use http::{Answer, Client};
use report::{Report, Subject};

/// Where AuthKit has its keys, below the issuer: what tells its domain from other issuers.
const JWKS_PATH: &str = "/oauth2/jwks";

/// What every part of the examination needs to know.
pub(crate) struct Context<'a> {
    client: &'a Client<'a>,
    setup: &'a Setup<'a>,
    report: &'a mut Report,
    resource: &'a str,
    issuer: &'a str,
    /// None where the keys are given.
    jwks_url: Option<&'a str>,
    /// A key that the issuer publishes, for a forged token to name.
    key_id: Option<String>,
    /// Whether tools may be called.
    calls_tools: bool,
    /// How a client's first request to the endpoint is made: POST, or GET for one of the older SSE transport.
    method: &'static str,
}

impl Context<'_> {
    fn is_sse(&self) -> bool {
        self.method == "GET"
    }

    /// Encrypted, or to this machine where that is allowed: what the library would fetch.
    fn is_secure(&self, url: &str) -> bool {
        self.client.may_ask(url)
    }
}

/// All that is needed before the first request.
struct Prepared {
    config: Config,
    resource: String,
    token: Option<Vec<u8>>,
    connect: Option<Connect>,
    calls_tools: bool,
}

pub(crate) fn run(arguments: &DoctorArguments, out: &mut dyn Write) -> io::Result<Exit> {
    let examined = prepare(arguments).and_then(|prepared| examine(&prepared));
    let (report, subject) = match examined {
        Ok(examined) => examined,
        Err(failure) => return refuse(arguments, &failure, out),
    };
    if arguments.json {
        report.print_json(out, &subject, arguments.problems)?;
    } else if arguments.problems {
        report.print_problems(out, is_coloured(arguments))?;
    } else {
        report.print(out, &subject, is_coloured(arguments))?;
    }
    Ok(report.exit())
}

fn prepare(arguments: &DoctorArguments) -> Result<Prepared, Failure> {
    let config = settings::config(&arguments.sources)?;
    let resource = config.resource().map(str::to_owned).ok_or_else(|| {
        Failure::new(Code::Config, "base_url or resource is missing: there is no server to ask")
    })?;
    let token = arguments.token_file.as_deref().map(|path| token::read(Some(path))).transpose()?;
    let (connect, calls_tools) = (arguments.connect.clone(), arguments.call_tools);
    Ok(Prepared { config, resource, token, connect, calls_tools })
}

fn refuse(arguments: &DoctorArguments, failure: &Failure, out: &mut dyn Write) -> io::Result<Exit> {
    if arguments.json {
        report::print_refusal_as_json(out, failure)?;
        return Ok(Exit::Unusable);
    }
    let mut errors = io::stderr();
    writeln!(errors, "NOT EXAMINED  {}: {}", failure.code.name(), printable(&failure.reason))?;
    if let Some(hint) = &failure.hint {
        writeln!(errors, "  hint      {}", printable(hint))?;
    }
    Ok(Exit::Unusable)
}

/// Only for eyes: <https://no-color.org>.
fn is_coloured(arguments: &DoctorArguments) -> bool {
    let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    !arguments.no_color && !is_unwanted && !is_dumb && io::stdout().is_terminal()
}

fn examine(prepared: &Prepared) -> Result<(Report, Subject), Failure> {
    let Prepared { config, resource, token, connect, calls_tools } = prepared;
    let setup = Setup::of(config);
    let mut client = Client::new(&setup, token.as_deref())?;
    if let Some(connect) = connect {
        client = client.with_detour(resource, connect)?;
    }
    let verifier = Verifier::new(config.clone())?;
    let (issuer, jwks_url) = authorization_server(&setup)?;
    let mut report = Report::default();
    let mut context = Context {
        client: &client,
        setup: &setup,
        report: &mut report,
        resource,
        issuer,
        jwks_url,
        key_id: None,
        calls_tools: *calls_tools,
        method: "POST",
    };
    examine_all(&mut context, &verifier, token.as_deref());
    let subject = Subject {
        resource: resource.clone(),
        authorization_server: issuer.to_owned(),
        token: token.is_some(),
    };
    Ok((report, subject))
}

/// The issuer that users log in at: an AuthKit domain before anything else that is allow-listed.
fn authorization_server<'s>(setup: &Setup<'s>) -> Result<(&'s str, Option<&'s str>), Failure> {
    let is_domain = |(issuer, url): &&(&str, Option<&str>)| {
        url.is_none_or(|url| url.strip_suffix(JWKS_PATH) == Some(*issuer))
    };
    let chosen = setup.issuers.iter().find(is_domain).or(setup.issuers.first());
    chosen.copied().ok_or_else(|| Failure::new(Code::Config, "no issuer is configured"))
}

fn examine_all(context: &mut Context<'_>, verifier: &Verifier, token: Option<&[u8]>) {
    examine_configuration(context);
    authorization_server::examine(context);
    authorization_server::examine_keys(context, verifier);
    let first = probe::knock(context);
    if first.as_ref().is_ok_and(Answer::is_success) {
        return tell_open(context, verifier, token);
    }
    let metadata = metadata::examine(context);
    let is_there = probe::examine(context, &metadata, first);
    if is_there {
        browser::examine(context);
    }
    bearer::examine(context, verifier, token, is_there.then_some(&metadata));
    context.report.skip_rest("cors", "the server could not be asked");
    context.report.skip_rest("clock", "the server could not be asked");
}

/// One headline: each other rule about refusals would only say the same again.
fn tell_open(context: &mut Context<'_>, verifier: &Verifier, token: Option<&[u8]>) {
    context.report.miss_with(
        &CHALLENGE_STATUS,
        "the server is OPEN: it serves a first message to anybody, without a token",
        "give the server its authentication settings, then examine it again".to_owned(),
    );
    bearer::examine(context, verifier, token, None);
    for group in ["prm", "challenge", "cors", "clock"] {
        context.report.skip_rest(group, "the server is open: see challenge.status");
    }
}

fn examine_configuration(context: &mut Context<'_>) {
    let is_https = context.is_secure(context.resource);
    context.report.judge(&CONFIG_HTTPS, is_https, quoted(context.resource));
    let departure = address::departure(context.resource);
    let seen = departure.unwrap_or("it is spelt as clients spell it");
    context.report.judge(&CONFIG_CANONICAL_URI, departure.is_none(), seen);
}
