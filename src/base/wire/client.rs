//! The HTTP client of a launch: one request, one answer or one cause. It follows no redirect, keeps
//! no cookie, adds no credential and tries nothing twice: all that is the caller's to decide and to show.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::{Host, Url};

use super::cause::{self, NotResolved};
use super::phase::{Phase, Progress};
use super::ramp::Ramp;
use super::way::{self, Version, Way};
use super::{Answer, Cause, Limits, Network, Request};

/// Idle connections are dropped before the usual servers drop them (5 s: uvicorn, node), so that a
/// request does not go out on a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(4);

/// Pools that are kept. A certificate that is renewed gets another; the old ones must not add up for ever.
const LANES: usize = 64;
/// Bytes of an HTTP/2 answer's headers, as many as of an HTTP/1.1 answer's.
const HEAD: u32 = 400 << 10;

/// The HTTP client of a launch. Cheap to clone. It follows no redirect, keeps no cookie, adds no
/// credential: that is the caller's.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    way: Way,
}

struct Shared {
    network: Network,
    names: Arc<dyn Resolve>,
    limits: Limits,
    ramp: Ramp,
    lanes: Mutex<HashMap<Which, Arc<OnceCell<Lane>>>>,
}

/// What tells pools of connections apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Which {
    tls: bool,
    local: bool,
    version: Option<Version>,
    identity: Option<[u8; 32]>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("network", &self.network).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One pool of connections. Lanes are made when first needed: reading the host's CA files takes
/// longer than the whole first frame may, and plain HTTP needs none.
#[derive(Debug, Clone)]
struct Lane {
    pool: reqwest::Client,
    /// No CA certificate was found on this host.
    rootless: bool,
}

/// An answer whose body is still coming.
#[derive(Debug)]
pub struct Opening {
    pub status: u16,
    pub headers: HeaderMap,
    pub version: http::Version,
    pub body: Body,
}

/// A body, chunk by chunk, as it comes and without a limit: the reader's.
#[derive(Debug)]
pub struct Body {
    response: reqwest::Response,
    rootless: bool,
}

impl Client {
    /// Makes the client; opens no file and no connection.
    ///
    /// # Errors
    /// The TLS setup failed, in words.
    pub fn new(network: &Network, limits: Limits) -> Result<Self, String> {
        Self::resolving(network, limits, Arc::new(System))
    }

    /// The same client, by another way: its pools and its allowances are shared.
    #[must_use]
    pub fn by(&self, way: Way) -> Self {
        Self { shared: Arc::clone(&self.shared), way }
    }

    /// Where its connections go.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.shared.network
    }

    /// The same, with another resolver than the system's.
    pub(super) fn resolving(network: &Network, limits: Limits, names: Arc<dyn Resolve>) -> Result<Self, String> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // An error means that another thread was faster with the same provider.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        if let Network::Loopback { certificate_pem, .. } = network {
            reqwest::Certificate::from_pem(certificate_pem.as_bytes()).map_err(|why| why.to_string())?;
        }
        let ramp = Ramp::new(limits.connects);
        let shared = Shared { network: network.clone(), names, limits, ramp, lanes: Default::default() };
        Ok(Self { shared: Arc::new(shared), way: Way::default() })
    }

    /// Sends a request and reads the whole answer, within `timeout` in all.
    ///
    /// # Errors
    /// Why there is no usable answer.
    pub async fn send(&self, request: Request, timeout: Duration) -> Result<Answer, Cause> {
        let started = Instant::now();
        let (request, local) = self.built(request)?;
        let progress = Progress::new(authority(request.url()));
        let whole = async {
            let Opening { status, headers, version, mut body } = self.ask(request, local).await?;
            let body = body.whole(self.way.body.unwrap_or(self.shared.limits.body)).await?;
            let took = started.elapsed().saturating_sub(progress.waited());
            Ok(Answer { status, headers, body, took, version })
        };
        progress.within(timeout, whole).await
    }

    /// Sends a request and reads the head of the answer, within `timeout`.
    ///
    /// # Errors
    /// Why there is no usable answer.
    pub async fn open(&self, request: Request, timeout: Duration) -> Result<Opening, Cause> {
        let (request, local) = self.built(request)?;
        let progress = Progress::new(authority(request.url()));
        progress.within(timeout, self.ask(request, local)).await
    }

    async fn ask(&self, request: reqwest::Request, local: bool) -> Result<Opening, Cause> {
        let lane = self.lane(request.url().scheme() == "https", local).await?;
        let outside = !local && self.shared.network == Network::Outside;
        let url = request.url().clone();
        match lane.pool.execute(request).await {
            Ok(response) => Ok(Opening {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                version: self.version_of(&response),
                body: Body { response, rootless: lane.rootless },
            }),
            Err(error) => {
                let cause = cause::of(&error, lane.rootless);
                Err(match way::proxy_for(&url).filter(|_| outside) {
                    Some(proxy) => way::of_proxy(cause, &proxy),
                    None => cause,
                })
            }
        }
    }

    /// The request as the library wants it, and whether it stays on this host.
    fn built(&self, request: Request) -> Result<(reqwest::Request, bool), Cause> {
        let mut url = Url::parse(&request.url).map_err(|why| Cause::Ours(format!("`{}`: {why}", request.url)))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Cause::Ours(format!("`{}` is no http or https address", request.url)));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Cause::Ours("an address must not carry a user or password: use a header".into()));
        }
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|_| Cause::Ours(format!("`{}` is no method", request.method)))?;
        let mut headers = HeaderMap::with_capacity(request.headers.len() + 1);
        for (name, value) in &request.headers {
            let known = HeaderName::from_bytes(name.as_bytes());
            let known = known.map_err(|_| Cause::Ours(format!("`{name}` is no header name")))?;
            // The value is not repeated: it may be a secret.
            let value = HeaderValue::from_str(value);
            let value = value.map_err(|_| Cause::Ours(format!("the value for header `{name}` cannot be sent")))?;
            headers.append(known, value);
        }
        let local = is_local(&url);
        if let Network::Loopback { address, .. } = &self.shared.network {
            redirect(&mut url, &mut headers, *address)?;
        }
        let mut built = reqwest::Request::new(method, url);
        *built.headers_mut() = headers;
        *built.body_mut() = request.body.map(Into::into);
        Ok((built, local))
    }
}

/// Sends `url` to the loopback listener whatever its host and port are, keeping them in `Host`.
fn redirect(url: &mut Url, headers: &mut HeaderMap, to: SocketAddr) -> Result<(), Cause> {
    let authority = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let wrong = || Cause::Ours(format!("`{url}` cannot be sent to the rehearsal's listener"));
    let authority = HeaderValue::from_str(&authority).map_err(|_| wrong())?;
    let mut moved = url.clone();
    moved.set_ip_host(to.ip()).map_err(|()| wrong())?;
    moved.set_port(Some(to.port())).map_err(|()| wrong())?;
    headers.entry(HOST).or_insert(authority);
    *url = moved;
    Ok(())
}

/// Host and port, as far as they tell places apart.
fn authority(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Client {
    /// The rehearsal's listener speaks 1.1 alone, and by which protocol an answer comes is no part of an
    /// example: there it is the one that is wanted.
    fn version_of(&self, response: &reqwest::Response) -> http::Version {
        match (&self.shared.network, self.way.version) {
            (Network::Loopback { .. }, Some(wanted)) => wanted.seen(),
            _ => response.version(),
        }
    }

    async fn lane(&self, tls: bool, local: bool) -> Result<Lane, Cause> {
        let outside = self.shared.network == Network::Outside;
        // By ALPN both are offered as it is.
        let version = self.way.version.filter(|version| outside && !(tls && *version == Version::Two));
        let identity = self.way.identity.as_ref().filter(|_| outside && tls);
        let which = Which { tls, local, version, identity: identity.map(|identity| identity.print) };
        let cell = self.shared.cell(which);
        let lane = cell.get_or_try_init(|| async {
            let pool = || self.shared.pool(local, version);
            match (&self.shared.network, identity) {
                (Network::Loopback { certificate_pem, .. }, _) => self.shared.pinned(certificate_pem),
                (Network::Outside, None) if !tls => lane(pool().tls_certs_only([])),
                (Network::Outside, identity) => {
                    let trusts_own = identity.is_some_and(|identity| identity.trusted.is_some());
                    let equipped = |pool| match identity {
                        Some(identity) => identity.equip(pool),
                        None => Ok(pool),
                    };
                    let (trusting, trusting_none) = (equipped(pool())?, equipped(pool())?);
                    let built = tokio::task::spawn_blocking(move || match trusting.build() {
                        Ok(pool) => Ok(Lane { pool, rootless: false }),
                        Err(why) if trusts_own => Err(why),
                        // Without any CA file the library refuses to build; then only what needs one fails.
                        Err(_) => trusting_none.tls_certs_only([]).build().map(|pool| Lane { pool, rootless: true }),
                    });
                    built.await.map_err(|why| Cause::Ours(why.to_string()))?.map_err(|why| Cause::Ours(why.to_string()))
                }
            }
        });
        lane.await.cloned()
    }
}

impl Shared {
    fn cell(&self, which: Which) -> Arc<OnceCell<Lane>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= LANES && !lanes.contains_key(&which) {
            lanes.retain(|which, _| which.identity.is_none());
        }
        Arc::clone(lanes.entry(which).or_default())
    }

    /// Trusts the rehearsal's certificate and nothing else. Its names are not compared: every host is
    /// this listener, and the address is fixed.
    fn pinned(&self, pem: &str) -> Result<Lane, Cause> {
        let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).map_err(|why| Cause::Ours(why.to_string()))?;
        let pool = self.pool(true, None).tls_certs_only([certificate]).tls_danger_accept_invalid_hostnames(true);
        lane(pool.http1_only())
    }

    fn pool(&self, local: bool, version: Option<Version>) -> reqwest::ClientBuilder {
        let pool = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("tminus/", env!("CARGO_PKG_VERSION")))
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            .dns_resolver(Told(Arc::clone(&self.names)))
            .http2_max_header_list_size(HEAD)
            .connector_layer(self.ramp.clone());
        let pool = match version {
            Some(Version::One) => pool.http1_only(),
            Some(Version::Two) => pool.http2_prior_knowledge(),
            None => pool,
        };
        // A proxy has no way to what is this machine for us.
        if local { pool.no_proxy() } else { pool }
    }
}

fn lane(pool: reqwest::ClientBuilder) -> Result<Lane, Cause> {
    pool.build().map(|pool| Lane { pool, rootless: false }).map_err(|why| Cause::Ours(why.to_string()))
}

/// A resolver whose work is told to the request that waits for it.
struct Told(Arc<dyn Resolve>);

impl Resolve for Told {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.resolve(name);
        Box::pin(async move {
            let progress = Progress::current();
            let enter = |phase| progress.iter().for_each(|progress| progress.enter(phase));
            enter(Phase::Resolving);
            let found = found.await;
            enter(Phase::Under);
            found
        })
    }
}

/// The system's resolver, its errors marked.
#[derive(Debug)]
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NotResolved)?;
            let found: Vec<SocketAddr> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Body {
    /// The next chunk; none at the end.
    ///
    /// # Errors
    /// Why the body ended early.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Cause> {
        self.response.chunk().await.map_err(|error| cause::of(&error, self.rootless))
    }

    /// The whole body, as long as it is at most `limit` bytes; reading stops where it is not.
    async fn whole(&mut self, limit: u64) -> Result<Bytes, Cause> {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if (first.len() + rest.len() + chunk.len()) as u64 > limit {
                return Err(Cause::BodyTooLarge { limit });
            }
            if first.is_empty() {
                first = chunk;
            } else {
                rest.extend_from_slice(&chunk);
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let mut all = BytesMut::with_capacity(first.len() + rest.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&rest);
        Ok(all.freeze())
    }
}
