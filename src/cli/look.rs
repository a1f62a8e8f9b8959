//! How the console looks: flags, variables, and the user's own `console.toml` beside the keymap.

use std::env;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::base::source::Source;
use crate::ui::look::{self, Chosen, GLYPHS, Look, NOTIFY, SWITCH, THEMES};

/// The flags of every command that draws a console.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The console")]
pub struct Wanted {
    /// Draw with ASCII alone, as `--glyphs ascii`.
    #[arg(long)]
    ascii: bool,
    /// Which signs to draw with; unless chosen, what the terminal's font is likely to have.
    #[arg(long, env = "TMINUS_GLYPHS", value_name = "SET", value_parser = GLYPHS)]
    glyphs: Option<String>,
    /// The colours; unless chosen, by NO_COLOR, TERM and COLORFGBG.
    #[arg(long, env = "TMINUS_THEME", value_name = "NAME", value_parser = THEMES)]
    theme: Option<String>,
    /// Take clicks and the wheel; off, the terminal selects text as ever (on, it does with Shift held).
    #[arg(long, env = "TMINUS_MOUSE", value_name = "SWITCH", value_parser = SWITCH)]
    mouse: Option<String>,
    /// Ring the terminal's bell for what is news and for what needs a key soon.
    #[arg(long, env = "TMINUS_BELL", value_name = "SWITCH", value_parser = SWITCH)]
    bell: Option<String>,
    /// Have the desktop told of what rings, where the terminal knows how.
    #[arg(long, env = "TMINUS_NOTIFY", value_name = "HOW", value_parser = NOTIFY)]
    notify: Option<String>,
}

impl Wanted {
    /// What they ask for, with the user's file and the terminal's own word under it.
    ///
    /// # Errors
    /// The file cannot be read or is wrong.
    pub fn look(&self) -> anyhow::Result<Look> {
        let glyphs = if self.ascii { Some("ascii".to_owned()) } else { self.glyphs.clone() };
        let given = [
            ("theme", &self.theme),
            ("glyphs", &glyphs),
            ("mouse", &self.mouse),
            ("bell", &self.bell),
            ("notify", &self.notify),
        ];
        let chosen: Chosen = given.into_iter().filter_map(|(name, word)| Some((name, word.clone()?))).collect();
        let file = match own("console.toml") {
            Some(source) => look::read(&source?)?,
            None => Chosen::new(),
        };
        Ok(look::look(&chosen, &file, &|name| env::var(name).ok()))
    }
}

/// The user's own file of this name, where there is one.
pub fn own(name: &str) -> Option<anyhow::Result<Source>> {
    let of = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = of("HOME").map(|home| home.join(".config"));
    let path = of("XDG_CONFIG_HOME").or(home)?.join("tminus").join(name);
    path.exists().then(|| {
        let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(Source::new(path.display().to_string(), text))
    })
}
