//! Deadlines to keys: a hierarchical timing wheel.
//!
//! Scheme 7 of Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), with the
//! level of an entry found from the highest bit in which its slot differs from the present one.
//! Eight levels of 64 slots, the finest of 2²⁰ ns, cover all 64 bits of time: nothing wraps, and
//! nothing needs a list of far-away entries. Integers only; it knows nothing of sessions.

use alloc::vec::Vec;

use crate::Tick;

/// A slot is 2²⁰ ns long, 1.05 ms.
const SLOT_BITS: u32 = 20;
/// 64 slots a level: their occupancy is one word.
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
const SLOT_MASK: u32 = (1 << LEVEL_BITS) - 1;
const LEVELS: usize = 8;

#[derive(Debug)]
pub(crate) struct Wheel {
    /// The slot whose list was looked at last. Nothing is filed before it.
    present: u64,
    /// Which of a level's lists are not empty.
    occupied: [u64; LEVELS],
    /// The first key of each list, level by level.
    heads: [u32; LEVELS * SLOTS],
    /// Indexed by key, 16 bytes each.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The slot in which it is due; `FREE` if it is not filed.
    due: u64,
    next: u32,
    /// The key before it or, for the first of a list, `FIRST` plus the list.
    previous: u32,
}

/// No key: the end of a list.
const NONE: u32 = u32::MAX;
/// Keys are below it, see [`Wheel::MAX_KEY`].
const FIRST: u32 = 1 << 31;
/// No deadline is this late: 2⁶⁴ ns are 2⁴⁴ slots.
const FREE: u64 = u64::MAX;

impl Entry {
    const UNFILED: Self = Self {
        due: FREE,
        next: NONE,
        previous: NONE,
    };
}

impl Wheel {
    /// The largest key it can file.
    pub(crate) const MAX_KEY: u32 = FIRST - 1;

    pub(crate) const fn new() -> Self {
        Self {
            present: 0,
            occupied: [0; LEVELS],
            heads: [NONE; LEVELS * SLOTS],
            entries: Vec::new(),
        }
    }

    /// Files `key` to be popped once `deadline` has passed, never before (I5). A filed key moves.
    pub(crate) fn file(&mut self, key: u32, deadline: Tick) {
        self.remove(key);
        let index = key as usize;
        if self.entries.len() <= index {
            self.entries.resize(index + 1, Entry::UNFILED);
        }
        self.link(key, deadline.as_nanos().div_ceil(1 << SLOT_BITS));
    }

    /// Takes `key` out, if it is filed.
    pub(crate) fn remove(&mut self, key: u32) {
        let Some(&entry) = self.entries.get(key as usize) else {
            return;
        };
        if entry.due == FREE {
            return;
        }
        if entry.previous >= FIRST {
            self.set_head(entry.previous - FIRST, entry.next);
        } else {
            self.entries[entry.previous as usize].next = entry.next;
        }
        if entry.next != NONE {
            self.entries[entry.next as usize].previous = entry.previous;
        }
        self.entries[key as usize] = Entry::UNFILED;
    }

    /// The next key whose deadline has passed. Every entry looked at, popped or moved to a finer
    /// level, takes one of `steps`; at none left it stops, and what is left stays due (I4).
    pub(crate) fn pop_due(&mut self, now: Tick, steps: &mut u32) -> Option<u32> {
        let now = now.as_nanos() >> SLOT_BITS;
        while let Some((list, start)) = self.first_list() {
            if now < start || *steps == 0 {
                return None;
            }
            *steps -= 1;
            let key = self.heads[list as usize];
            let due = self.entries[key as usize].due;
            self.remove(key);
            // The present enters the list's slot, so that what is moved out of it lands on a finer
            // level. What is left in it still begins no later than anything else.
            self.present = start;
            if due <= now {
                return Some(key);
            }
            self.link(key, due);
        }
        None
    }

    /// When to call [`Self::pop_due`] next: never after the earliest deadline's slot has begun.
    pub(crate) fn next_due(&self) -> Option<Tick> {
        let (_, start) = self.first_list()?;
        Some(Tick::from_nanos(start << SLOT_BITS))
    }

    fn link(&mut self, key: u32, due: u64) {
        // What should have been popped already is due in the present slot.
        let due = due.max(self.present);
        let differing = (due ^ self.present) | 1;
        let level = (u64::BITS - 1 - differing.leading_zeros()) / LEVEL_BITS;
        let slot = (due >> (level * LEVEL_BITS)) & u64::from(SLOT_MASK);
        let slot = u32::try_from(slot).expect("a slot is below 64");
        let list = (level << LEVEL_BITS) | slot;

        let next = self.heads[list as usize];
        if next != NONE {
            self.entries[next as usize].previous = key;
        }
        self.entries[key as usize] = Entry {
            due,
            next,
            previous: FIRST + list,
        };
        self.set_head(list, key);
    }

    fn set_head(&mut self, list: u32, head: u32) {
        self.heads[list as usize] = head;
        let occupied = &mut self.occupied[(list >> LEVEL_BITS) as usize];
        let bit = 1 << (list & SLOT_MASK);
        if head == NONE {
            *occupied &= !bit;
        } else {
            *occupied |= bit;
        }
    }

    /// The occupied list that begins first, and the slot at which it begins. Of two that begin
    /// together it takes the coarser, whose entries may belong before the finer's.
    fn first_list(&self) -> Option<(u32, u64)> {
        let mut first = None;
        for (level, &occupied) in (0..).zip(&self.occupied) {
            if occupied == 0 {
                continue;
            }
            let slot = occupied.trailing_zeros();
            let shift = level * LEVEL_BITS;
            // Entries of one level agree with the present in all bits above that level.
            let above = self.present >> shift >> LEVEL_BITS << LEVEL_BITS;
            let start = (above | u64::from(slot)) << shift;
            if first.is_none_or(|(_, earliest)| start <= earliest) {
                first = Some(((level << LEVEL_BITS) | slot, start));
            }
        }
        first
    }

    #[cfg(test)]
    pub(crate) fn is_filed(&self, key: u32) -> bool {
        self.entries
            .get(key as usize)
            .is_some_and(|entry| entry.due != FREE)
    }

    /// Whether `key` is filed, and not later than `deadline` (I2).
    #[cfg(test)]
    pub(crate) fn is_filed_by(&self, key: u32, deadline: Tick) -> bool {
        let due = self.entries[key as usize].due;
        due != FREE
            && due
                <= deadline
                    .as_nanos()
                    .div_ceil(1 << SLOT_BITS)
                    .max(self.present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    const SLOT: u64 = 1 << SLOT_BITS;

    fn pop_all(wheel: &mut Wheel, now: Tick) -> Vec<u32> {
        let mut steps = u32::MAX;
        let mut keys: Vec<_> = core::iter::from_fn(|| wheel.pop_due(now, &mut steps)).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn a_key_is_due_when_its_slot_begins_and_not_before() {
        let mut wheel = Wheel::new();
        wheel.file(0, Tick::from_nanos(5 * SLOT + 1));
        assert_eq!(pop_all(&mut wheel, Tick::from_nanos(6 * SLOT - 1)), []);
        assert_eq!(pop_all(&mut wheel, Tick::from_nanos(6 * SLOT)), [0]);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn the_end_of_time_can_be_filed() {
        let mut wheel = Wheel::new();
        wheel.file(3, Tick::from_nanos(u64::MAX));
        wheel.file(1, Tick::from_nanos(7));
        assert_eq!(pop_all(&mut wheel, Tick::from_nanos(u64::MAX / 2)), [1]);
        assert!(wheel.next_due().is_some());
    }

    #[test]
    fn one_call_takes_no_more_steps_than_it_was_given() {
        let mut wheel = Wheel::new();
        // All in one coarse list, so that each entry must move before it can pop.
        let deadline = Tick::from_nanos(5000 * SLOT + 1);
        (0..1000).for_each(|key| wheel.file(key, deadline));
        let now = Tick::from_nanos(5002 * SLOT);
        let (mut popped, mut calls) = (0, 0);
        while popped < 1000 {
            let mut steps = 10;
            while wheel.pop_due(now, &mut steps).is_some() {
                popped += 1;
            }
            assert_eq!(steps, 0);
            assert!(wheel.next_due().is_none_or(|due| due <= now));
            calls += 1;
            assert!(calls <= 1000, "work grows with what was done already");
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        File { key: u32, delay: u64 },
        Remove { key: u32 },
        Advance { by: u64, steps: u32 },
    }

    fn op() -> impl Strategy<Value = Op> {
        let delay = prop_oneof![
            0..SLOT * 3,
            0..SLOT * 200,
            0..SLOT * 300_000,
            0..u64::MAX / 4
        ];
        prop_oneof![
            3 => (0..40u32, delay.clone()).prop_map(|(key, delay)| Op::File { key, delay }),
            1 => (0..40u32).prop_map(|key| Op::Remove { key }),
            2 => (delay, 1..20u32).prop_map(|(by, steps)| Op::Advance { by, steps }),
        ]
    }

    proptest! {
        /// Whatever is filed, moved and removed, exactly the keys whose slot has begun pop, in
        /// however many bounded calls, and `next_due` never oversleeps.
        #[test]
        fn agrees_with_a_sorted_map(ops in prop::collection::vec(op(), 1..200)) {
            let mut wheel = Wheel::new();
            let mut model = BTreeMap::new();
            let mut now = 0u64;
            for op in ops {
                match op {
                    Op::File { key, delay } => {
                        let deadline = now.saturating_add(delay);
                        wheel.file(key, Tick::from_nanos(deadline));
                        model.insert(key, deadline.div_ceil(SLOT));
                    }
                    Op::Remove { key } => {
                        wheel.remove(key);
                        model.remove(&key);
                    }
                    Op::Advance { by, steps } => {
                        now = now.saturating_add(by);
                        loop {
                            let mut left = steps;
                            while let Some(key) = wheel.pop_due(Tick::from_nanos(now), &mut left) {
                                let due = model.remove(&key).expect("popped what was filed");
                                prop_assert!(due <= now >> SLOT_BITS, "never early (I5)");
                            }
                            if left > 0 {
                                break;
                            }
                        }
                        prop_assert!(model.values().all(|due| now >> SLOT_BITS < *due));
                    }
                }
                let earliest = model.values().min().copied();
                let next = wheel.next_due().map(|tick| tick.as_nanos() >> SLOT_BITS);
                prop_assert_eq!(next.is_some(), earliest.is_some());
                prop_assert!(next <= earliest.map(|due| due.max(next.unwrap_or(0))));
            }
        }
    }
}
