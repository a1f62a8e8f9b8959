//! Pages are read back as they were written, and what is no page is none.

use proptest::prelude::*;

use super::*;

fn point(at: i64, taken: Taken) -> Point {
    Point { at: Instant(at), taken, generated: false }
}

fn look(at: i64, verdict: Verdict, took: u64) -> Point {
    point(at, Taken::Look { verdict, took: Duration::from_micros(took) })
}

fn any_point() -> impl Strategy<Value = Point> {
    let instance = || prop::option::of("[a-zé]{0,6}").prop_map(|name| name.map(|name| Arc::from(name.as_str())));
    let bounds = prop::collection::vec((prop::num::f64::NORMAL, prop::num::f64::NORMAL), 0..5);
    let taken = prop_oneof![
        (0_usize..6, any::<u32>()).prop_map(|(verdict, took)| {
            Taken::Look { verdict: LOOKS[verdict], took: Duration::from_micros(u64::from(took)) }
        }),
        (prop::num::f64::NORMAL, instance(), any::<Option<u64>>())
            .prop_map(|(value, instance, samples)| Taken::Number { value, instance, samples }),
        (bounds, instance()).prop_map(|(upto, instance)| Taken::Histogram { upto: upto.into(), instance }),
        Just(Taken::Nothing),
    ];
    let minutes = 7 * MINUTE..8 * MINUTE;
    (minutes, -100_000_i64..100_000, taken, any::<bool>()).prop_map(|(came, lag, taken, generated)| Point {
        at: Instant(came - lag),
        taken,
        generated,
    })
}

#[test]
fn a_look_is_seven_bytes() {
    let mut page = Page::new(3);
    for second in 0..60 {
        let at = 3 * MINUTE + second * 1_000;
        page.put(&look(at, Verdict::Pass, 12_345), Instant(at));
    }
    assert_eq!((page.len(), page.bytes(true).len()), (420, 420 + HEAD));
}

#[test]
fn who_watched_is_read_back_and_so_is_what_was_cut() {
    let mut page = Page::new(1);
    page.watched(Instant(59_000), Instant(64_000));
    page.cut = 9;
    let read = read(&page.bytes(false)).expect("whole");
    assert_eq!((read.minute, read.samples, read.cut, read.first), (1, 0, 9, false));
    assert_eq!(read.entries, [Entry::Watched(Instant(59_000), Instant(64_000))]);
}

proptest! {
    #[test]
    fn samples_are_read_back_as_they_were(points in prop::collection::vec((any_point(), 0_i64..MINUTE), 0..40)) {
        let mut page = Page::new(7);
        let mut wanted = Vec::new();
        for (point, within) in points {
            let came = Instant(7 * MINUTE + within);
            page.put(&point, came);
            wanted.push(Entry::Sample(point, came));
        }
        let bytes = page.bytes(true);
        let back = read(&bytes).expect("whole");
        prop_assert_eq!((back.entries, back.length, back.first), (wanted, bytes.len(), true));
    }

    #[test]
    fn a_page_that_was_torn_or_altered_is_none(
        points in prop::collection::vec(any_point(), 1..20),
        place in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let mut page = Page::new(7);
        points.iter().for_each(|point| page.put(point, Instant(7 * MINUTE)));
        let mut bytes = page.bytes(true);
        prop_assert_eq!(read(&bytes[..place.index(bytes.len())]), None);
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert_eq!(read(&bytes), None);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), sound in any::<bool>()) {
        let mut bytes = bytes;
        if sound && bytes.len() >= HEAD {
            // With a check that holds: the entries are hostile.
            let length = bytes.len() - HEAD;
            bytes[..2].copy_from_slice(&MAGIC);
            bytes[14..18].copy_from_slice(&u32::try_from(length).expect("small").to_le_bytes());
            let told = check(&bytes[..HEAD - CHECK], &bytes[HEAD..]);
            bytes[HEAD - CHECK..HEAD].copy_from_slice(&told);
        }
        let _ = read(&bytes);
    }
}
