//! A real nginx on loopback, in a folder of its own, behind `http` and `cors`.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tminus::launch::verdict::Verdict;
use tminus::launch::verdict::Verdict::{Fail, Pass, Stale};

use super::{PATIENCE, look};

const CONFIG: &str = r#"
daemon off;
master_process off;
pid DIR/nginx.pid;
error_log stderr crit;
events { worker_connections 128; }
http {
    access_log off;
    default_type text/plain;
    client_body_temp_path DIR/body;
    proxy_temp_path DIR/proxy;
    fastcgi_temp_path DIR/fastcgi;
    uwsgi_temp_path DIR/uwsgi;
    scgi_temp_path DIR/scgi;
    gzip on;
    gzip_vary on;
    gzip_min_length 1;
    gzip_types application/json;
    types { application/json json; text/plain txt; }
    limit_req_zone $binary_remote_addr zone=few:1m rate=1r/m;
    limit_req_status 429;
    map $http_origin $allowed { default ""; "https://app.example.com" $http_origin; }
    map $allowed $credentials { default "true"; "" ""; }
    map $allowed $methods { default "GET, PUT"; "" ""; }
    map "$request_method $allowed" $preflight { default ""; "OPTIONS " deny; "~^OPTIONS http" allow; }
    map $http_origin $careless { default ""; "~^https://app\.example\.com" $http_origin; }
    map "$request_method $careless" $prefixed { default ""; "OPTIONS " deny; "~^OPTIONS http" allow; }
    server {
        listen 127.0.0.1:PORT;
        location = /secure {
            add_header Strict-Transport-Security "max-age=31536000; includeSubDomains; preload" always;
            add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'" always;
            add_header X-Content-Type-Options nosniff always;
            add_header X-Frame-Options DENY always;
            add_header Referrer-Policy no-referrer always;
            add_header Permissions-Policy "camera=(), geolocation=()" always;
            return 200 "fine";
        }
        location = /bare { return 200 "fine"; }
        location = /off {
            add_header Strict-Transport-Security "max-age=0";
            return 200 "fine";
        }
        location = /plain { return 301 https://$host$request_uri; }
        location = /found { return 302 http://$host/elsewhere; }
        location = /report.json { alias DIR/www/report.json; }
        location = /old.json { alias DIR/www/old.json; }
        location = /limited {
            limit_req zone=few burst=2 nodelay;
            alias DIR/www/fine.txt;
        }
        location = /free { alias DIR/www/fine.txt; }
        location = /large {
            LARGE
            return 200 "fine";
        }
        location = /api {
            add_header Access-Control-Allow-Origin $allowed always;
            add_header Access-Control-Allow-Credentials $credentials always;
            add_header Access-Control-Allow-Methods $methods always;
            add_header Vary Origin always;
            if ($preflight = allow) { return 204; }
            if ($preflight = deny) { return 403; }
            return 200 "{}";
        }
        location = /careless {
            add_header Access-Control-Allow-Origin $careless always;
            add_header Vary Origin always;
            if ($prefixed = allow) { return 204; }
            if ($prefixed = deny) { return 403; }
            return 200 "{}";
        }
        location = /open {
            add_header Access-Control-Allow-Origin * always;
            return 200 "{}";
        }
    }
}
"#;

/// One that is running; ended when dropped.
struct Nginx {
    child: Child,
    address: String,
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // That it ended by itself is told by the test that asked it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// None where there is none, which is said; in CI that fails.
async fn nginx(test: &str) -> Option<Nginx> {
    let program = ["nginx", "/usr/sbin/nginx"].into_iter().find(|program| {
        Command::new(program).arg("-v").stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    });
    let Some(program) = program else {
        assert!(std::env::var_os("CI").is_none(), "nginx is missing, and CI must have it");
        eprintln!("skipped: {test}, nginx is missing");
        return None;
    };
    // Another may take the port between our finding it and nginx's taking it.
    for _ in 0..5 {
        let nginx = begin(program);
        let text = format!("get = '{}/bare'\nuntil = {{ within = '20s', every = '100ms' }}", nginx.address);
        if look("http", &text, PATIENCE).await.verdict == Pass {
            return Some(nginx);
        }
    }
    panic!("nginx does not come up");
}

fn begin(program: &str) -> Nginx {
    let folder = tempfile::tempdir().expect("a folder");
    let www = folder.path().join("www");
    fs::create_dir(&www).expect("a folder");
    for (name, text) in [("report.json", REPORT), ("old.json", REPORT), ("fine.txt", "fine")] {
        fs::write(www.join(name), text).expect("a file");
    }
    aged(&www.join("old.json"));
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let large: String = (0..120).map(|n| format!("add_header X-{n} \"{}\";\n", "x".repeat(200))).collect();
    let config = CONFIG.replace("LARGE", &large).replace("PORT", &port.to_string());
    let config = config.replace("DIR", &folder.path().display().to_string());
    let file = folder.path().join("nginx.conf");
    fs::write(&file, config).expect("a file");
    let child = Command::new(program)
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .args(["-e", "stderr"])
        .stdin(Stdio::null())
        .spawn()
        .expect("nginx starts");
    Nginx { child, address: format!("http://127.0.0.1:{port}"), _folder: folder }
}

const REPORT: &str = r#"{"pass":true,"checks":{"egress":{"pass":true,"skipped":true}}}"#;

fn aged(file: &Path) {
    let hour_ago = fs::metadata(file).expect("a file").modified().expect("a time") - Duration::from_secs(3600);
    fs::File::options().append(true).open(file).expect("a file").set_modified(hour_ago).expect("set");
}

#[tokio::test]
async fn a_real_server_is_told_right_by_http() {
    let Some(nginx) = nginx("a_real_server_is_told_right_by_http").await else { return };
    const STRICT: &str = "expect = { security = { hsts = { max_age = '365d', include_subdomains = true, preload = true }, \
        csp = \"frame-ancestors 'none'\", nosniff = true, frame = 'deny', referrer = 'no-referrer', permissions = 'camera=()' } }";
    const FRESH: &str = "expect = { fresh_within = { header = 'last-modified', within = '10m' } }";
    for (path, expect, wanted, says) in [
        ("/secure", STRICT, Pass, "7 of 7"),
        ("/bare", STRICT, Fail, "strict-transport-security"),
        ("/off", "expect = { security = { hsts = '1d' } }", Fail, "max-age=0"),
        ("/plain", "expect = { status = [301, 308], header = { location = { contains = 'https://' } } }", Pass, ""),
        ("/found", "expect = { status = [301, 308], header = { location = { contains = 'https://' } } }", Fail, "302"),
        ("/plain", "expect = { status = 200 }", Fail, "301 to https://"),
        (
            "/report.json",
            "expect = { json = ['.pass == true'], header = { vary = { list = 'accept-encoding' } } }",
            Pass,
            "",
        ),
        (
            "/report.json",
            "expect = { json = ['.pass == true'], skipped = '.checks.egress.skipped' }",
            Verdict::Skipped,
            "",
        ),
        ("/report.json", FRESH, Pass, ""),
        ("/old.json", FRESH, Stale, "1h"),
        ("/large", "", Fail, "more headers than the limit"),
        ("/free", "repeat = { times = 5, every = '100ms' }\nexpect = { body = 'fine' }", Pass, "5 of 5 times"),
        // One a minute and two more at once: the fourth is one too many.
        ("/limited", "burst = { requests = 4, free = 3, a_second = 50 }", Pass, "4 requests in"),
        ("/limited", "burst = { requests = 4, free = 3, a_second = 50 }", Fail, "request 1"),
        ("/free", "burst = { requests = 10, free = 3, a_second = 50 }", Fail, "none in 10"),
    ] {
        let report = look("http", &format!("get = '{}{path}'\n{expect}", nginx.address), PATIENCE).await;
        assert_eq!(report.verdict, wanted, "{path}: {report:#?}");
        assert!(report.summary.contains(says), "{path}: {}", report.summary);
    }
}

#[tokio::test]
async fn a_real_allow_list_is_told_right_by_cors() {
    let Some(nginx) = nginx("a_real_allow_list_is_told_right_by_cors").await else { return };
    let matrix = async |path: &str, more: &str| {
        let text = format!("url = '{}{path}'\nallow = ['https://app.example.com']\n{more}", nginx.address);
        look("cors", &text, PATIENCE).await
    };
    let strict = "method = ['GET', 'PUT']\ndeny_methods = ['DELETE']\nsimple = 'GET'\ncredentials = true\nlookalikes = true\n\
        deny = ['https://evil.example.com', 'null']";
    let report = matrix("/api", strict).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
    // It compares the beginning alone: one lookalike is let in, and no other row fails.
    let report = matrix("/careless", "lookalikes = true").await;
    let failing: Vec<_> =
        report.findings.iter().filter(|one| one.verdict == Fail).filter_map(|one| one.row.clone()).collect();
    assert!(
        !failing.is_empty() && failing.iter().all(|row| row.contains("app.example.com.evil.example")),
        "{failing:?}"
    );
    let report = matrix("/open", "deny = ['https://evil.example.com']\ncredentials = true").await;
    assert_eq!(report.verdict, Fail, "{report:#?}");
}
