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

/// One page: the commands, then all about `run`; or the page of one command.
pub(crate) fn page(of: &[String]) -> Result<()> {
    let mut command = Cli::command();
    command.build();
    let page = match of {
        [] => render(&command),
        _ => render_one(find(&command, of)?),
    };
    print(&page.map_err(|e| Error::new(Kind::System, format!("cannot render the man page: {e}")))?)
}

fn find<'a>(mut command: &'a Command, words: &[String]) -> Result<&'a Command> {
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
            let known = known.join(", ");
            let none = format!(
                "`{}` has no command `{word}`; there are: {known}",
                command.get_name()
            );
            Error::new(Kind::Usage, none)
        })?;
    }
    Ok(command)
}

fn render_one(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(
        command
            .clone()
            .display_name(command.get_bin_name().unwrap_or_default().replace(' ', "-")),
    );
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let notes = command.get_after_long_help().or(command.get_after_help());
    if let Some(notes) = notes {
        page.extend(preformatted("NOTES", &notes.to_string()).bytes());
    }
    Ok(page)
}

fn render(command: &Command) -> std::io::Result<Vec<u8>> {
    let run = command.find_subcommand("run").cloned().unwrap_or_default();
    let mut page = Vec::new();
    let whole = Man::new(command.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    page.extend(synopses(command).bytes());
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

    fn built() -> Command {
        let mut command = Cli::command();
        command.build();
        command
    }

    #[test]
    fn each_command_has_a_page_with_its_options_and_notes() {
        let command = built();
        let rm = find(&command, &["swarm".into(), "rm".into()]).expect("a command");
        let page = String::from_utf8(render_one(rm).unwrap()).unwrap();
        assert!(page.contains("runward\\-swarm\\-rm"), "{page}");
        let sweep = find(&command, &["sweep".into()]).expect("a command");
        let page = String::from_utf8(render_one(sweep).unwrap()).unwrap();
        for part in ["\\-\\-dry\\-run", "SH \"NOTES\"", "nothing was reaped"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let error = find(&command, &["swarm".into(), "mv".into()]).expect_err("no such command");
        assert!(error.to_string().contains("`mv`; there are: "), "{error}");
    }

    #[test]
    fn the_page_has_every_option_and_every_code() {
        let page = String::from_utf8(render(&built()).unwrap())
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
