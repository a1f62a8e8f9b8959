//! What an audit promises: no mutation of a sound chain passes, and each is named where it is.

use proptest::prelude::*;

use super::audit::{Audit, Told};
use super::chain::{Hash, Head, Link};
use super::finding::{Finding, Span};
use super::samples;
use crate::launch::event::Recorded;

const LENGTH: u64 = 9;

fn sound() -> Vec<Link> {
    samples::links(LENGTH)
}

fn head(links: &[Link]) -> Option<Head> {
    links.last().map(|link| Head { seq: link.seq, hash: link.hash })
}

fn audit(links: &[Link], synced: Option<Head>) -> Told {
    let mut audit = Audit::new(synced);
    links.iter().all(|link| audit.take(link, &mut |_: Recorded| {}));
    audit.end()
}

fn told(links: &[Link], synced: Option<Head>) -> Vec<String> {
    audit(links, synced).findings.iter().map(ToString::to_string).collect()
}

/// Puts what is kept at two places each into the other's.
fn swap(links: &mut [Link], one: usize, other: usize) {
    links.swap(one, other);
    (links[one].seq, links[other].seq) = (links[other].seq, links[one].seq);
}

#[test]
fn a_sound_chain_is_told_whole_with_its_ends() {
    let links = sound();
    let mut seen = Vec::new();
    let mut audit = Audit::new(head(&links));
    assert!(links.iter().all(|link| audit.take(link, &mut |record: Recorded| seen.push(record.seq))));
    let told = audit.end();
    let first = head(&links[..1]);
    let wanted = Told {
        count: LENGTH,
        first,
        last: head(&links).expect("a last"),
        findings: vec![],
        newer: vec![],
        unproven: vec![],
    };
    assert_eq!(told, wanted);
    assert_eq!(seen, (1..=LENGTH).collect::<Vec<_>>());
    assert_eq!(self::audit(&[], None), Told::default());
    assert_eq!(self::audit(&[], Some(Head::default())), Told::default());
}

#[test]
fn every_damage_has_its_own_words() {
    let links = sound();
    let synced = head(&links);
    let changed = |change: &dyn Fn(&mut Vec<Link>)| {
        let mut links = sound();
        change(&mut links);
        told(&links, synced)
    };
    for (wanted, change) in [
        (
            "record 5 was altered (or record 4 was, and its hash made anew)",
            &(|links: &mut Vec<Link>| links[4].bytes[3] ^= 1) as &dyn Fn(&mut Vec<Link>),
        ),
        ("record 1 was altered", &|links| links[0].bytes[3] ^= 1),
        ("record 5 has another hash beside it than that of its bytes, which are as they were written", &|links| {
            links[4].hash.0[0] ^= 1;
        }),
        ("record 9 has another hash beside it than that of its bytes, which are as they were written", &|links| {
            links[8].hash.0[0] ^= 1;
        }),
        ("records 3 to 5 are missing", &|links| drop(links.drain(2..5))),
        ("records 1 and 2 are missing", &|links| drop(links.drain(..2))),
        ("records 5 and 6 changed places", &|links| swap(links, 4, 5)),
        ("records 1 and 9 changed places", &|links| swap(links, 0, 8)),
        ("the tail after record 7 was cut: the head says 9", &|links| links.truncate(7)),
        ("every record was cut off: the head says 9", &|links| links.clear()),
        ("record 4 is there twice", &|links| links.insert(4, sound().swap_remove(3))),
        ("there is a record at a place that no record has", &|links| {
            let mut foreign = sound().swap_remove(3);
            foreign.seq = 0;
            links.insert(0, foreign);
        }),
        ("the record at place 10 says that it is record 4", &|links| {
            let copy = Link { seq: 10, ..sound().swap_remove(3) };
            links.push(copy);
        }),
        (
            "record 10, the last, is damaged, and the head file had not confirmed it: whether something was done on its \
          strength cannot be told, and the next console cuts it off",
            &|links| {
                links.push(Link { seq: 10, hash: Hash::default(), bytes: b"{".to_vec() });
            },
        ),
        ("the records at places 4 to 8 say that they are records 5 to 9", &|links| {
            links.remove(3);
            links.iter_mut().zip(1..).for_each(|(link, seq)| link.seq = seq);
            links.push(Link { seq: 9, hash: head(&sound()).expect("a head").hash, bytes: b"{}".to_vec() });
        }),
        ("record 2 stands behind record 3", &|links| links.swap(1, 2)),
        ("the chain up to record 9 was made anew: the head file holds another hash of that record", &|links| {
            *links = samples::chain((1..=LENGTH).map(|seq| samples::recorded(seq, samples::noted("forged"))));
        }),
    ] {
        let found = changed(change);
        assert!(found.iter().any(|found| found == wanted), "{wanted}: {found:#?}");
    }
}

#[test]
fn one_break_hides_no_other() {
    let mut links = sound();
    links[1].bytes[3] ^= 1;
    links[7].bytes[3] ^= 1;
    links.remove(4);
    let told = audit(&links, None);
    let missing = Finding::Missing(Span::one(5));
    let altered = [2, 8].map(|seq| Finding::Altered(Span::one(seq)));
    assert_eq!(told.findings, [altered[0].clone(), missing, altered[1].clone()]);
    assert_eq!(told.unproven, [Span::one(6)], "nothing vouches for the one behind the gap");
}

#[test]
fn sound_records_that_are_no_records_or_newer_are_told() {
    let mut links = sound();
    for bytes in [br#"{"v":2}"#.as_slice(), b"[]"] {
        let next = head(&links).expect("a head").then(bytes);
        links.push(Link { seq: next.seq, hash: next.hash, bytes: bytes.to_vec() });
    }
    let told = audit(&links, head(&links));
    assert!(matches!(&told.newer[..], [(10, why)] if why.contains("version 2")), "{told:?}");
    assert!(matches!(&told.findings[..], [Finding::Unreadable { seq: 11, .. }]), "{told:?}");
}

#[test]
fn what_has_no_end_of_damage_is_left_after_a_while() {
    let mut looked = 0;
    let mut audit = Audit::new(None);
    let one = sound().swap_remove(0);
    while audit.take(&one, &mut |_: Recorded| {}) {
        looked += 1;
        assert!(looked < 10_000, "it goes on for ever");
    }
    assert!(audit.end().findings.contains(&Finding::TooMany));
}

/// One thing done to a chain, and the records of which one must be named.
#[derive(Debug, Clone)]
enum Mutation {
    Byte(usize, usize, u8),
    Hash(usize, usize, u8),
    Seq(usize, u64),
    Delete(usize),
    DeleteAndMoveUp(usize),
    Swap(usize, usize),
    SwapBytes(usize, usize),
    Truncate(usize),
    Duplicate(usize, usize),
    Insert(usize),
    Replace(usize),
    Append,
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..LENGTH as usize;
    let pair = (at.clone(), at.clone()).prop_filter("two", |(one, other)| one != other);
    prop_oneof![
        3 => (at.clone(), any::<usize>(), 1..=255u8).prop_map(|(of, at, with)| Mutation::Byte(of, at, with)),
        2 => (at.clone(), 0..32usize, 1..=255u8).prop_map(|(of, at, with)| Mutation::Hash(of, at, with)),
        2 => (at.clone(), prop_oneof![0..40u64, any::<u64>()]).prop_map(|(of, seq)| Mutation::Seq(of, seq)),
        1 => at.clone().prop_map(Mutation::Delete),
        1 => at.clone().prop_map(Mutation::DeleteAndMoveUp),
        2 => pair.clone().prop_map(|(one, other)| Mutation::Swap(one, other)),
        1 => pair.prop_map(|(one, other)| Mutation::SwapBytes(one, other)),
        1 => at.clone().prop_map(Mutation::Truncate),
        1 => (at.clone(), at.clone()).prop_map(|(of, at)| Mutation::Duplicate(of, at)),
        1 => at.clone().prop_map(Mutation::Insert),
        1 => at.prop_map(Mutation::Replace),
        1 => Just(Mutation::Append),
    ]
}

fn foreign(seq: u64) -> Link {
    let other = samples::chain((1..=seq).map(|seq| samples::recorded(seq, samples::noted("of another launch"))));
    other.into_iter().next_back().expect("one")
}

/// Does it, and says which records it touched, from 1. None where it changed nothing.
fn apply(links: &mut Vec<Link>, mutation: &Mutation) -> Option<Vec<u64>> {
    let before = links.clone();
    let seq = |index: usize| index as u64 + 1;
    let renumber = |links: &mut Vec<Link>| links.iter_mut().zip(1..).for_each(|(link, seq)| link.seq = seq);
    let touched = match *mutation {
        Mutation::Byte(of, at, with) => {
            let at = at % links[of].bytes.len();
            links[of].bytes[at] ^= with;
            vec![seq(of)]
        }
        Mutation::Hash(of, at, with) => {
            links[of].hash.0[at] ^= with;
            vec![seq(of)]
        }
        Mutation::Seq(of, to) => {
            links[of].seq = to;
            // A store gives them in their order.
            links.sort_by_key(|link| link.seq);
            vec![seq(of), to]
        }
        Mutation::Delete(of) => {
            links.remove(of);
            vec![seq(of)]
        }
        Mutation::DeleteAndMoveUp(of) => {
            links.remove(of);
            renumber(links);
            vec![seq(of)]
        }
        Mutation::Swap(one, other) => {
            swap(links, one, other);
            vec![seq(one), seq(other)]
        }
        Mutation::SwapBytes(one, other) => {
            let bytes = links[one].bytes.clone();
            links[one].bytes = std::mem::replace(&mut links[other].bytes, bytes);
            vec![seq(one), seq(other)]
        }
        Mutation::Truncate(to) => {
            links.truncate(to);
            vec![seq(to)]
        }
        Mutation::Duplicate(of, at) => {
            links.insert(at, links[of].clone());
            renumber(links);
            vec![seq(at), seq(at) + 1]
        }
        Mutation::Insert(at) => {
            links.insert(at, foreign(seq(at)));
            renumber(links);
            vec![seq(at), seq(at) + 1]
        }
        Mutation::Replace(at) => {
            links[at] = foreign(seq(at));
            // The first of another chain is sound by itself: it is the second that does not follow.
            if at == 0 { vec![1, 2] } else { vec![seq(at)] }
        }
        Mutation::Append => {
            let next = links.len() as u64 + 1;
            links.push(foreign(next));
            vec![next]
        }
    };
    (*links != before).then_some(touched)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_mutation_passes_and_each_is_named_where_it_is(mutation in any_mutation()) {
        let mut links = sound();
        let synced = head(&links);
        let Some(touched) = apply(&mut links, &mutation) else { return Ok(()) };
        let told = audit(&links, synced);
        let named = |seq: &u64| told.findings.iter().filter_map(Finding::records).any(|span| span.holds(*seq));
        prop_assert!(touched.iter().any(named), "{mutation:?}: {touched:?}: {told:?}");
        // What is said of others is only that they moved, or that nothing proves them.
        let also = |finding: &Finding| match finding {
            Finding::Altered(span) | Finding::HashAltered(span) => (span.from..=span.to).all(|seq| touched.contains(&seq)),
            _ => true,
        };
        prop_assert!(told.findings.iter().all(also), "{mutation:?}: {touched:?}: {told:?}");
    }

    #[test]
    fn no_two_mutations_pass_or_make_it_panic(mutations in prop::collection::vec(any_mutation(), 2..5)) {
        let mut links = sound();
        let synced = head(&links);
        for mutation in &mutations {
            let fits = |at: usize| at < links.len();
            let there = match mutation {
                Mutation::Swap(one, other) | Mutation::SwapBytes(one, other) | Mutation::Duplicate(one, other) => {
                    fits(*one) && fits(*other)
                }
                Mutation::Byte(at, ..) | Mutation::Hash(at, ..) | Mutation::Seq(at, _) => fits(*at),
                Mutation::Delete(at) | Mutation::DeleteAndMoveUp(at) | Mutation::Replace(at) => fits(*at),
                Mutation::Insert(at) => fits(*at),
                Mutation::Truncate(_) | Mutation::Append => true,
            };
            if there && links.iter().all(|link| !link.bytes.is_empty()) {
                apply(&mut links, mutation);
            }
        }
        let whole = links == sound();
        prop_assert_eq!(audit(&links, synced).findings.is_empty(), whole, "{:?}", mutations);
    }
}
