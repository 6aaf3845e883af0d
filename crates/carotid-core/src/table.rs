//! The session table: a slab with generation-checked ids, and an index by name.

use alloc::vec::Vec;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::session::{Profile, Session, SessionId};

#[derive(Debug)]
pub(crate) struct Table {
    /// What a beat touches, by slot; of a vacant slot, what was there last.
    sessions: Vec<Session>,
    /// What it does not, by slot; `None` of a vacant slot.
    profiles: Vec<Option<Profile>>,
    /// Vacant slots, the last one to be used next.
    vacant: Vec<u32>,
    /// Slots by the hash of their session's name; one slot a name.
    by_name: HashTable<u32>,
    hasher: FixedState,
}

/// No id has it: a slot whose generations are used up stays vacant.
const USED_UP: u32 = u32::MAX;

impl Table {
    pub(crate) const fn new(hash_seed: u64) -> Self {
        Self {
            sessions: Vec::new(),
            profiles: Vec::new(),
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
        self.sessions.len()
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Session> {
        // A vacant slot has a generation that no id has yet.
        let session = self.sessions.get(id.index())?;
        (session.generation == id.generation).then_some(session)
    }

    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let session = self.sessions.get_mut(id.index())?;
        (session.generation == id.generation).then_some(session)
    }

    pub(crate) fn profile(&self, id: SessionId) -> Option<&Profile> {
        self.get(id)?;
        self.profiles[id.index()].as_ref()
    }

    /// All of a session.
    pub(crate) fn whole_mut(&mut self, id: SessionId) -> Option<(&mut Session, &mut Profile)> {
        let session = self.sessions.get_mut(id.index())?;
        if session.generation == id.generation {
            Some((session, self.profiles[id.index()].as_mut()?))
        } else {
            None
        }
    }

    /// The session in a slot, whatever its generation.
    pub(crate) fn at(&self, slot: u32) -> Option<(SessionId, &Session, &Profile)> {
        let profile = self.profiles.get(slot as usize)?.as_ref()?;
        let session = &self.sessions[slot as usize];
        let id = SessionId {
            slot,
            generation: session.generation,
        };
        Some((id, session, profile))
    }

    pub(crate) fn find(&self, name: &str) -> Option<SessionId> {
        let slot = *self.by_name.find(hash(&self.hasher, name), |&slot| {
            named(&self.profiles, slot) == name
        })?;
        self.at(slot).map(|(id, ..)| id)
    }

    /// Adds a session whose name is not in the table; its generation is the slot's affair.
    pub(crate) fn insert(&mut self, mut session: Session, profile: Profile) -> SessionId {
        let hash_of_name = hash(&self.hasher, &profile.name);
        let slot = if let Some(slot) = self.vacant.pop() {
            session.generation = self.sessions[slot as usize].generation;
            slot
        } else {
            u32::try_from(self.sessions.len()).expect("max_sessions fits in 32 bits")
        };
        let id = SessionId {
            slot,
            generation: session.generation,
        };
        if id.index() == self.sessions.len() {
            self.sessions.push(session);
            self.profiles.push(Some(profile));
        } else {
            self.sessions[id.index()] = session;
            self.profiles[id.index()] = Some(profile);
        }
        let (profiles, hasher) = (&self.profiles, &self.hasher);
        self.by_name.insert_unique(hash_of_name, slot, |&slot| {
            hash(hasher, named(profiles, slot))
        });
        id
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Profile> {
        let hash_of_name = hash(&self.hasher, &self.profile(id)?.name);
        if let Ok(entry) = self
            .by_name
            .find_entry(hash_of_name, |&slot| slot == id.slot)
        {
            entry.remove();
        }
        let session = &mut self.sessions[id.index()];
        session.generation += 1;
        if session.generation < USED_UP {
            self.vacant.push(id.slot);
        }
        self.profiles[id.index()].take()
    }
}

fn hash(hasher: &FixedState, name: &str) -> u64 {
    use core::hash::{BuildHasher, Hasher};
    let mut state = hasher.build_hasher();
    state.write(name.as_bytes());
    state.finish()
}

fn named(profiles: &[Option<Profile>], slot: u32) -> &str {
    profiles[slot as usize]
        .as_ref()
        .map_or("", |profile| &*profile.name)
}
