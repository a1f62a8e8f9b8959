//! Finishing: promote, verify the version, and only then take the canary away. While it is there it may be the
//! canary that answers, so what is served is verified again without it; where that fails it gets back what it
//! had.

use super::Traffic;
use super::course::{Course, Hand, Stopped};
use super::gauge::Wanted;
use super::promote::promote;

pub(super) async fn finish(course: &mut Course<'_>, traffic: &Traffic) -> Result<String, Stopped> {
    let (Some(how), Some(verify)) = (&traffic.promote, &traffic.verify) else { return Err(Stopped) };
    let had = course.gauge().await?;
    course.cx.say(&format!("the canary has {}; promoting", had.words()));
    let stays = |course: &Course<'_>| course.cx.say(&format!("the canary stays as it is: {}", had.words()));
    if promote(course, how).await.is_err() {
        stays(course);
        return Err(Stopped);
    }
    if course.verify("verify", verify).await.is_err() {
        stays(course);
        return Err(Stopped);
    }
    if matches!(course.hand, Hand::Rollouts(_)) {
        // Its controller has taken the canary away with the promotion: there is no other order.
        return Ok("promoted and verified".to_owned());
    }
    course.to(&traffic.nothing()).await?;
    if course.verify("verify without the canary", verify).await.is_err() {
        course.cx.say(&format!("without the canary it is not verified; the canary gets back {}", had.words()));
        // Whether that worked is a finding of its own.
        let _ = course.to(&Wanted::back(&had)).await;
        return Err(Stopped);
    }
    if Wanted::nothing().is_met(&had) {
        return Ok("promoted and verified; the canary had no traffic, so it was not part of that".to_owned());
    }
    Ok(format!("promoted, verified with and without the canary, which had {}", had.words()))
}
