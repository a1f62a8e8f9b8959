//! What of sources lies on the disk: whose numbers they are, and no secret.

use super::*;

/// Every file below `folder`, as bytes.
fn kept(folder: &std::path::Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { kept(&path) } else { std::fs::read(path).expect("a file") }).collect()
}

#[tokio::test]
async fn whose_number_it_is_lies_on_no_disk_with_a_secret() {
    let a = server(|_| (200, "", "{\"n\":4,\"pod\":\"api-s3cr3t-token-2\"}".to_owned())).await;
    let loaded = sound(&format!(
        "[[signal]]\nid = \"named\"\nevery = \"100ms\"\ncounter = true\ninstance = \".pod\"\njson = {{ get = \"http://{a}/m\", jq = \".n\" }}\n\
         [[signal]]\nid = \"each\"\nevery = \"100ms\"\ncounter = true\njson = {{ get = [\"http://{a}/s3cr3t-token\", \"http://{a}/b\"], jq = \".n\" }}\n"
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let redactor = tminus::base::secret::Redactor::new(["s3cr3t-token".to_owned()]);
    let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus")).with_deadline(Duration::from_secs(20));
    let contexts = Arc::new(move |entry: &Entry| Context {
        jq: jq.clone(),
        scope: entry.scope.clone(),
        owner: entry.owner.clone(),
        redactor: redactor.clone(),
        ..Context::new(client.clone())
    });
    let began = tokio::time::Instant::now();
    let axis: Axis = Arc::new(move || Instant(0).plus(began.elapsed()));
    let (sender, _told) = mpsc::channel(4096);
    let (plan, catalogue) = (&loaded.plan, Arc::new(loaded.catalogue));
    let readings = Readings::new(axis, plan);
    readings.keep_in(folder.path().join("samples")).expect("a thread");
    let streams = folder.path().join("streams");
    let watch = Watch::start(plan, catalogue, contexts, sender, streams, Arc::clone(&readings));
    let mut live = watch.live();
    let both = |live: &Arc<Live>| live.signals.len() == 2 && live.signals.values().all(|view| view.numbers.len() >= 2);
    tokio::time::timeout(PATIENCE, live.wait_for(both)).await.expect("numbers in time").expect("still watching");
    tokio::time::timeout(PATIENCE, watch.leave()).await.expect("it leaves");
    let kept = kept(folder.path());
    let has = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("api-") && has("/b"), "whose they are is kept");
    assert!(!has("s3cr3t-token"), "but no secret in it");
}
