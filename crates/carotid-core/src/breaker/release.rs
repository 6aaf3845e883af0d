//! When the held may die: at a bounded rate, and in random order.

use core::time::Duration;

use super::order::Order;
use crate::Tick;

/// Turns to die, handed out in blocks in which they lie evenly, each to whoever draws it.
#[derive(Debug)]
pub(super) struct Releases {
    per_second: u32,
    seed: u64,
    turns: Option<Turns>,
    /// Until when turns are promised to somebody.
    promised: Tick,
}

#[derive(Debug)]
struct Turns {
    begin: Tick,
    size: u32,
    taken: u32,
    per_second: u32,
    order: Order,
}

/// How many turns are drawn for one session before it begins a block of its own (I4).
const DRAWS: u32 = 64;

impl Releases {
    pub(super) const fn new(per_second: u32, seed: u64) -> Self {
        Self {
            per_second,
            seed,
            turns: None,
            promised: Tick::from_nanos(0),
        }
    }

    /// A turn that nobody else has, not before `now`; so many are to be expected in all.
    pub(super) fn draw(&mut self, now: Tick, expected: u32) -> Tick {
        for _ in 0..DRAWS {
            let Some(turns) = self.turns.as_mut().filter(|turns| !turns.is_spent(now)) else {
                break;
            };
            if let Some(turn) = turns.draw(now) {
                return turn;
            }
        }
        let begin = self.promised.max(now);
        let size = expected.max(1);
        let mut turns = Turns {
            begin,
            size,
            taken: 0,
            per_second: self.per_second,
            order: Order::new(size, self.seed ^ begin.as_nanos()),
        };
        self.promised = turns.end();
        let turn = turns.draw(now).unwrap_or(begin);
        self.turns = Some(turns);
        turn
    }

    /// Nobody waits for a turn any more. What was promised to those who came back is free again, or a
    /// fleet that falls silent over and over would wait longer each time.
    pub(super) fn forget(&mut self, now: Tick) {
        self.turns = None;
        // The last one may have died just now.
        let next = now.after(length(1, self.per_second));
        self.promised = self.promised.min(next);
    }
}

impl Turns {
    /// The next turn, if it lies ahead. One that has passed already is nobody's: whoever took it would
    /// die at once, beside others.
    fn draw(&mut self, now: Tick) -> Option<Tick> {
        let place = self.order.place(self.taken);
        self.taken += 1;
        let turn = self.begin.after(length(place, self.per_second));
        (now <= turn).then_some(turn)
    }

    fn is_spent(&self, now: Tick) -> bool {
        self.taken == self.size || self.end() < now
    }

    fn end(&self) -> Tick {
        self.begin.after(length(self.size, self.per_second))
    }
}

/// How long so many releases take.
fn length(releases: u32, per_second: u32) -> Duration {
    Duration::from_nanos(u64::from(releases) * 1_000_000_000 / u64::from(per_second))
}
