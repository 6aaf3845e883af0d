//! The sessions that one connection has named.
//!
//! Most connections name one, and name it again with each call, so the one named last is looked at
//! first, and a few are simply compared. Only a relay has so many that it needs an index.

use std::hash::BuildHasher;
use std::ops::{Index, IndexMut};

use carotid_core::Terms;
use hashbrown::HashTable;

use crate::driver::SessionKey;

/// More names than this are found by hash.
const FEW: usize = 8;

/// A session, as its connection knows it.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: Box<str>,
    pub(super) key: SessionKey,
    pub(super) epoch: u32,
    /// What was agreed with a peer that has wishes.
    pub(super) deal: Option<Box<Deal>>,
}

/// What was agreed with a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deal {
    /// What the peer asked for, for the next life of the name.
    pub(super) wish: Terms,
    /// What it was granted.
    pub(super) granted: Terms,
    /// What it was told with its last beat, which holds from its next one: until then it may not know.
    pub(super) promised: Option<Terms>,
}

/// All that a connection has named.
#[derive(Debug, Default)]
pub(super) struct Roster {
    named: Vec<Named>,
    /// Where the one stands that was asked for last.
    last: usize,
    index: Option<Box<ByName>>,
}

/// Where in the roster a name stands.
#[derive(Debug, Default)]
struct ByName {
    places: HashTable<usize>,
    // Peers choose the names, so where they fall must not be theirs to know (I9).
    hasher: foldhash::fast::RandomState,
}

impl Roster {
    pub(super) fn len(&self) -> usize {
        self.named.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Named> {
        self.named.iter()
    }

    /// Where this name stands.
    pub(super) fn find(&mut self, name: &str) -> Option<usize> {
        let is = |named: &Named| *named.name == *name;
        if self.named.get(self.last).is_some_and(is) {
            return Some(self.last);
        }
        let at = match &self.index {
            None => self.named.iter().position(is),
            Some(index) => {
                let hash = index.hasher.hash_one(name);
                let found = index.places.find(hash, |&at| is(&self.named[at]));
                found.copied()
            }
        }?;
        self.last = at;
        Some(at)
    }

    /// The one that was asked for last.
    pub(super) fn last(&self) -> Option<&Named> {
        self.named.get(self.last)
    }

    /// Takes one in, in place of another of the same name. Returns where it stands.
    pub(super) fn insert(&mut self, named: Named) -> usize {
        if let Some(at) = self.find(&named.name) {
            self.named[at] = named;
            return at;
        }
        let at = self.named.len();
        if self.named.is_empty() {
            // Most stay alone.
            self.named.reserve_exact(1);
        }
        self.named.push(named);
        self.last = at;
        if let Some(index) = &mut self.index {
            index.add(&self.named, at);
        } else if FEW < self.named.len() {
            self.reindex();
        }
        at
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Named> {
        let at = self.find(name)?;
        if let Some(index) = &mut self.index {
            index.remove(&self.named, at);
            // The last one takes its place.
            let moved = self.named.len() - 1;
            if at != moved {
                index.remove(&self.named, moved);
            }
        }
        let removed = self.named.swap_remove(at);
        if let Some(index) = &mut self.index
            && at < self.named.len()
        {
            index.add(&self.named, at);
        }
        Some(removed)
    }

    /// Keeps those of whom `keep` says so.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Named) -> bool) {
        self.named.retain(keep);
        self.named.shrink_to(2 * self.named.len());
        self.reindex();
    }

    /// All of them; the roster is empty then.
    pub(super) fn take(&mut self) -> Vec<Named> {
        self.index = None;
        std::mem::take(&mut self.named)
    }

    fn reindex(&mut self) {
        self.index = None;
        if FEW < self.named.len() {
            let mut index = Box::<ByName>::default();
            for at in 0..self.named.len() {
                index.add(&self.named, at);
            }
            self.index = Some(index);
        }
    }
}

impl ByName {
    fn add(&mut self, named: &[Named], at: usize) {
        let Self { places, hasher } = self;
        let hash = |at: usize| hasher.hash_one(&*named[at].name);
        places.insert_unique(hash(at), at, |&at| hash(at));
    }

    fn remove(&mut self, named: &[Named], at: usize) {
        let hash = self.hasher.hash_one(&*named[at].name);
        if let Ok(entry) = self.places.find_entry(hash, |&place| place == at) {
            entry.remove();
        }
    }
}

impl Index<usize> for Roster {
    type Output = Named;

    fn index(&self, at: usize) -> &Named {
        &self.named[at]
    }
}

impl IndexMut<usize> for Roster {
    fn index_mut(&mut self, at: usize) -> &mut Named {
        &mut self.named[at]
    }
}
