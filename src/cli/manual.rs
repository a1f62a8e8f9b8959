//! `tminus completions` and `tminus man`: made from the table of subcommands itself, with what that does not know:
//! exit codes, the environment, and where files lie.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that reads it.
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct Pages {
    /// A folder for one page a command; without it, the page of `tminus` is printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What each exit code means. The same for every command that answers with a verdict.
pub const EXITS: &[(&str, &str)] = &[
    ("0", "go: everything that was asked passed; or what was asked for was done"),
    ("1", "no-go: something failed, or was refused"),
    ("2", "cannot tell: something is unknown or stale, or nobody was there to decide; never to be read as go"),
    ("3", "the plan, the arguments or the folder are wrong; the sentence on standard error says what"),
    ("4", "rolled back"),
    ("130", "interrupted by a signal; what runs under a step or a rollback goes on"),
];

/// The environment that tminus itself reads. A plan's variables and secrets name their own.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("USER", "your name in the journal, unless --name says another"),
    ("NO_COLOR", "where it is set, nothing has a colour; every state has a glyph and a word"),
    ("TMINUS_GLYPHS", "as --glyphs: which signs the console draws with"),
    ("TMINUS_THEME", "as --theme: its colours"),
    ("TMINUS_MOUSE", "as --mouse: whether it takes clicks and the wheel"),
    ("TMINUS_BELL", "as --bell: whether it rings the terminal's bell"),
    ("TMINUS_NOTIFY", "as --notify: how the desktop is told of what rings"),
    ("XDG_CONFIG_HOME", "where your keymap and console.toml lie; ~/.config otherwise"),
    ("XDG_STATE_HOME", "where launches lie that --launch gives no folder; ~/.local/state otherwise"),
    ("XDG_RUNTIME_DIR", "one of the places for what a launch's disk refuses to keep"),
    ("TMPDIR", "another of them"),
    ("HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "the way to services, as for other programs"),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "the certificates that are trusted in place of the host's"),
    ("PATH", "where the programs of a plan's steps and checks are found"),
];

pub const FILES: &[(&str, &str)] = &[
    (
        "~/.config/tminus/keymap.toml",
        "your own keys over the built-in ones: action = [keys]; `tminus keys` shows the result",
    ),
    ("~/.config/tminus/console.toml", "theme, glyphs, mouse, bell and notify, under their flags and variables"),
    (
        "~/.local/state/tminus/",
        "a folder for each launch, its owner's alone; one that --group shares lies where its members can reach it",
    ),
    ("LAUNCH/journal.db", "everything that happened, each record chained to the one before by its hash"),
    ("LAUNCH/plan.toml", "the plan that the launch goes by; plans/ has those before it"),
    ("LAUNCH/launch.json", "how the launch was opened, which a rollback from any terminal goes by"),
    ("LAUNCH/steps/, LAUNCH/rollback/", "the whole output of every attempt, as it was written"),
    ("LAUNCH/console.log", "what failed that is no event of the launch"),
];

/// # Errors
/// Standard output is gone.
pub fn completions(arguments: &Completions) -> anyhow::Result<i32> {
    std::io::stdout().write_all(&script(arguments.shell))?;
    Ok(0)
}

/// # Errors
/// Standard output is gone, or the folder cannot be written to.
pub fn pages(arguments: &Pages) -> anyhow::Result<i32> {
    let Some(folder) = &arguments.out else {
        let command = whole();
        std::io::stdout().write_all(&page(&command)?)?;
        return Ok(0);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    each(&whole(), &mut |command| keep(folder, command))?;
    Ok(0)
}

fn keep(folder: &Path, command: &Command) -> anyhow::Result<()> {
    let path = folder.join(file_name(command));
    std::fs::write(&path, page(command)?).with_context(|| format!("failed to write {}", path.display()))
}

/// The script that `shell` reads to complete commands and options.
fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "tminus", &mut script);
    script
}

/// Every command with its full name.
fn whole() -> Command {
    let mut command = super::command().disable_help_subcommand(true);
    command.build();
    command
}

fn each(command: &Command, told: &mut impl FnMut(&Command) -> anyhow::Result<()>) -> anyhow::Result<()> {
    told(command)?;
    command.get_subcommands().filter(|inner| !inner.is_hide_set()).try_for_each(|inner| each(inner, told))
}

fn file_name(command: &Command) -> String {
    format!("{}.1", command.get_display_name().unwrap_or(command.get_name()))
}

fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let first = command.get_name() == "tminus";
    let man = Man::new(command.clone()).manual("tminus");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = section("EXIT STATUS", EXITS);
    if first {
        rest.push_str(&section("ENVIRONMENT", ENVIRONMENT));
        rest.push_str(&section("FILES", FILES));
    }
    let others = "the plan file is told of by docs/plan.md and `tminus schema`, the console's keys by `tminus keys`";
    let _ = match first {
        true => write!(rest, ".SH \"SEE ALSO\"\n{}\n", escaped(others)),
        false => {
            write!(rest, ".SH \"SEE ALSO\"\n\\fBtminus\\fR(1), which says more of exit codes, environment and files\n")
        }
    };
    page.extend(rest.into_bytes());
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// A section of terms, each with what it means.
fn section(title: &str, terms: &[(&str, &str)]) -> String {
    let mut out = format!(".SH \"{title}\"\n");
    for (term, means) in terms {
        let _ = write!(out, ".TP\n\\fB{}\\fR\n{}\n", escaped(term), escaped(means));
    }
    out
}

/// As roff shows it: no character of it means anything else there.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    /// Every command with its full name, as the shell sees it.
    fn names() -> Vec<String> {
        let mut names = Vec::new();
        each(&whole(), &mut |command| {
            names.push(command.get_display_name().unwrap_or(command.get_name()).to_owned());
            Ok(())
        })
        .expect("names");
        names
    }

    #[test]
    fn every_shells_script_names_every_command() {
        let commands = whole();
        assert!(commands.get_subcommands().count() > 30);
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).expect("text");
            for command in commands.get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
            for option in ["take-over", "drill-faults"] {
                assert!(script.contains(option), "{shell}: {option}");
            }
        }
    }

    #[test]
    fn every_command_has_a_page_of_its_own_with_its_exit_codes() {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = Pages { out: Some(folder.path().join("man1")) };
        assert_eq!(pages(&arguments).expect("written"), 0);
        let names = names();
        assert!(names.contains(&"tminus-incident-open".to_owned()), "{names:?}");
        for name in &names {
            let page = std::fs::read_to_string(folder.path().join(format!("man1/{name}.1"))).expect(name);
            assert!(page.contains(".SH \"EXIT STATUS\""), "{name}");
            assert!(page.contains(&name.replace('-', "\\-")), "{name}");
        }
        let made = std::fs::read_dir(folder.path().join("man1")).expect("a folder").count();
        assert_eq!(made, names.len());
    }

    #[test]
    fn the_first_page_tells_of_codes_environment_and_files() {
        let page = String::from_utf8(page(&whole()).expect("a page")).expect("text");
        for (title, terms) in [("EXIT STATUS", EXITS), ("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)] {
            assert!(page.contains(&format!(".SH \"{title}\"")), "{title}");
            for (term, means) in terms {
                assert!(page.contains(&escaped(term)) && page.contains(&escaped(means)), "{term}");
            }
        }
        for code in [super::super::WRONG, super::super::NO_GO, super::super::CANNOT_TELL, super::super::INTERRUPTED] {
            assert!(EXITS.iter().any(|(told, _)| *told == code.to_string()), "{code}");
        }
    }

    #[test]
    fn every_variable_that_an_option_reads_is_told() {
        each(&whole(), &mut |command| {
            for variable in command.get_arguments().filter_map(clap::Arg::get_env) {
                let variable = variable.to_string_lossy();
                assert!(ENVIRONMENT.iter().any(|(told, _)| *told == variable), "{variable}");
            }
            Ok(())
        })
        .expect("told");
    }

    #[test]
    fn a_line_that_begins_like_a_request_is_text() {
        assert_eq!(escaped(".plan -x \\"), "\\&.plan \\-x \\e");
    }
}
