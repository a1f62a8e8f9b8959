//! Blocks on disk: written, sealed, found again, torn, altered, missing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::found::look;
use super::keeper::{Pages, files};
use super::page::{LARGEST, Page};
use super::*;
use crate::launch::command::Observation;
use crate::launch::id::SignalId;
use crate::launch::time::Instant;
use crate::launch::verdict::Verdict;
use crate::watch::point::{Point, Taken};

fn looked(at: i64) -> Point {
    let taken = Taken::Look { verdict: Verdict::Pass, took: Duration::from_millis(3) };
    Point { at: Instant(at), taken, generated: false }
}

fn page(signal: &str, at: &[i64]) -> (SignalId, Page) {
    let mut page = Page::new(at[0].div_euclid(MINUTE));
    at.iter().for_each(|at| page.put(&looked(*at), Instant(*at)));
    (signal.into(), page)
}

fn vouched(sealed: Sealed) -> Vouched {
    let mut vouched = Vouched::default();
    sealed.into_iter().for_each(|(minute, blocks)| vouched.take(Instant(minute * MINUTE), &blocks));
    vouched
}

#[test]
fn each_console_has_files_of_its_own_and_nobody_else_can_read_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().expect("a folder");
    let all = place.path().join("samples");
    let (mut first, mut second) = (Keeper::new(all.clone()), Keeper::new(all.clone()));
    first.keep(vec![page("api", &[0, 1_000])], 0).expect("kept");
    second.keep(vec![page("api", &[5_000])], 0).expect("kept");
    // One that was taken over wakes up.
    first.keep(vec![page("api", &[9_000]), page("api", &[61 * MINUTE])], 61).expect("kept");
    let names: Vec<_> = files(&all).iter().map(|path| path.strip_prefix(&all).expect("inside").to_owned()).collect();
    assert_eq!(names, ["api/000000-0", "api/000000-1", "api/000001-0"].map(Path::new));
    for path in files(&all).iter().chain([&all]) {
        let mode = std::fs::metadata(path).expect("there").permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{}", path.display());
    }
}

#[test]
fn a_minute_is_sealed_once_it_is_over_and_found_again_by_its_hash() {
    let place = tempfile::tempdir().expect("a folder");
    let mut keeper = Keeper::new(place.path().to_owned());
    let pages: Pages = vec![page("api", &[0, 1_000]), page("web", &[2_000]), page("api", &[59_999])];
    assert!(keeper.keep(pages, 0).expect("kept").is_empty(), "its minute goes on");
    let sealed = keeper.keep(vec![page("api", &[60_000])], 1).expect("kept");
    let told: Vec<_> = sealed[&0].iter().map(|block| (block.signal.as_str(), block.samples)).collect();
    assert_eq!((sealed.len(), told), (1, vec![("api", 3), ("web", 1)]));
    let vouched = vouched(sealed);
    let found = look(&place.path(), &"api".into(), 0, &vouched);
    let minutes: Vec<_> = found.blocks.iter().map(|block| (block.minute, block.samples, block.sealed)).collect();
    assert_eq!(minutes, [(0, 3, true), (1, 1, false)]);
    assert_eq!(found.blocks[0].entries().count(), 3);
}

#[test]
fn a_torn_end_costs_itself_and_a_block_that_is_gone_is_missing() {
    let place = tempfile::tempdir().expect("a folder");
    let mut keeper = Keeper::new(place.path().to_owned());
    let mut all = Sealed::new();
    for minute in 0..4 {
        let pages = vec![page("api", &[minute * MINUTE, minute * MINUTE + 5_000])];
        all.extend(keeper.keep(pages, minute).expect("kept"));
    }
    let vouched = vouched(all);
    let file = place.path().join("api/000000-0");
    let whole = std::fs::read(&file).expect("read");
    std::fs::write(&file, &whole[..whole.len() - 3]).expect("written");
    let found = look(&place.path(), &"api".into(), 0, &vouched);
    assert_eq!((found.blocks.len(), found.torn.len(), found.missing.len()), (3, 1, 0));
    // The whole end, up to the middle of minute 1.
    std::fs::write(&file, &whole[..whole.len() / 3]).expect("written");
    let found = look(&place.path(), &"api".into(), 0, &vouched);
    assert_eq!((found.blocks.len(), &found.missing[..]), (1, &[1, 2][..]));
    let audited = audit(&place.path(), &vouched);
    assert_eq!(audited.wrong.len(), 2);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(look(&place.path(), &"api".into(), 0, &vouched).missing, [0, 1, 2]);
}

#[test]
fn blocks_that_no_record_tells_of_are_one_line_however_many() {
    let place = tempfile::tempdir().expect("a folder");
    let mut keeper = Keeper::new(place.path().to_owned());
    let all: Pages = (0..300).map(|minute| page("api", &[minute * MINUTE])).collect();
    let mut sealed = keeper.keep(all, 200).expect("kept");
    let audited = audit(&place.path(), &vouched(sealed.clone()));
    assert_eq!(audited.notices, [(String::new(), "1 block is in no record yet: what a console kept last".to_owned())]);
    // Of some in the middle no record tells, and of the last hundred.
    sealed.retain(|minute, _| *minute < 50 || *minute == 199);
    let audited = audit(&place.path(), &vouched(sealed));
    let told: Vec<&str> = audited.notices.iter().map(|(_, what)| what.as_str()).collect();
    let untold = "no record tells of its samples of api of minute 50, nor of 148 blocks more: nobody believes them";
    assert_eq!(told, [untold, "100 blocks are in no record yet: what a console kept last"]);
    assert_eq!(audited.wrong, []);
}

#[test]
fn a_disk_that_stands_still_costs_bounded_memory_and_what_is_lost_is_counted() {
    let mut pending = Pending::default();
    let signal = SignalId::new("api");
    // Two thousand samples a second, for two minutes.
    for at in 0..240_000 {
        pending.put(&signal, &looked(at / 2), Instant(at / 2));
    }
    let pages = pending.take();
    let (kept, cut) = pages.iter().fold((0_u64, 0_u64), |(kept, cut), (_, page)| {
        assert!(page.len() <= LARGEST, "{}", page.len());
        (kept + u64::from(page.samples), cut + u64::from(page.cut))
    });
    assert_eq!(kept + cut, 240_000);
    assert!(cut > 0 && kept * 7 <= 2 << 20, "{kept}");
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("file"), "").expect("written");
    let mut keeper = Keeper::new(place.path().join("file"));
    let many = |at: i64| page("api", &vec![at; 100_000]);
    for minute in 0..16 {
        keeper.keep(vec![many(minute * MINUTE)], minute).expect_err("no folder");
    }
    assert!(keeper.waits() <= 8 << 20, "{}", keeper.waits());
}

#[tokio::test]
async fn the_thread_writes_by_itself_and_ends_when_it_is_left() {
    let place = tempfile::tempdir().expect("a folder");
    let all = place.path().join("samples");
    let readings = Readings::new(Arc::new(|| Instant(70_000)), &crate::launch::plan::Plan::default());
    readings.keep_in(all.clone()).expect("a thread");
    readings.intake().take(&"monitor.api".into(), looked(70_000));
    readings.leave().await;
    assert_eq!(files(&all).iter().filter(|path| path.ends_with("monitor.api/000000-0")).count(), 1);
}

#[tokio::test]
async fn what_a_closed_launch_kept_last_is_sealed_and_a_console_that_leaves_keeps_its_block_open() {
    for close in [false, true] {
        let place = tempfile::tempdir().expect("a folder");
        let readings = Readings::new(Arc::new(|| Instant(70_000)), &crate::launch::plan::Plan::default());
        readings.keep_in(place.path().join("samples")).expect("a thread");
        readings.intake().take(&"monitor.api".into(), looked(70_000));
        if close {
            readings.close().await;
        } else {
            readings.leave().await;
        }
        let mut vouched = Vouched::default();
        let sealed = readings.sealed();
        for told in &sealed {
            let Observation::SamplesKept { minute, blocks } = told else { panic!("of another kind") };
            vouched.take(*minute, blocks);
        }
        let of_it = sealed.iter().any(|told| {
            matches!(told, Observation::SamplesKept { blocks, .. }
                if blocks.iter().any(|block| block.signal.as_str() == "monitor.api"))
        });
        assert_eq!(of_it, close);
        let audited = audit(&place.path().join("samples").as_path(), &vouched);
        assert_eq!(audited.notices, [], "close: {close}");
    }
}

#[test]
fn a_file_of_more_blocks_than_an_hour_has_is_not_read_to_its_end() {
    let place = tempfile::tempdir().expect("a folder");
    let all = place.path();
    let folder = all.join("api");
    std::fs::create_dir_all(&folder).expect("made");
    // Blocks without a sample, the cheapest to write: each would be held.
    let page = Page::new(0).bytes(true);
    std::fs::write(folder.join("000000-0"), page.repeat(5_000)).expect("written");
    let found = look(&all, &"api".into(), i64::MIN, &Vouched::default());
    assert_eq!(found.blocks.len(), 1_000);
    assert_eq!(found.torn, [("api/000000-0".to_owned(), 4_000 * page.len())]);
}
