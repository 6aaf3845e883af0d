//! `CAROTID_*` variables: an empty one is as good as none, and one that is wrong is named.

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, Error};

/// Forgets variables that are empty: scripts and unit files unset a variable so.
pub(crate) fn without_empty(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            arg.env(Resettable::Reset)
        } else {
            arg
        }
    });
    command.mut_subcommands(without_empty)
}

/// The variable that a wrong value comes from, if it comes from one: the parser names a flag that nobody
/// has typed.
pub(crate) fn culprit(error: &Error, command: &Command) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (arg, value) = (
        text(ContextKind::InvalidArg)?,
        text(ContextKind::InvalidValue)?,
    );
    let flag = arg.split(' ').next().unwrap_or(arg);
    let mut typed = std::env::args_os();
    let is_typed = typed.any(|typed| typed.to_string_lossy().starts_with(flag));
    let variable = find(command, flag)?.get_env()?;
    let said = std::env::var_os(variable)?;
    // A list is refused item by item.
    let says_so = said.to_string_lossy().split(',').any(|item| item == value);
    (says_so && !is_typed).then(|| variable.to_string_lossy().into_owned())
}

/// What the parser shows as this, somewhere below the command.
fn find<'a>(command: &'a Command, shown: &str) -> Option<&'a Arg> {
    let is = |arg: &&Arg| match (arg.get_env(), arg.get_long(), arg.get_value_names()) {
        (Some(_), Some(long), _) => shown.strip_prefix("--") == Some(long),
        (Some(_), None, Some(names)) => names.iter().any(|name| shown.contains(name.as_str())),
        _ => false,
    };
    let mut own = command.get_arguments().filter(is);
    own.next()
        .or_else(|| command.get_subcommands().find_map(|sub| find(sub, shown)))
}
