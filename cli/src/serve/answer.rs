//! The endpoint's places, and the library's answers as HTTP.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use authkit::Decision;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response, StatusCode};

use crate::failure::Failure;

use super::identity;
use super::judge::Judge;
use super::log::Log;
use super::metrics;
use super::question::{Form, Question};

/// The decision on a request; behind it, as Envoy asks, the client's own path may stand.
const AUTHORIZE: &str = "/authorize";
/// The answer to a client whose request may not go on, for proxies that keep only the decision's status.
const REFUSAL: &str = "/refusal";
/// Whether the process answers; whether it has keys to judge by.
const HEALTH: &str = "/healthz";
const READY: &str = "/readyz";
const METRICS: &str = "/metrics";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers every request.
pub(crate) struct Endpoint {
    /// Replaced by a reload. A request keeps the one that it began with.
    judge: RwLock<Arc<Judge>>,
    log: Arc<Log>,
}

impl Endpoint {
    pub(crate) fn new(judge: Judge, log: Arc<Log>) -> Self {
        Self { judge: RwLock::new(Arc::new(judge)), log }
    }

    /// Whoever decides now.
    pub(crate) fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.judge.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has another decide about the requests to come.
    pub(crate) fn replace(&self, judge: Judge) {
        *self.judge.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(judge);
    }

    /// The request's body, which decides nothing, is not read.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Result<Answer, Infallible> {
        let (parts, _) = request.into_parts();
        let began = Instant::now();
        let answer = self.answer_to(&parts).await;
        self.log.access(|| access(&parts, answer.status(), began.elapsed()));
        Ok(answer)
    }

    async fn answer_to(&self, parts: &Parts) -> Answer {
        match parts.uri.path() {
            AUTHORIZE => self.verdict(parts, Form::Beside).await,
            REFUSAL => self.refusal(parts).await,
            HEALTH => plain(StatusCode::OK, "ok\n"),
            READY => self.readiness(),
            METRICS => self.metrics(),
            path if is_below(path, AUTHORIZE) => self.verdict(parts, Form::Within).await,
            path => self.document(parts.method.as_str(), path).await,
        }
    }

    /// 200 with who is calling, or what to send in place of what was asked for.
    async fn verdict(&self, parts: &Parts, form: Form) -> Answer {
        let question = match Question::read(parts, form) {
            Ok(question) => question,
            Err(failure) => return self.failed(&failure),
        };
        let decision = self.decision(&question).await;
        let mut answer = sent(decision.response());
        match decision.claims() {
            Some(claims) => {
                answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
                identity::add_to(answer.headers_mut(), claims);
            }
            None => {
                self.log.refusal(decision.log_line());
                self.write_waiting();
                if question.refuses_by_403 {
                    *answer.status_mut() = StatusCode::FORBIDDEN;
                }
            }
        }
        answer
    }

    /// The whole answer to a request that was refused just now. It never says to go on: where the refusal's
    /// cause has gone meanwhile, such as an outage, the client is to come again.
    async fn refusal(&self, parts: &Parts) -> Answer {
        let question = match Question::read(parts, Form::Beside) {
            Ok(question) => question,
            Err(failure) => return self.failed(&failure),
        };
        let decision = self.decision(&question).await;
        if decision.claims().is_some() { again() } else { sent(decision.response()) }
    }

    async fn decision(&self, question: &Question<'_>) -> Decision {
        self.judge().authorize(&question.request(), &question.policy).await
    }

    /// What clients read before they have a token.
    async fn document(&self, method: &str, path: &str) -> Answer {
        match self.judge().well_known(method, path).await {
            Some(response) => sent(&response),
            None => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    /// Whether a token could be judged now.
    fn readiness(&self) -> Answer {
        match self.judge().verifier().wait_ready(Duration::ZERO) {
            Ok(()) => plain(StatusCode::OK, "ready\n"),
            Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the issuer's keys are missing\n"),
        }
    }

    fn metrics(&self) -> Answer {
        let text = metrics::text(&self.judge().verifier().stats());
        let mut answer = Response::new(Full::from(text));
        let media_type = HeaderValue::from_static(metrics::CONTENT_TYPE);
        answer.headers_mut().insert(CONTENT_TYPE, media_type);
        answer
    }

    /// Writes the lines that belong to no request.
    pub(crate) fn write_waiting(&self) {
        let judge = self.judge();
        std::iter::from_fn(|| judge.verifier().next_log_line())
            .for_each(|line| self.log.line(&line));
    }

    /// The question itself was wrong: for whoever runs the proxy to mend, and for nobody to pass.
    fn failed(&self, failure: &Failure) -> Answer {
        self.log.misread(failure.code.http_status(), failure);
        let body = r#"{"error":"server_error","error_description":"The server cannot decide on this request"}"#;
        json(StatusCode::INTERNAL_SERVER_ERROR, body)
    }
}

/// `access ID PLACE STATUS MICROSECONDS`. The place is one of ours: of the client's path nothing is told.
fn access(parts: &Parts, status: StatusCode, took: Duration) -> String {
    let path = parts.uri.path();
    let place =
        match [AUTHORIZE, REFUSAL, HEALTH, READY, METRICS].into_iter().find(|it| *it == path) {
            Some(place) => place,
            None if is_below(path, AUTHORIZE) => AUTHORIZE,
            None if path.starts_with("/.well-known/") => "/.well-known",
            None => "other",
        };
    let id = request_id(&parts.headers);
    format!("access {id} {place} {} {} us", status.as_u16(), took.as_micros())
}

/// The proxy's id of a request, if it is one; else a number.
fn request_id(headers: &HeaderMap) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let is_id = |text: &&str| {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.:".contains(&octet);
        (1..=64).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with("eyJ")
    };
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok()).filter(is_id);
    given.map_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed).to_string(), str::to_owned)
}

fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
}

fn sent(response: &authkit::Response) -> Answer {
    let mut answer = Response::new(Full::from(response.body().to_owned()));
    // Whatever is no status is a defect, and lets nobody pass.
    *answer.status_mut() =
        StatusCode::from_u16(response.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers() {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    answer
}

fn again() -> Answer {
    let body = r#"{"error":"temporarily_unavailable","error_description":"Try again"}"#;
    let mut answer = json(StatusCode::SERVICE_UNAVAILABLE, body);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn json(status: StatusCode, body: &'static str) -> Answer {
    let mut answer = plain(status, body);
    let headers: &mut HeaderMap = answer.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    answer
}

fn plain(status: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}
