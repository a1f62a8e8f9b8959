//! Certificates and versions, each wrong in one way.

use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use tminus::launch::verdict::{Report, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::{Authority, BOTH, Identity, Old, authority, each, intermediate, leaf, self_signed, serve};
use super::{PATIENCE, SILENCE, finding, run};

const NAME: &str = "api.example.com";
/// A year that is over, and one that is not.
const PAST: Option<(i32, i32)> = Some((2019, 2020));
const FUTURE: Option<(i32, i32)> = Some((2190, 2200));

/// A folder with the root as `ca.pem`.
fn trusting(root: &Authority) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), root.pem()).expect("written");
    folder
}

fn table(at: SocketAddr, more: &str) -> String {
    format!("host = '{at}'\nserver_name = '{NAME}'\nca = 'ca.pem'\n{more}")
}

/// What the check says of `identity`, where the root of `folder` is trusted.
async fn looked(identity: Identity, folder: &Path, more: &str) -> Report {
    let at = serve(identity, BOTH, Old::Alert).await;
    run("tls", &table(at, more), folder, PATIENCE).await
}

#[tokio::test]
async fn a_good_endpoint_passes_and_old_versions_are_refused() {
    let root = authority("Test Root");
    let folder = trusting(&root);
    let more = "names = ['www.example.com']\noffer = ['1.2', '1.3']\nrefuse = ['1.0', '1.1']";
    let report = looked(leaf(&[NAME, "*.example.com"], &root, None), folder.path(), more).await;
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
    assert!(finding(&report, "TLS 1.0").1.starts_with("refused: alert "), "{report:#?}");
    assert!(report.summary.contains("days left (until 2200-01-01T00:00:00Z)"), "{}", report.summary);
    let told = report.exchange.expect("what was presented");
    assert!(told.response_body.contains(r#""verified":true"#), "{}", told.response_body);
}

#[tokio::test]
async fn each_certificate_is_wrong_in_words_of_its_own_and_read_all_the_same() {
    let root = authority("Test Root");
    let folder = trusting(&root);
    let between = intermediate(&root);
    let short = || leaf(&[NAME], &between, None);
    let mut whole = short();
    whole.chain.push(between.der().clone());
    let stranger = authority("Stranger");
    let mut rooted = leaf(&[NAME], &stranger, None);
    rooted.chain.push(stranger.der().clone());
    let namesake = authority("Test Root");
    for (identity, verdict, why) in [
        (whole, Verdict::Pass, "trusted, by CN=Test Intermediate"),
        (short(), Verdict::Fail, "a short chain: the server sent one certificate and no intermediate"),
        (rooted, Verdict::Fail, "its chain ends in CN=Stranger, which is not among those we trust"),
        (leaf(&[NAME], &namesake, None), Verdict::Fail, "its issuer CN=Test Root has the name of one we trust"),
        (self_signed(&[NAME]), Verdict::Fail, "it is self-signed"),
        (leaf(&[NAME], &root, PAST), Verdict::Fail, "it expired on 2020-01-01T00:00:00Z"),
        (leaf(&[NAME], &root, FUTURE), Verdict::Fail, "it is not valid before 2190-01-01T00:00:00Z"),
        (
            leaf(&["www.example.org"], &root, None),
            Verdict::Fail,
            "it is not for api.example.com, but for www.example.org",
        ),
        (leaf(&[], &root, None), Verdict::Fail, "it is not for api.example.com, but for no name at all"),
    ] {
        let report = looked(identity, folder.path(), "").await;
        let (chain, seen) = finding(&report, "chain");
        assert_eq!((chain, report.verdict), (verdict, verdict), "{why}: {report:#?}");
        assert!(seen.starts_with(why), "{seen}");
        // Trusted or not, it was read.
        let (expiry, days) = finding(&report, "expiry");
        assert_eq!(expiry == Verdict::Fail, why.contains("expired"), "{days}");
        assert_eq!(finding(&report, &format!("name {NAME}")).0 == Verdict::Fail, why.contains("not for"), "{why}");
    }
}

#[tokio::test]
async fn a_chain_that_nobody_can_ask_about_is_unknown() {
    let root = authority("Test Root");
    let folder = trusting(&root);
    std::fs::write(folder.path().join("empty.pem"), "no certificate").expect("written");
    let at = serve(leaf(&[NAME], &root, None), BOTH, Old::Alert).await;
    for ca in ["missing.pem", "empty.pem"] {
        let text = format!("host = '{at}'\nserver_name = '{NAME}'\nca = '{ca}'");
        let report = run("tls", &text, folder.path(), PATIENCE).await;
        assert_eq!(finding(&report, "chain").0, Verdict::Unknown, "{report:#?}");
        assert_eq!(finding(&report, "expiry").0, Verdict::Pass);
    }
}

#[tokio::test]
async fn versions_are_told_apart() {
    let root = authority("Test Root");
    let folder = trusting(&root);
    for (versions, offer, refuse, verdict) in [
        (&[&rustls::version::TLS12][..], "1.2", "1.3", Verdict::Pass),
        (&[&rustls::version::TLS13], "1.3", "1.2", Verdict::Pass),
        (&[&rustls::version::TLS12], "1.3", "1.0", Verdict::Fail),
        (BOTH, "1.3", "1.2", Verdict::Fail),
        (BOTH, "1.1", "1.0", Verdict::Fail),
    ] {
        let at = serve(leaf(&[NAME], &root, None), versions, Old::Alert).await;
        let more = format!("offer = '{offer}'\nrefuse = '{refuse}'");
        let report = run("tls", &table(at, &more), folder.path(), PATIENCE).await;
        assert_eq!(report.verdict, verdict, "{more}: {report:#?}");
    }
}

#[tokio::test]
async fn what_a_server_does_with_an_old_client_decides() {
    let root = authority("Test Root");
    let folder = trusting(&root);
    for (old, verdict, seen) in [
        (Old::Accept, Verdict::Fail, "accepted"),
        (Old::Close, Verdict::Pass, "refused: it closed the connection"),
        (Old::Reset, Verdict::Pass, "refused: it reset the connection"),
        (Old::Silent, Verdict::Unknown, "no answer in time"),
        (Old::Die, Verdict::Unknown, "it closed the connection, and came up for nobody after that"),
        (Old::Fail, Verdict::Unknown, "alert internal_error: it failed by itself"),
    ] {
        let at = serve(leaf(&[NAME], &root, None), BOTH, old).await;
        // Only the silent one is waited for.
        let timeout = if old == Old::Silent { 5 * SILENCE } else { PATIENCE };
        let report = run("tls", &table(at, "refuse = '1.0'"), folder.path(), timeout).await;
        assert_eq!(finding(&report, "TLS 1.0"), (verdict, seen.to_owned()), "{old:?}");
        assert_eq!(report.verdict, verdict, "{old:?}");
    }
}

#[tokio::test]
async fn where_nobody_speaks_tls_no_version_counts_as_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let silent = each(|mut stream| async move {
        let mut bytes = [0; 4096];
        while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
    });
    let plain = each(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 4096]).await;
    });
    let reset = each(|stream| async move {
        let mut head = [0; 1];
        let _ = stream.peek(&mut head).await;
    });
    for (at, timeout, why) in [
        (silent.await, SILENCE, "no answer in time"),
        (plain.await, PATIENCE, "TLS failed"),
        (reset.await, PATIENCE, "connection"),
    ] {
        let text = format!("host = '{at}'\nrefuse = ['1.0', '1.1']");
        let report = run("tls", &text, folder.path(), timeout).await;
        assert_eq!(report.verdict, Verdict::Fail, "{report:#?}");
        assert!(report.summary.contains(why), "{}", report.summary);
        assert!(report.findings.iter().all(|finding| !finding.subject.starts_with("TLS ")), "{report:#?}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_our_own_lack() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = run("tls", "host = 'nowhere.invalid'", folder.path(), PATIENCE).await;
    assert_eq!(report.verdict, Verdict::Unknown, "{report:#?}");
}
