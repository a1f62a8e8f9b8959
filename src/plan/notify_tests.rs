//! `[notify.ID]`: every mistake at its place, no address in a plan or in what is said of one.

use super::*;
use crate::base::source::Source;
use crate::plan::{Environment, Loaded, Options, load};

const HEAD: &str = "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\n[vars]\nchannel = \"#launch\"\n[secrets]\nhook = { env = \"HOOK\" }\n\
                    key = { env = \"KEY\" }\n[[phase]]\nid = \"a\"\nat = \"T-0\"\n[[phase.item]]\nid = \"i\"\nwait.for = \"1s\"\n";
const HOOK: &str = "https://hooks.example.com/services/T000/B000/XXsecretXX";

fn read_with(text: &str, hook: &str, options: &Options) -> Result<Loaded, String> {
    let source = Source::new("plan.toml", format!("{HEAD}{text}"));
    let environment: Environment = [("HOOK", hook), ("KEY", "a-key-of-theirs")].into_iter().collect();
    let loaded = load(source.clone(), &environment, options);
    loaded.map_err(|wrong| source.render(&wrong, false))
}

fn read(text: &str) -> Result<Loaded, String> {
    read_with(text, HOOK, &Options::default())
}

#[test]
fn targets_are_read_with_what_each_way_is_told_of() {
    let text = "[notify.crew]\ntitle = \"#launch\"\nslack = \"{{ hook }}\"\nevents = [\"gate\", \"rollback\"]\n\
                at_most = { count = 5, per = \"10s\" }\ntext = { rollback = \"<!here> see {{ channel }}\" }\n\
                [notify.oncall]\npagerduty = \"{{ key }}\"\nregion = \"eu\"\n\
                [notify.bus]\nwebhook = \"{{ hook }}\"\nsign = \"{{ key }}\"\nheaders = { X-Team = \"launch-crew\", X-Key = \"{{ key }}\" }\n";
    let loaded = read(text).expect("sound");
    let [crew, oncall, bus] = loaded.plan.notify.as_slice() else { panic!("{:?}", loaded.plan.notify) };
    assert_eq!(crew.called(), "#launch (Slack)");
    assert_eq!(crew.events, BTreeSet::from([Topic::Gate, Topic::Rollback]));
    assert_eq!(crew.at_most, AtMost { count: 5, per: Duration::from_secs(10) });
    assert_eq!(crew.text[&Topic::Rollback], "<!here> see #launch");
    assert_eq!((oncall.called(), oncall.via), ("oncall (PagerDuty)".to_owned(), Via::PagerDuty));
    assert!(
        oncall.events.contains(&Topic::Trigger) && !oncall.events.contains(&Topic::Gate),
        "nobody is woken by a gate"
    );
    assert!(bus.events.len() == Topic::WORDS.len(), "a machine reads everything");
    let told_at = |id: &str| &loaded.catalogue.notify[&NotifyId::new(id)];
    assert_eq!(told_at("crew").address.told(), HOOK);
    assert_eq!(told_at("oncall").address.told(), "https://events.eu.pagerduty.com");
    assert_eq!(told_at("oncall").key.as_ref().map(Hidden::told), Some("a-key-of-theirs"));
    assert_eq!(told_at("bus").key.as_ref().map(Hidden::told), Some("a-key-of-theirs"));
    let headers = told_at("bus").headers.iter().map(|header| (header.name.as_str(), header.secret));
    assert_eq!(headers.collect::<Vec<_>>(), [("X-Team", false), ("X-Key", true)]);
    let secrets: Vec<String> = loaded.catalogue.notify.values().flat_map(Reach::secrets).collect();
    assert!(!secrets.iter().any(|secret| secret == "launch-crew"), "a plain word stays readable: {secrets:?}");
    assert!(!loaded.catalogue.secrets.iter().any(|secret| secret == "launch-crew"), "{:?}", loaded.catalogue.secrets);
    let shown = format!("{:?} {:?}", loaded.catalogue.notify, loaded.plan.notify);
    assert!(!shown.contains("XXsecretXX") && !shown.contains("a-key-of-theirs"), "{shown}");
}

#[test]
fn every_mistake_is_told_at_its_place_and_no_address_is_repeated() {
    let slack = |more: &str| format!("[notify.n]\nslack = \"{{{{ hook }}}}\"\n{more}\n");
    for (text, wanted) in [
        ("[notify.n]\ntitle = \"x\"\n".to_owned(), "needs `slack`, `pagerduty` or `webhook`"),
        (slack("webhook = \"{{ hook }}\""), "one of them"),
        ("[notify.n]\nslack = \"https://hooks.example.com/x\"\n".to_owned(), "is one of [secrets]"),
        ("[notify.n]\nslack = \"https://{{ hook }}\"\n".to_owned(), "and nothing beside it"),
        ("[notify.n]\nslack = \"{{ channel }}\"\n".to_owned(), "is one of [secrets]"),
        ("[notify.n]\nslack = \"{{ hok }}\"\n".to_owned(), "did you mean `hook`?"),
        ("[notify.n]\nslack = \"{{ key }}\"\n".to_owned(), "is no http or https address"),
        (slack("events = [\"gates\"]"), "did you mean `gate`?"),
        (slack("events = []"), "names nothing"),
        (slack("event = [\"gate\"]"), "did you mean `events`?"),
        (slack("region = \"eu\""), "`region` is of a PagerDuty"),
        (slack("sign = \"{{ key }}\""), "`sign` is of a webhook"),
        (slack("at_most = 3"), "at_most = { count = 30"),
        (slack("at_most = { count = 0, per = \"1m\" }"), "from 1 to 50"),
        (slack("at_most = { count = 99, per = \"1s\" }"), "from 1 to 50"),
        (slack("at_most = { count = 50, per = \"1ms\" }"), "from 1 to 50"),
        (slack("at_most = { per = \"1m\" }"), "needs `count`"),
        (slack("text = { gate = \"{{ key }}\" }"), "told to everybody"),
        (slack("text = { gates = \"x\" }"), "did you mean `gate`?"),
        ("[notify.n]\nwebhook = \"{{ hook }}\"\nheaders = { Host = \"x\" }\n".to_owned(), "no header that can be set"),
        ("[notify.\"a/b\"]\nslack = \"{{ hook }}\"\n".to_owned(), "is no id"),
    ] {
        let wrong = read(&text).expect_err(wanted);
        assert!(wrong.contains(wanted) && wrong.contains("plan.toml:"), "{wanted} in\n{wrong}");
        assert!(!wrong.contains("XXsecretXX") && !wrong.contains("a-key-of-theirs"), "{wrong}");
    }
}

#[test]
fn a_rehearsal_reads_no_address_and_a_terminal_without_the_secret_reads_the_plan() {
    let text = "[notify.n]\nslack = \"{{ hook }}\"\n[notify.b]\nwebhook = \"{{ hook }}\"\nsign = \"{{ key }}\"\n";
    let loaded =
        read_with(text, "no address at all", &Options { rehearsal: true, ..Options::default() }).expect("sound");
    assert!(loaded.catalogue.notify.values().all(|reach| !reach.address.told().contains("no address")));
    let source = Source::new("plan.toml", format!("{HEAD}{text}"));
    let options = Options { without_secrets: true, ..Options::default() };
    let loaded = load(source, &Environment::default(), &options).expect("sound");
    assert!(loaded.plan.notify.len() == 2 && loaded.catalogue.notify.is_empty(), "{:?}", loaded.catalogue.notify);
}
