use std::fmt::Write;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::print;
use crate::cli::{Cli, run_sections};
use crate::error::{Error, Kind, Result};

/// The completion script of a shell.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "runward", &mut script);
    print(&script)
}

/// One page: the commands, then all about `run`.
pub(crate) fn page() -> Result<()> {
    print(
        &render()
            .map_err(|e| Error::new(Kind::System, format!("cannot render the man page: {e}")))?,
    )
}

fn render() -> std::io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let run = command.find_subcommand("run").cloned().unwrap_or_default();
    let mut page = Vec::new();
    let whole = Man::new(command.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    page.extend(synopses(&command).bytes());
    whole.render_subcommands_section(&mut page)?;
    Man::new(run).render_options_section(&mut page)?;
    for (title, body) in run_sections() {
        page.extend(preformatted(title, body).bytes());
    }
    Ok(page)
}

fn synopses(command: &Command) -> String {
    let mut lines = String::new();
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        let usage = sub.clone().render_usage().to_string();
        let _ = writeln!(lines, "  {}", usage.trim_start_matches("Usage: "));
    }
    preformatted("SYNOPSIS", &lines)
}

fn preformatted(title: &str, body: &str) -> String {
    let mut section = format!(".SH \"{title}\"\n.nf\n");
    for line in body.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let guard = if line.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        let _ = writeln!(section, "{guard}{line}");
    }
    section + ".fi\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_taken_for_a_macro() {
        let section = preformatted("T", ".so /etc/passwd\n'x\na\\b --c");
        assert_eq!(
            section,
            ".SH \"T\"\n.nf\n\\&.so /etc/passwd\n\\&'x\na\\eb \\-\\-c\n.fi\n"
        );
    }

    #[test]
    fn the_page_has_every_option_and_every_code() {
        let page = String::from_utf8(render().unwrap())
            .unwrap()
            .replace("\\-", "-");
        for option in crate::settings::option_names() {
            assert!(page.contains(&format!("--{option}")), "--{option}");
        }
        for line in crate::exit::TABLE.lines() {
            assert!(page.contains(line.trim()), "{line}");
        }
    }
}
