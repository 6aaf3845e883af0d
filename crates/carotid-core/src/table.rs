//! The session table: a slab with generation-checked ids, and an index by name.

use alloc::vec::Vec;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::session::{Session, SessionId};

#[derive(Debug)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    /// Vacant slots, the last one to be used next.
    vacant: Vec<u32>,
    /// Slots by the hash of their session's name; one slot a name.
    by_name: HashTable<u32>,
    hasher: FixedState,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    session: Option<Session>,
}

impl Table {
    pub(crate) const fn new(hash_seed: u64) -> Self {
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
            by_name: HashTable::new(),
            hasher: FixedState::with_seed(hash_seed),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Slots there are, vacant ones included.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Session> {
        let slot = self.slots.get(id.index())?;
        if slot.generation == id.generation {
            slot.session.as_ref()
        } else {
            None
        }
    }

    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let slot = self.slots.get_mut(id.index())?;
        if slot.generation == id.generation {
            slot.session.as_mut()
        } else {
            None
        }
    }

    /// The session in a slot, whatever its generation.
    pub(crate) fn at(&self, slot: u32) -> Option<(SessionId, &Session)> {
        let Slot {
            generation,
            session,
        } = self.slots.get(slot as usize)?;
        let id = SessionId {
            slot,
            generation: *generation,
        };
        Some((id, session.as_ref()?))
    }

    pub(crate) fn find(&self, name: &str) -> Option<SessionId> {
        let slot = *self.by_name.find(hash(&self.hasher, name), |&slot| {
            named(&self.slots, slot) == name
        })?;
        self.at(slot).map(|(id, _)| id)
    }

    /// Adds a session whose name is not in the table.
    pub(crate) fn insert(&mut self, session: Session) -> SessionId {
        let hash_of_name = hash(&self.hasher, &session.name);
        let slot = self.vacant.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.slots.len()).expect("max_sessions fits in 32 bits");
            self.slots.push(Slot {
                generation: 0,
                session: None,
            });
            slot
        });
        let vacant = &mut self.slots[slot as usize];
        vacant.session = Some(session);
        let generation = vacant.generation;
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_name
            .insert_unique(hash_of_name, slot, |&slot| hash(hasher, named(slots, slot)));
        SessionId { slot, generation }
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let hash_of_name = hash(&self.hasher, &self.get(id)?.name);
        if let Ok(entry) = self
            .by_name
            .find_entry(hash_of_name, |&slot| slot == id.slot)
        {
            entry.remove();
        }
        let slot = &mut self.slots[id.index()];
        let session = slot.session.take();
        // A slot whose generations are used up is never used again.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.vacant.push(id.slot);
        }
        session
    }
}

fn hash(hasher: &FixedState, name: &str) -> u64 {
    use core::hash::{BuildHasher, Hasher};
    let mut state = hasher.build_hasher();
    state.write(name.as_bytes());
    state.finish()
}

fn named(slots: &[Slot], slot: u32) -> &str {
    slots[slot as usize]
        .session
        .as_ref()
        .map_or("", |session| &*session.name)
}
