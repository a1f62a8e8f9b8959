//! Buckets that nothing is expected for any more, in few bytes: a day of them is kept for each objective, and one
//! with a percentile would take a kilobyte every minute. What comes out is what went in; nothing here reads them.

use super::bucket::Bucket;

/// Buckets by their number, ascending.
#[derive(Debug, Clone)]
pub(super) enum Packed {
    Bytes(Box<[u8]>),
    /// Did not come out as they went in: kept as they are.
    Plain(Box<[(i64, Bucket)]>),
}

impl Packed {
    pub fn new(buckets: Vec<(i64, Bucket)>) -> Self {
        let packed = postcard::to_allocvec(&buckets).ok().map(Vec::into_boxed_slice).map(Self::Bytes);
        match packed.filter(|packed| packed.all() == buckets) {
            Some(packed) => packed,
            None => Self::Plain(buckets.into_boxed_slice()),
        }
    }

    pub fn all(&self) -> Vec<(i64, Bucket)> {
        match self {
            // What cannot be read is not kept so: see `new`.
            Self::Bytes(bytes) => postcard::from_bytes(bytes).unwrap_or_default(),
            Self::Plain(buckets) => buckets.to_vec(),
        }
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Plain(buckets) => size_of_val(&**buckets),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bucket::Level;
    use super::*;
    use crate::launch::time::Instant;

    prop_compose! {
        fn bucket()(
            counts in any::<(u64, u64, u64, u64)>(),
            newest in any::<Option<i64>>(),
            level in any::<Option<(i64, f64, Option<u64>)>>(),
            growth in any::<f64>(),
            generated in any::<bool>(),
            refused in any::<Option<i64>>(),
            values in prop::collection::vec(any::<f64>(), 0..5),
        ) -> Bucket {
            let mut bucket = Bucket {
                of: counts.0,
                against: counts.1,
                untold: counts.2,
                newest: newest.map(Instant),
                level: level.map(|(at, value, samples)| Level { at: Instant(at), value, samples }),
                growth,
                resets: counts.3,
                generated,
                refused: refused.map(Instant),
                sketch: None,
            };
            for value in values {
                bucket.sketch.get_or_insert_default().add(value);
            }
            bucket
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_what_went_in(buckets in prop::collection::vec((any::<i64>(), bucket()), 0..70)) {
            let came_out = Packed::new(buckets.clone()).all();
            // By its words: no number equals one that is none.
            prop_assert_eq!(format!("{came_out:?}"), format!("{buckets:?}"));
        }
    }
}
