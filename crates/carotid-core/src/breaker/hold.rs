//! One hold: whom it covers, and when each of them is let go.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::order::Order;
use crate::Tick;

/// Deaths held back since an incident began.
#[derive(Debug)]
pub(super) struct Hold {
    /// In alphabetical order; `None` for all sessions.
    services: Option<Vec<Box<str>>>,
    /// When the silence is confirmed, unless somebody came back.
    confirmed_at: Tick,
    /// When everybody is let go in any case.
    last: Tick,
    somebody_returned: bool,
    /// How many releases are promised at once.
    expected: u32,
    seed: u64,
    turns: Option<Turns>,
    /// The last release that was promised.
    end: Tick,
}

/// Releases that lie evenly in time, handed out in random order.
#[derive(Debug)]
struct Turns {
    begin: Tick,
    size: u32,
    taken: u32,
    per_second: u32,
    order: Order,
}

impl Hold {
    pub(super) const fn new(
        services: Option<Vec<Box<str>>>,
        confirmed_at: Tick,
        last: Tick,
        expected: u32,
        seed: u64,
    ) -> Self {
        Self {
            services,
            confirmed_at,
            last,
            somebody_returned: false,
            expected,
            seed,
            turns: None,
            end: last,
        }
    }

    pub(super) fn covers(&self, service: Option<&str>) -> bool {
        let Some(services) = &self.services else {
            return true;
        };
        service.is_some_and(|service| {
            services
                .binary_search_by(|name| (**name).cmp(service))
                .is_ok()
        })
    }

    /// A session that was at risk beats again.
    pub(super) fn note_return(&mut self, service: Option<&str>) {
        if self.covers(service) {
            self.somebody_returned = true;
        }
    }

    /// Whether nobody waits for a turn any more.
    pub(super) fn is_over(&self, now: Tick) -> bool {
        self.end < now
    }

    /// Whether a session whose turn has come may die.
    pub(super) fn lets_go(&self, now: Tick) -> bool {
        self.last <= now || (self.confirmed_at <= now && !self.somebody_returned)
    }

    /// A turn for one more session, not yet `promised` to anybody else.
    pub(super) fn promise(&mut self, now: Tick, promised: &mut Tick, per_second: u32) -> Tick {
        let earliest = if now < self.confirmed_at || self.lets_go(now) {
            self.confirmed_at
        } else {
            self.last
        };
        for _ in 0..DRAWS {
            if let Some(turn) = self
                .turns
                .as_mut()
                .and_then(|turns| turns.draw(earliest, now))
            {
                return self.keep(turn);
            }
            if self
                .turns
                .as_ref()
                .is_none_or(|turns| turns.is_spent(earliest, now))
            {
                break;
            }
        }
        // Whoever comes later than expected shares a small block with others who do.
        let size = match self.turns {
            None => self.expected.max(1),
            Some(_) => self.expected.clamp(1, LATECOMERS),
        };
        let begin = earliest.max(*promised).max(now);
        let order = Order::new(size, self.seed ^ begin.as_nanos());
        let mut turns = Turns {
            begin,
            size,
            taken: 0,
            per_second,
            order,
        };
        *promised = turns.end();
        let turn = turns.draw(earliest, now).unwrap_or(begin);
        self.turns = Some(turns);
        self.keep(turn)
    }

    fn keep(&mut self, turn: Tick) -> Tick {
        self.end = self.end.max(turn);
        turn
    }

    /// Nobody waits for a turn any more.
    pub(super) fn forget_turns(&mut self) {
        self.turns = None;
        self.expected = self.expected.min(LATECOMERS);
        self.end = self.last;
    }
}

impl Turns {
    /// The next turn, if it lies ahead. One that has passed already is nobody's: whoever took it would
    /// die at once, beside others.
    fn draw(&mut self, earliest: Tick, now: Tick) -> Option<Tick> {
        if self.is_spent(earliest, now) {
            return None;
        }
        let place = self.order.place(self.taken);
        self.taken += 1;
        let turn = self.begin.after(length(place, self.per_second));
        (now <= turn).then_some(turn)
    }

    /// Whether nobody can be given a turn of these.
    fn is_spent(&self, earliest: Tick, now: Tick) -> bool {
        self.taken == self.size || self.begin < earliest || self.end() < now
    }

    fn end(&self) -> Tick {
        self.begin.after(length(self.size, self.per_second))
    }
}

/// How many turns are drawn for one session before it begins a block of its own (I4).
const DRAWS: u32 = 64;

const LATECOMERS: u32 = 64;

/// How long so many releases take.
fn length(releases: u32, per_second: u32) -> Duration {
    Duration::from_nanos(u64::from(releases) * 1_000_000_000 / u64::from(per_second))
}
