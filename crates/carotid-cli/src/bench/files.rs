//! How many files this process may open: every connection is one.

use anyhow::anyhow;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::plan::Plan;
use crate::exit::Exit;

/// What is open besides connections: standard streams, the runtime, one look into `/proc`.
const BESIDES: u64 = 32;

/// An epoll set, what wakes it, a timer.
const PER_THREAD: u64 = 3;

/// Makes room for all connections, or says how much is missing.
pub(super) fn make_room(plan: &Plan) -> Result<(), Exit> {
    let connections = plan.connections as u64;
    let needed = connections + plan.threads as u64 * PER_THREAD + BESIDES;
    let limit = getrlimit(Resource::Nofile);
    // No limit is none.
    if limit.current.is_none_or(|current| needed <= current) {
        return Ok(());
    }
    let refused = |why: anyhow::Error, most: u64| {
        let fits = most.saturating_sub(needed - connections);
        Exit::usage(why).context("the settings cannot be used").advise(format!(
            "Raise it with ulimit -n {needed} (as root, or in limits.conf), or take --connections {fits} at most."
        ))
    };
    if let Some(most) = limit.maximum.filter(|most| *most < needed) {
        let why = anyhow!(
            "{connections} connections need {needed} open files, and the limit of this process is {most}"
        );
        return Err(refused(why, most));
    }
    let wanted = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, wanted)
        .map_err(|error| refused(error.into(), limit.current.unwrap_or(0)))
}
