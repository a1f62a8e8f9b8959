//! The outbox against targets that fail: in paused time, over a wire that is told what to answer. Each ends by itself.

use std::collections::BTreeMap as Map;
use std::path::Path;

use http::HeaderValue;
use serde_json::Value;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::base::reach::Hidden;
use crate::base::wire::{Limits, Network};
use crate::launch::plan::{Topic, Via};
use crate::notify::ledger::tests::lines;
use crate::notify::queue::tests::message;

const BUS: &str = "http://bus.example.com/hook-of-the-bus";

/// What a target was told: when, and the id.
type Told = Arc<Mutex<Vec<(u64, String)>>>;

fn notify(id: &str, count: u32) -> Notify {
    let at_most = AtMost { count, per: Duration::from_secs(1) };
    Notify {
        id: id.into(),
        title: format!("#{id}"),
        via: Via::Webhook,
        events: [Topic::Hold].into(),
        at_most,
        text: Map::new(),
    }
}

fn answer(status: u16) -> Result<Answer, Cause> {
    Ok(Answer { status, ..Answer::default() })
}

/// A wire that `answers` by seconds since `began` and by how often it was asked, and keeps what was sent.
fn wire(
    began: Instant,
    told: &Told,
    answers: impl Fn(u64, usize) -> Result<Answer, Cause> + Send + Sync + 'static,
) -> Post {
    let (told, asked) = (Arc::clone(told), Arc::new(Mutex::new(0_usize)));
    Arc::new(move |request| {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap_or_default()).expect("json");
        let at = began.elapsed().as_secs();
        let count = {
            let mut asked = lock(&asked);
            *asked += 1;
            *asked - 1
        };
        let answer = answers(at, count);
        // What was taken is kept, whatever is answered.
        if !matches!(answer, Err(Cause::Refused)) {
            let repeat = if body["data"]["customData"]["repeat"] == true { "!" } else { "" };
            lock(&told).push((at, format!("{}{repeat}", body["id"].as_str().expect("an id"))));
        }
        Box::pin(async move {
            sleep(Duration::from_millis(20)).await;
            answer
        })
    })
}

fn hands(launch: &Path, send: Post) -> Hands {
    let reach = Reach { address: Hidden::new(BUS), key: None, headers: Vec::new() };
    Hands {
        send,
        redactor: Redactor::default(),
        reaches: [("bus".into(), reach.clone()), ("crew".into(), reach)].into(),
        simulated: false,
        launch: launch.to_owned(),
        may: Arc::new(|| true),
        wall: Wall::default,
        chance: || 0.5,
    }
}

fn ids(told: &Told) -> Vec<String> {
    lock(told).iter().map(|(_, id)| id.clone()).collect()
}

fn wanted(seqs: impl IntoIterator<Item = u64>) -> Vec<String> {
    seqs.into_iter().map(|seq| format!("0123456789abcdef-{seq}-0")).collect()
}

/// The lines of the ledger of `bus`.
fn kept(launch: &Path) -> Vec<Line> {
    lines(&standing::folder(launch).join("bus.ledger"))
}

fn count(lines: &[Line], deed: Deed) -> u64 {
    lines.iter().filter(|line| line.deed == deed).map(|line| line.messages).sum()
}

async fn settled(outbox: &Outbox) {
    while !outbox.is_settled() {
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_for_ten_minutes_is_told_everything_once_in_order_and_keeps_no_other_waiting() {
    let launch = tempfile::tempdir().expect("a folder");
    let (down, up) = (Told::default(), Told::default());
    let began = Instant::now();
    let (bad, good) = (
        wire(began, &down, |at, _| if at < 600 { Err(Cause::Refused) } else { answer(202) }),
        wire(began, &up, |_, _| answer(200)),
    );
    let outbox = Outbox::default();
    let both: Post = Arc::new(move |request| if request.url.ends_with("crew") { good(request) } else { bad(request) });
    let mut hands = hands(launch.path(), both);
    let crew = Reach { address: Hidden::new("http://chat.example.com/crew"), key: None, headers: Vec::new() };
    hands.reaches.insert("crew".into(), crew);
    let targets = [notify("bus", 100), notify("crew", 100)];
    outbox.begin(hands, &targets, 0);
    for seq in 1..=60 {
        outbox.put(&targets, &message(seq));
        sleep(Duration::from_secs(5)).await;
    }
    assert_eq!((ids(&up), ids(&down)), (wanted(1..=60), Vec::new()));
    assert!(lock(&up).iter().zip(0..).all(|((at, _), place)| *at == place * 5), "each when it happened");
    let words = outbox.words().expect("it is said");
    assert!(words.contains("#bus (webhook) is not being told since 00:00:00 UTC: connection refused"), "{words}");
    assert!(!words.contains("crew") && !words.contains("hook-of-the-bus"), "{words}");
    settled(&outbox).await;
    assert_eq!(ids(&down), wanted(1..=60));
    assert!(
        began.elapsed() < Duration::from_secs(700),
        "a minute after it is back at the latest: {:?}",
        began.elapsed()
    );
    assert_eq!(outbox.words(), None);
    let kept = kept(launch.path());
    assert_eq!((count(&kept, Deed::Told), kept.last().map(|line| line.settled)), (60, Some((60, 0))));
}

#[tokio::test(start_paused = true)]
async fn a_console_that_dies_at_any_moment_and_one_that_comes_back_tell_each_once() {
    // Killed after so many milliseconds, in whatever it was doing; every attempt takes 20.
    for killed in (0_u64..200).step_by(7) {
        let launch = tempfile::tempdir().expect("a folder");
        let told = Told::default();
        let answered: Arc<Mutex<Vec<String>>> = Arc::default();
        let targets = [notify("bus", 100)];
        let replay = |outbox: &Outbox| (1..=8).for_each(|seq| outbox.put(&targets, &message(seq)));
        {
            let outbox = Outbox::default();
            let (told, answered) = (Arc::clone(&told), Arc::clone(&answered));
            let send: Post = Arc::new(move |request| {
                let body: Value = serde_json::from_slice(request.body.as_deref().unwrap_or_default()).expect("json");
                let id = body["id"].as_str().expect("an id").to_owned();
                lock(&told).push((0, id.clone()));
                let answered = Arc::clone(&answered);
                Box::pin(async move {
                    sleep(Duration::from_millis(20)).await;
                    lock(&answered).push(id);
                    answer(200)
                })
            });
            outbox.begin(hands(launch.path(), send), &targets, 0);
            replay(&outbox);
            sleep(Duration::from_millis(killed)).await;
            outbox.stop();
            sleep(Duration::from_millis(1)).await;
        }
        let first = ids(&told);
        let answered = lock(&answered).clone();
        let outbox = Outbox::default();
        let send = wire(Instant::now(), &told, |_, _| answer(200));
        outbox.begin(hands(launch.path(), send), &targets, 100);
        replay(&outbox);
        settled(&outbox).await;
        outbox.stop();
        let all: Vec<String> = ids(&told).iter().map(|id| id.trim_end_matches('!').to_owned()).collect();
        let second = &all[first.len()..];
        // What may be there is told again, and said to be.
        let flagged: Vec<bool> = ids(&told)[first.len()..].iter().map(|id| id.ends_with('!')).collect();
        let repeats: Vec<bool> = second.iter().map(|id| first.contains(id)).collect();
        assert!(repeats.iter().zip(&flagged).all(|(again, said)| *said || !again), "killed after {killed} ms: {all:?}");
        // One that was about to go out may be there as well, for all that is known: the one that was under way, no other.
        assert!(flagged.iter().skip(1).all(|said| !said), "killed after {killed} ms: {all:?}");
        let mut once = all.clone();
        once.dedup();
        assert_eq!(once, wanted(1..=8), "killed after {killed} ms: each, in order");
        // Only what was under way is told again, and under the same id; what was answered before the last is not.
        assert!(all.len() <= 9, "killed after {killed} ms: {all:?}");
        let before = answered.len().saturating_sub(1);
        assert!(answered[..before].iter().all(|id| !second.contains(id)), "killed after {killed} ms: {second:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_for_and_a_message_that_is_refused_keeps_no_other_waiting() {
    let launch = tempfile::tempdir().expect("a folder");
    let (told, began) = (Told::default(), Instant::now());
    let send = wire(began, &told, |_, count| match count {
        0 => {
            let mut answer = Answer { status: 429, ..Answer::default() };
            answer.headers.insert("retry-after", HeaderValue::from_static("120"));
            Ok(answer)
        }
        1 => answer(400),
        _ => answer(200),
    });
    let (outbox, targets) = (Outbox::default(), [notify("bus", 100)]);
    outbox.begin(hands(launch.path(), send), &targets, 0);
    (1..=2).for_each(|seq| outbox.put(&targets, &message(seq)));
    settled(&outbox).await;
    let told = lock(&told).clone();
    let times: Vec<u64> = told.iter().map(|(at, _)| *at).collect();
    assert_eq!(told.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>(), wanted([1, 1, 2]));
    assert!(times == [0, 120, 120], "{times:?}");
    let words = outbox.words().expect("it is said");
    assert!(words.contains("1 messages refused by #bus (webhook)"), "{words}");
    let kept = kept(launch.path());
    assert_eq!((count(&kept, Deed::Told), count(&kept, Deed::Refused)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_may_not_act_or_has_no_secret_sends_nothing_and_the_second_says_so() {
    let launch = tempfile::tempdir().expect("a folder");
    let (told, targets) = (Told::default(), [notify("bus", 100)]);
    let send = wire(Instant::now(), &told, |_, _| answer(200));
    let outbox = Outbox::default();
    let taken_over = Hands { may: Arc::new(|| false), ..hands(launch.path(), Arc::clone(&send)) };
    outbox.begin(taken_over, &targets, 0);
    outbox.put(&targets, &message(1));
    advance(Duration::from_secs(600)).await;
    assert_eq!(ids(&told), Vec::<String>::new());
    assert!(!standing::folder(launch.path()).exists(), "what stands there is another's");

    let outbox = Outbox::default();
    let unset = Hands { reaches: BTreeMap::new(), ..hands(launch.path(), Arc::clone(&send)) };
    outbox.begin(unset.clone(), &targets, 0);
    outbox.put(&targets, &message(1));
    sleep(Duration::from_secs(100)).await;
    assert!(outbox.is_settled(), "no patience brings a secret");
    assert!(outbox.words().is_some_and(|words| words.contains("its secret is not set here")), "{:?}", outbox.words());
    assert_eq!(ids(&told), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_is_gone_tells_from_here_on_and_says_so() {
    let launch = tempfile::tempdir().expect("a folder");
    let (told, targets) = (Told::default(), [notify("bus", 100)]);
    let outbox = Outbox::default();
    outbox.begin(hands(launch.path(), wire(Instant::now(), &told, |_, _| answer(200))), &targets, 5);
    (1..=7).for_each(|seq| outbox.put(&targets, &message(seq)));
    settled(&outbox).await;
    assert_eq!(ids(&told), wanted(6..=7), "nobody is told a launch's whole past at once");
    let words = outbox.words().expect("it is said");
    assert!(words.contains("what was told before record 5 is not known"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn what_a_target_answers_with_shows_no_address_anywhere() {
    let launch = tempfile::tempdir().expect("a folder");
    let (told, targets) = (Told::default(), [notify("bus", 100)]);
    let send = wire(Instant::now(), &told, |_, _| Err(Cause::Ours(format!("`{BUS}`: no such place\u{1b}[31m"))));
    let outbox = Outbox::default();
    outbox.begin(hands(launch.path(), send), &targets, 0);
    outbox.put(&targets, &message(1));
    sleep(Duration::from_secs(10)).await;
    standing::keep(launch.path(), &outbox.standing()).expect("kept");
    let words = outbox.words().expect("it is said");
    let mut shown = vec![words];
    for entry in std::fs::read_dir(standing::folder(launch.path())).expect("a folder") {
        shown.push(std::fs::read_to_string(entry.expect("an entry").path()).expect("text"));
    }
    assert!(shown.len() == 3, "{shown:?}");
    for text in shown {
        assert!(text.contains("no such place"), "{text}");
        assert!(!text.contains("hook-of-the-bus") && !text.contains('\u{1b}'), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_over_while_it_writes_down_what_it_sends_does_not_send_it() {
    let launch = tempfile::tempdir().expect("a folder");
    let (told, targets) = (Told::default(), [notify("bus", 100)]);
    let path = standing::folder(launch.path()).join("bus.ledger");
    let send = wire(Instant::now(), &told, |_, _| answer(200));
    let may = move || !std::fs::read_to_string(&path).is_ok_and(|text| text.contains("\"sends\""));
    let outbox = Outbox::default();
    outbox.begin(Hands { may: Arc::new(may), ..hands(launch.path(), send) }, &targets, 0);
    outbox.put(&targets, &message(1));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(ids(&told), Vec::<String>::new());
    let deeds: Vec<Deed> = kept(launch.path()).iter().map(|line| line.deed).collect();
    assert_eq!(deeds, [Deed::Begins, Deed::Sends], "and nothing after it");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_the_plan_leaves_out_is_told_nothing_any_more_and_what_waited_is_counted_once() {
    let launch = tempfile::tempdir().expect("a folder");
    let (told, targets) = (Told::default(), [notify("bus", 100), notify("crew", 100)]);
    let send = wire(Instant::now(), &told, |_, _| Err(Cause::Refused));
    let outbox = Outbox::default();
    outbox.begin(hands(launch.path(), send), &targets, 0);
    (1..=3).for_each(|seq| outbox.put(&targets, &message(seq)));
    sleep(Duration::from_secs(10)).await;
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let left = &targets[1..];
    let reaches = hands(launch.path(), Arc::new(|_| unreachable!("nothing is sent"))).reaches;
    let reaches = reaches.into_iter().filter(|(id, _)| id.as_str() == "crew").collect();
    outbox.under(&client, &reaches, left);
    let bus = |outbox: &Outbox| outbox.standing().into_iter().find(|one| one.id.as_str() == "bus").expect("known");
    assert_eq!((bus(&outbox).waiting, bus(&outbox).dropped, bus(&outbox).failing), (0, 3, None));
    let words = bus(&outbox).words().expect("it is said");
    assert!(words.contains("it is no longer in the plan") && words.contains("3 of what"), "{words}");
    outbox.stop();
    while kept(launch.path()).last().is_none_or(|line| line.deed != Deed::Dropped) {
        sleep(Duration::from_millis(10)).await;
    }

    // The next console reads from the first record on, by the plan of then.
    let outbox = Outbox::default();
    let send = wire(Instant::now(), &told, |_, _| answer(200));
    outbox.begin(Hands { reaches, ..hands(launch.path(), send) }, left, 100);
    (1..=4).for_each(|seq| outbox.put(&targets, &message(seq)));
    settled(&outbox).await;
    let ids: Vec<String> = ids(&told).iter().map(|id| id.trim_end_matches('!').to_owned()).collect();
    assert_eq!(ids, wanted(1..=4), "the other target is told");
    assert_eq!((bus(&outbox).waiting, bus(&outbox).dropped, bus(&outbox).failing), (0, 4, None));
    assert_eq!(count(&kept(launch.path()), Deed::Dropped), 4);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_at_an_earlier_plan_fits_no_target_back_to_it() {
    let launch = tempfile::tempdir().expect("a folder");
    let told = Told::default();
    let (earlier, now) = (notify("bus", 1), Notify { title: "#renamed".to_owned(), ..notify("bus", 100) });
    let outbox = Outbox::default();
    outbox.begin(hands(launch.path(), wire(Instant::now(), &told, |_, _| answer(200))), &[now], 0);
    (1..=3).for_each(|seq| outbox.put(std::slice::from_ref(&earlier), &message(seq)));
    settled(&outbox).await;
    assert_eq!(outbox.standing()[0].called, "#renamed (webhook)");
    assert!(lock(&told).iter().all(|(at, _)| *at == 0), "by the limit of now: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_behind_something_that_was_not_taken_is_counted_once_over_a_restart() {
    let launch = tempfile::tempdir().expect("a folder");
    let (told, targets) = (Told::default(), [notify("bus", 100_000)]);
    let outbox = Outbox::default();
    outbox.begin(hands(launch.path(), wire(Instant::now(), &told, |_, _| Err(Cause::Refused))), &targets, 0);
    outbox.put(&targets, &message(1));
    sleep(Duration::from_millis(100)).await;
    (2..=1_004).for_each(|seq| outbox.put(&targets, &message(seq)));
    assert_eq!(outbox.standing()[0].dropped, 3);
    outbox.stop();
    while count(&kept(launch.path()), Deed::Dropped) < 3 {
        sleep(Duration::from_millis(10)).await;
    }
    let outbox = Outbox::default();
    outbox.begin(hands(launch.path(), wire(Instant::now(), &told, |_, _| answer(200))), &targets, 2_000);
    (1..=1_004).for_each(|seq| outbox.put(&targets, &message(seq)));
    settled(&outbox).await;
    assert_eq!(outbox.standing()[0].dropped, 3);
    assert_eq!(ids(&told).len(), 1_001);
    assert!(!ids(&told).contains(&wanted([2])[0]), "what was counted as dropped is not told after all");
}

#[tokio::test]
async fn an_answer_whose_body_never_ends_is_an_answer() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut asked = [0; 1_024];
        let _ = stream.read(&mut asked).await.expect("a request");
        stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nhalf").await.expect("sent");
        // Until whoever asked goes.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let request = Request { method: "POST".to_owned(), url, headers: Vec::new(), body: Some("{}".into()) };
    let answer = over(&client)(request).await.expect("an answer");
    assert_eq!(answer.status, 202);
    server.await.expect("it ended");
}
