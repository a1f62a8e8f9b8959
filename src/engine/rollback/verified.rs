//! The checks that alone turn a rollback green, looked at in rounds until each held for as long as it must, and all of
//! them at the end. It tells facts and keeps nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::run::Look;
use crate::base::boundary::reach;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::plan::Verify;
use crate::launch::verdict::{Report, Verdict};

/// Between two rounds of checks that are not through yet.
pub(super) const AGAIN: Duration = Duration::from_millis(250);
/// What passed longer ago is looked at once more before the end: the slowest check may take minutes.
const RECENT: Duration = Duration::from_secs(5);
/// What a check may take beyond its own timeout before it counts as hung.
const HUNG: Duration = Duration::from_secs(5);

/// Rounds over the checks that are not through, in the order of the plan, until each held for as long as it must, or its
/// time is over. Each is looked at once at least; what was through long before the last is looked at once more.
pub(super) async fn run(checks: &[Verify], look: &impl Look, tell: &mut impl FnMut(RollbackFact)) -> RollbackEnd {
    let mut courses: Vec<Course<'_>> = checks.iter().map(Course::new).collect();
    let mut looked_back = false;
    loop {
        for course in courses.iter_mut().filter(|course| course.is_open()) {
            course.step(look, tell).await;
        }
        if courses.iter().any(Course::is_open) {
            sleep(AGAIN).await;
            continue;
        }
        let failed: Vec<_> = courses.iter().filter(|course| course.state == State::Failed).collect();
        if !failed.is_empty() || checks.is_empty() {
            // A rollback nobody can verify is not verified.
            return RollbackEnd::NotVerified { checks: failed.iter().map(|course| course.check.id.clone()).collect() };
        }
        if looked_back || !courses.iter().any(Course::is_old) {
            return RollbackEnd::Verified;
        }
        looked_back = true;
        courses.iter_mut().filter(|course| course.is_old()).for_each(Course::reopen);
    }
}

/// One look, given up on where it hangs.
pub(super) async fn looked_at(check: &Verify, look: &impl Look) -> Report {
    let patience = check.timeout + HUNG;
    let hung = |_| Report::plain(Verdict::Unknown, "the check did not end", patience);
    timeout(patience, look.look(check)).await.unwrap_or_else(hung)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// It held for as long as it must, last seen then.
    Through(Instant),
    Failed,
}

struct Course<'check> {
    check: &'check Verify,
    state: State,
    /// Since when it is tried.
    began: Instant,
    /// Since when every look passed.
    holds_since: Option<Instant>,
    told: Option<(Verdict, String)>,
}

impl<'check> Course<'check> {
    fn new(check: &'check Verify) -> Self {
        Self { check, state: State::Open, began: Instant::now(), holds_since: None, told: None }
    }

    fn is_open(&self) -> bool {
        self.state == State::Open
    }

    fn is_old(&self) -> bool {
        matches!(self.state, State::Through(at) if at.elapsed() > RECENT)
    }

    /// One look more decides, where it still holds; else it has all its time again.
    fn reopen(&mut self) {
        self.state = State::Open;
        self.began = Instant::now();
    }

    async fn step(&mut self, look: &impl Look, tell: &mut impl FnMut(RollbackFact)) {
        let asked = Instant::now();
        let mut report = looked_at(self.check, look).await;
        let over = self.began.elapsed() >= self.check.within;
        if report.verdict == Verdict::Pass {
            let since = *self.holds_since.get_or_insert(asked);
            if since.elapsed() >= self.check.lasts {
                self.state = State::Through(Instant::now());
            } else {
                // What has begun to hold has the time to show it.
                report.verdict = Verdict::Unknown;
                report.summary =
                    format!("passes, and counts once it did for {}", humantime::format_duration(self.check.lasts));
            }
        } else {
            self.holds_since = None;
            if over {
                self.state = State::Failed;
            }
        }
        // A check that is tried for minutes tells what changed, not every try.
        let now = (report.verdict, report.summary.clone());
        if self.told.as_ref() != Some(&now) || self.state == State::Failed {
            self.told = Some(now);
            tell(RollbackFact::Verified { check: self.check.id.clone(), report });
            reach("rollback-verified");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;
    use crate::launch::id::ItemId;
    use crate::launch::plan::SpecId;

    /// Answers each check by the look's number, and takes the time it is told to.
    struct Answers<F> {
        looks: RefCell<BTreeMap<ItemId, u32>>,
        answer: F,
    }

    impl<F: Fn(&str, u32) -> (Verdict, Duration)> Look for Answers<F> {
        async fn look(&self, check: &Verify) -> Report {
            let count = {
                let mut looks = self.looks.borrow_mut();
                let count = looks.entry(check.id.clone()).or_default();
                *count += 1;
                *count
            };
            let (verdict, took) = (self.answer)(check.id.as_str(), count);
            sleep(took).await;
            Report::plain(verdict, "seen", took)
        }
    }

    fn check(id: &str, lasts: u64) -> Verify {
        Verify {
            id: ItemId::new(id),
            title: String::new(),
            spec: SpecId(0),
            timeout: Duration::from_secs(200),
            within: Duration::from_secs(60),
            lasts: Duration::from_secs(lasts),
        }
    }

    struct Ran {
        end: RollbackEnd,
        told: Vec<(String, Verdict)>,
        took: Duration,
    }

    async fn ran(checks: &[Verify], answer: impl Fn(&str, u32) -> (Verdict, Duration)) -> Ran {
        let look = Answers { looks: RefCell::default(), answer };
        let (mut told, began) = (Vec::new(), Instant::now());
        let mut tell = |fact| {
            if let RollbackFact::Verified { check, report } = fact {
                told.push((check.to_string(), report.verdict));
            }
        };
        let end = run(checks, &look, &mut tell).await;
        Ran { end, told, took: began.elapsed() }
    }

    fn told(told: &[(&str, Verdict)]) -> Vec<(String, Verdict)> {
        told.iter().map(|(id, verdict)| ((*id).to_owned(), *verdict)).collect()
    }

    const NOW: Duration = Duration::from_millis(5);

    #[tokio::test(start_paused = true)]
    async fn one_good_answer_in_five_verifies_nothing_that_must_hold() {
        let answer = |_: &str, look: u32| (if look.is_multiple_of(5) { Verdict::Pass } else { Verdict::Fail }, NOW);
        let once = ran(&[check("api", 0)], answer).await;
        assert_eq!(once.end, RollbackEnd::Verified, "without `for` the fifth look is enough");
        let held = ran(&[check("api", 10)], answer).await;
        assert_eq!(held.end, RollbackEnd::NotVerified { checks: vec![ItemId::new("api")] });
        assert!(held.took >= Duration::from_secs(60) && held.took < Duration::from_secs(62), "{:?}", held.took);
        assert!(held.told.iter().all(|(_, verdict)| *verdict != Verdict::Pass), "a pass is told once it counts");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_counts_once_it_held() {
        let answer = |_: &str, look: u32| (if look > 4 { Verdict::Pass } else { Verdict::Fail }, NOW);
        let ran = ran(&[check("api", 10)], answer).await;
        assert_eq!(ran.end, RollbackEnd::Verified);
        assert_eq!(ran.told, told(&[("api", Verdict::Fail), ("api", Verdict::Unknown), ("api", Verdict::Pass)]));
        assert!(ran.took >= Duration::from_secs(11), "a second of failing, ten of passing: {:?}", ran.took);
    }

    #[tokio::test(start_paused = true)]
    async fn what_begins_to_hold_before_its_time_is_over_may_go_on() {
        let late = |_: &str, look: u32| (if look > 230 { Verdict::Pass } else { Verdict::Fail }, NOW);
        let ran = ran(&[check("api", 10)], late).await;
        assert_eq!(ran.end, RollbackEnd::Verified);
        assert!(ran.took > Duration::from_secs(65), "{:?}", ran.took);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_good_minutes_ago_is_looked_at_once_more() {
        let slow = Duration::from_secs(120);
        let gone = |id: &str, look: u32| match id {
            "chat" => (Verdict::Pass, slow),
            _ => (if look == 1 { Verdict::Pass } else { Verdict::Fail }, NOW),
        };
        let checks = [check("api", 0), check("chat", 0)];
        let lost = ran(&checks, gone).await;
        assert_eq!(lost.end, RollbackEnd::NotVerified { checks: vec![ItemId::new("api")] });
        let wanted = [("api", Verdict::Pass), ("chat", Verdict::Pass), ("api", Verdict::Fail), ("api", Verdict::Fail)];
        assert_eq!(lost.told, told(&wanted));

        let stays = |id: &str, _: u32| (Verdict::Pass, if id == "chat" { slow } else { NOW });
        let kept = ran(&checks, stays).await;
        assert_eq!((kept.end, kept.told), (RollbackEnd::Verified, told(&wanted[..2])));
        assert!(kept.took < slow + RECENT, "the slow one is not asked twice: {:?}", kept.took);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_check_nothing_is_verified() {
        let ran = ran(&[], |_, _| (Verdict::Pass, NOW)).await;
        assert_eq!(ran.end, RollbackEnd::NotVerified { checks: Vec::new() });
    }
}
