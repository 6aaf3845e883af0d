//! Goodbyes, so that a load test leaves no sessions behind that die and alarm people.
//!
//! Go's recipe has no goodbye: the first that is asked says so, and the connections are just closed.

use std::collections::BTreeMap;
use std::io;

use super::clock::Moment;
use super::link::Lost;
use super::links::Links;
use super::plan::Plan;
use super::reactor::Reactor;
use super::wire::{FIRST, Said};

/// Connections that say goodbye at a time.
const AT_ONCE: usize = 64;

/// What became of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Farewell {
    /// Sessions that have left.
    pub(super) left: u64,
    /// Goodbyes that were refused or not answered.
    pub(super) unheard: u64,
    /// Why the first was refused.
    pub(super) refusal: Option<String>,
}

impl Farewell {
    pub(super) fn add(&mut self, other: Self) {
        self.left += other.left;
        self.unheard += other.unheard;
        self.refusal = self.refusal.take().or(other.refusal);
    }
}

/// Says goodbye for every name on every connection, where the server knows what that is.
pub(super) fn say(links: &mut Links, reactor: &mut Reactor, plan: &Plan) -> io::Result<Farewell> {
    let mut farewell = Farewell::default();
    if !plan.wording.expects_pong() {
        return Ok(farewell);
    }
    let up = |slot: &usize| links.all[*slot].is_up();
    let slots: Vec<usize> = (0..links.all.len()).filter(up).collect();
    let Some((first, others)) = slots.split_first() else {
        return Ok(farewell);
    };
    say_together(&[*first], links, reactor, plan, &mut farewell)?;
    // It knows no such method: no session will be missed.
    if farewell
        .refusal
        .as_ref()
        .is_some_and(|why| why.starts_with("rpc: can't find"))
    {
        return Ok(Farewell::default());
    }
    for slots in others.chunks(AT_ONCE) {
        say_together(slots, links, reactor, plan, &mut farewell)?;
    }
    Ok(farewell)
}

fn say_together(
    slots: &[usize],
    links: &mut Links,
    reactor: &mut Reactor,
    plan: &Plan,
    farewell: &mut Farewell,
) -> io::Result<()> {
    let mut awaited = BTreeMap::new();
    for slot in slots {
        let link = &mut links.all[*slot];
        let names = 0..link.beaten();
        awaited.insert(*slot, names.len() as u64);
        let numbers = FIRST..;
        let name = |n| plan.wording.name(link.connection, n);
        let calls: Vec<_> = numbers.zip(names.map(name)).collect();
        let wording = &plan.wording;
        let goodbyes = wording.protocol.goodbyes(&calls);
        if link.send(&goodbyes, &mut links.tally.counters).is_err() {
            farewell.unheard += awaited.remove(slot).unwrap_or(0);
        }
    }
    let mut patience = Moment::now().plus(plan.call_timeout);
    while !awaited.is_empty() {
        let now = Moment::now();
        if patience <= now {
            break;
        }
        reactor.wait_until(patience, now)?;
        for (slot, event) in reactor.events() {
            let Some(left) = awaited.get_mut(&slot) else {
                continue;
            };
            patience = now.plus(plan.call_timeout);
            let ends = event.is_read_closed() || event.is_error();
            let heard = links.hear(slot, ends, left, farewell);
            if heard.is_err() || *left == 0 {
                farewell.unheard += awaited.remove(&slot).unwrap_or(0);
            }
        }
    }
    farewell.unheard += awaited.values().sum::<u64>();
    Ok(())
}

impl Links {
    /// Reads the answers to goodbyes.
    fn hear(
        &mut self,
        slot: usize,
        ends: bool,
        awaited: &mut u64,
        farewell: &mut Farewell,
    ) -> Result<(), Lost> {
        let link = &mut self.all[slot];
        let mut bytes_in = 0;
        link.receive(&mut self.input, ends, &mut bytes_in, |landed| {
            // The late answer to a ping is none to a goodbye.
            if landed.due.is_some() || *awaited == 0 {
                return;
            }
            *awaited -= 1;
            match landed.said {
                Said::Pong | Said::Other(_) => farewell.left += 1,
                Said::Error(text) => {
                    farewell.unheard += 1;
                    farewell.refusal.get_or_insert(text);
                }
            }
        })?;
        link.send(&[], &mut self.tally.counters)
    }
}
