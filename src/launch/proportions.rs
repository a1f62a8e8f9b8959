//! What counts say of the shares behind them: score intervals for one share and for the difference of two. Only
//! sums, products, quotients and square roots, so that every machine comes to the same bits.

/// The interval that Wilson's score test does not reject for `hits` of `of`, `z` standard deviations wide.
#[must_use]
pub fn wilson(hits: u64, of: u64, z: f64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (count, share) = (of as f64, hits.min(of) as f64 / of as f64);
    let square = z * z;
    let middle = share + square / (2.0 * count);
    let half = z * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    let by = 1.0 + square / count;
    let (low, high) = ((middle - half) / by, (middle + half) / by);
    // Of none, and of all, the bound is exact; a last bit must not make it more.
    (if hits == 0 { 0.0 } else { low.max(0.0) }, if hits >= of { 1.0 } else { high.min(1.0) })
}

/// Newcombe's hybrid score interval for the difference of two shares, the first less the second, each given as
/// hits and samples.
#[must_use]
pub fn difference(first: (u64, u64), second: (u64, u64), z: f64) -> (f64, f64) {
    let share = |(hits, of): (u64, u64)| if of == 0 { 0.0 } else { hits.min(of) as f64 / of as f64 };
    let (p, q) = (share(first), share(second));
    let ((p_low, p_high), (q_low, q_high)) = (wilson(first.0, first.1, z), wilson(second.0, second.1, z));
    let root = |a: f64, b: f64| (a * a + b * b).sqrt();
    let between = p - q;
    (between - root(p - p_low, q_high - q), between + root(p_high - p, q - q_low))
}

/// How many standard deviations a normal deviate stays below with probability `p`, to six decimals.
///
/// By halving, over the series of the error function: no logarithm, whose last bit differs between machines.
#[must_use]
pub fn deviations(p: f64) -> f64 {
    let (mut low, mut high) = (-6.0, 6.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if below(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * 1e6).round() / 1e6
}

/// The share of a normal distribution below `z`.
fn below(z: f64) -> f64 {
    // Marsaglia's series: z + z³/3 + z⁵/15 + …, times the density.
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    for _ in 0..400 {
        odd += 2.0;
        term *= z * z / odd;
        let next = sum + term;
        if next == sum {
            break;
        }
        sum = next;
    }
    0.5 + sum * density(z)
}

/// `exp(-z²/2) / √(2π)`; the exponential by its own series at a 1024th of the way, squared ten times.
fn density(z: f64) -> f64 {
    let x = -z * z / 2.0 / 1024.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for place in 1..20 {
        term *= x / f64::from(place);
        sum += term;
    }
    for _ in 0..10 {
        sum *= sum;
    }
    sum * 0.398_942_280_401_432_7
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(seen: (f64, f64), wanted: (f64, f64)) {
        let close = |a: f64, b: f64| (a - b).abs() < 6e-5;
        assert!(close(seen.0, wanted.0) && close(seen.1, wanted.1), "{seen:?} {wanted:?}");
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in [(0.5, 0.0), (0.95, 1.644_854), (0.975, 1.959_964), (0.999, 3.090_232), (0.9999, 3.719_016)] {
            assert!((deviations(p) - z).abs() < 1.5e-6, "{p}: {}", deviations(p));
            assert!((deviations(1.0 - p) + z).abs() < 1.5e-6, "{p}");
        }
    }

    /// Newcombe 1998, tables of "Interval estimation for the difference between independent proportions", method 10.
    #[test]
    fn intervals_are_those_of_the_paper() {
        let z = deviations(0.975);
        near(difference((56, 70), (48, 80), z), (0.0524, 0.3339));
        near(difference((9, 10), (3, 10), z), (0.1705, 0.8090));
        near(difference((6, 7), (2, 7), z), (0.0582, 0.8062));
        near(difference((5, 56), (0, 29), z), (-0.0381, 0.1926));
        near(difference((0, 10), (0, 20), z), (-0.1611, 0.2775));
        near(difference((10, 10), (0, 10), z), (0.6075, 1.0));
        near(wilson(81, 263, z), (0.2553, 0.3662));
        near(wilson(0, 20, z), (0.0, 0.1611));
        near(wilson(0, 0, z), (0.0, 1.0));
    }
}
