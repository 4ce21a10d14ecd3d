//! `forkbench completions` and `forkbench man`.

use std::io;

use super::Exit;

/// Prints completions for a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    clap_complete::generate(shell, &mut super::command(), "forkbench", &mut io::stdout());
    Ok(Exit::Done)
}

/// Prints the manual page: the command's own, then each verb's.
pub(super) fn man() -> anyhow::Result<Exit> {
    let mut command = super::command();
    // Gives each verb its full name.
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut io::stdout())?;
    verbs(&command)?;
    Ok(Exit::Done)
}

/// The pages of a command's verbs, each followed by those of its own.
fn verbs(command: &clap::Command) -> io::Result<()> {
    let all = command.get_subcommands();
    for verb in all.filter(|verb| verb.get_name() != "help") {
        let page = clap_mangen::Man::new(verb.clone());
        page.render_name_section(&mut io::stdout())?;
        page.render_synopsis_section(&mut io::stdout())?;
        page.render_options_section(&mut io::stdout())?;
        page.render_extra_section(&mut io::stdout())?;
        verbs(verb)?;
    }
    Ok(())
}
