//! Composed types by their ids: a peer's, or one's own.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::gob::dynamic::error::ValueError;
use crate::gob::ids;
use crate::gob::shape::{Definition, Shape, TypeId};

/// Where the ids of types begin that no peer defined. A peer's ids end before, as Go's do.
const FIRST_OWN: i64 = 1 << 32;

/// The types that dynamic values are made of.
///
/// It only grows, and its clones are the same set, so that all values of a connection share the
/// peer's definitions however many they are. Types may refer to each other and to themselves.
/// Build a set once and use it for many values: a connection defines each of its types once.
#[derive(Clone)]
pub struct TypeSet(Arc<Shared>);

struct Shared {
    serial: u64,
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    types: HashMap<TypeId, Arc<Definition>>,
    /// Those of [`TypeSet::add`], to be found again.
    added: HashMap<Arc<Definition>, TypeId>,
    next: i64,
    holds_interfaces: bool,
}

impl Table {
    fn add(&mut self, definition: Definition) -> TypeId {
        if let Some(id) = self.added.get(&definition) {
            return *id;
        }
        let id = self.reserve();
        let definition = self.insert(id, definition);
        self.added.insert(definition, id);
        id
    }

    fn reserve(&mut self) -> TypeId {
        self.next += 1;
        TypeId(self.next)
    }

    fn insert(&mut self, id: TypeId, definition: Definition) -> Arc<Definition> {
        self.holds_interfaces |= definition.parts().any(|part| part == TypeId::INTERFACE);
        let definition = Arc::new(definition);
        self.types.insert(id, Arc::clone(&definition));
        definition
    }
}

impl TypeSet {
    /// An empty set; the basic types of [`TypeId`] belong to every one.
    #[must_use]
    pub fn new() -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        Self(Arc::new(Shared {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            table: RwLock::new(Table {
                next: FIRST_OWN,
                ..Table::default()
            }),
        }))
    }

    /// Adds a type, or finds the one that is alike. (Go refuses a value in which one type of its
    /// own goes by two ids.)
    pub fn add(&self, name: &str, shape: Shape) -> TypeId {
        let name = name.into();
        self.write().add(Definition { name, shape })
    }

    /// Adds a type that may be made of itself: `shape` is told its id.
    pub fn add_recursive(&self, name: &str, shape: impl FnOnce(TypeId) -> Shape) -> TypeId {
        let id = self.reserve();
        self.insert(id, name, shape(id));
        id
    }

    /// Adds types that are made of each other: `shapes` is told the ids of as many as it
    /// returns, in that order.
    pub fn add_mutual<const N: usize>(
        &self,
        shapes: impl FnOnce([TypeId; N]) -> [(&'static str, Shape); N],
    ) -> [TypeId; N] {
        let ids = std::array::from_fn(|_| self.reserve());
        for (id, (name, shape)) in ids.into_iter().zip(shapes(ids)) {
            self.insert(id, name, shape);
        }
        ids
    }

    /// What a composed type is made of; `None` for basic types and for ids of other sets.
    #[must_use]
    pub fn get(&self, id: TypeId) -> Option<Arc<Definition>> {
        self.read().types.get(&id).cloned()
    }

    /// Adds what a peer defines. A type cannot be defined twice.
    pub(crate) fn define(&self, id: i64, definition: Definition) -> Result<(), ValueError> {
        let mut table = self.write();
        let id = TypeId(id);
        if !(ids::FIRST_USER..FIRST_OWN).contains(&id.0) || table.types.contains_key(&id) {
            return Err(ValueError::DefinedTwice);
        }
        table.insert(id, definition);
        Ok(())
    }

    /// Whether some type is made of interfaces; only then may a value define types.
    pub(crate) fn holds_interfaces(&self) -> bool {
        self.read().holds_interfaces
    }

    pub(crate) fn definition(&self, id: TypeId) -> Result<Arc<Definition>, ValueError> {
        self.get(id).ok_or(ValueError::Undefined(id.0))
    }

    /// Whether values of this type are framed as structs are.
    pub(crate) fn is_struct(&self, id: TypeId) -> Result<bool, ValueError> {
        if id.is_basic() {
            return Ok(false);
        }
        let table = self.read();
        let definition = table.types.get(&id).ok_or(ValueError::Undefined(id.0))?;
        Ok(matches!(definition.shape, Shape::Struct { .. }))
    }

    /// Tells sets apart, also after one of them is gone.
    pub(crate) fn serial(&self) -> u64 {
        self.0.serial
    }

    fn reserve(&self) -> TypeId {
        self.write().reserve()
    }

    fn insert(&self, id: TypeId, name: &str, shape: Shape) {
        let name = name.into();
        self.write().insert(id, Definition { name, shape });
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        // Nothing panics while it is held, save for want of memory.
        self.0.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TypeSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.read().types).finish()
    }
}
