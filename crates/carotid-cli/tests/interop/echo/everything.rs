//! A Rust struct with a field of every kind; Go's is in `interop/go/echo/typed.go`.

use std::collections::{BTreeMap, HashMap};

use carotid_netrpc::Gob;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, Gob)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Everything {
    pub(super) bool: bool,
    pub(super) int: isize,
    pub(super) int8: i8,
    pub(super) int16: i16,
    pub(super) int32: i32,
    pub(super) int64: i64,
    pub(super) uint: usize,
    pub(super) uint8: u8,
    pub(super) uint16: u16,
    pub(super) uint32: u32,
    pub(super) uint64: u64,
    pub(super) float32: f32,
    pub(super) float64: f64,
    pub(super) text: String,
    pub(super) bytes: Vec<u8>,
    pub(super) list: Vec<i16>,
    pub(super) lists: Vec<Vec<String>>,
    pub(super) array: [u8; 3],
    pub(super) map: BTreeMap<String, i64>,
    pub(super) deep: HashMap<i32, BTreeMap<bool, Vec<Item>>>,
    pub(super) item: Item,
    pub(super) maybe: Option<Item>,
    pub(super) maybe_n: Option<u32>,
    pub(super) left: Option<Box<Self>>,
    pub(super) more: Vec<Self>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, Gob)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) size: u64,
}

/// What a later version has: some fields are new, some gone, the others in another order.
#[derive(Debug, Default, PartialEq, Gob)]
pub(super) struct Wider {
    pub(super) extra: BTreeMap<String, Vec<Item>>,
    pub(super) item: Item,
    pub(super) text: String,
    pub(super) version: Option<Box<Self>>,
}

/// What has no room for what Go sends.
#[derive(Debug, Default, Gob)]
pub(super) struct Narrow {
    pub(super) int: i8,
}

impl Everything {
    /// All fields at their extremes.
    pub(super) fn full() -> Self {
        let item = |name: &str| Item {
            name: name.to_owned(),
            size: u64::MAX,
        };
        let inner = Self {
            text: "inner".to_owned(),
            maybe: Some(Item::default()),
            ..Self::default()
        };
        Self {
            bool: true,
            int: isize::MIN,
            int8: i8::MIN,
            int16: i16::MIN,
            int32: i32::MAX,
            int64: i64::MIN,
            uint: usize::MAX,
            uint8: u8::MAX,
            uint16: u16::MAX,
            uint32: u32::MAX,
            uint64: 1 << 63,
            float32: f32::MIN_POSITIVE,
            float64: f64::NEG_INFINITY,
            text: "客户端/42".to_owned(),
            bytes: vec![0, 255],
            list: vec![-1, 0, 1],
            lists: vec![Vec::new(), vec![String::new(), "x".to_owned()]],
            array: [1, 0, 255],
            map: BTreeMap::from([(String::new(), 0), ("x".to_owned(), -1)]),
            deep: HashMap::from([
                (
                    -7,
                    BTreeMap::from([(true, vec![item("deep")]), (false, Vec::new())]),
                ),
                (0, BTreeMap::new()),
            ]),
            item: item("item"),
            maybe: Some(item("")),
            maybe_n: Some(3),
            left: Some(Box::new(inner.clone())),
            more: vec![Self::default(), inner],
        }
    }

    /// What an earlier version, Go's `Fewer`, has of it.
    pub(super) fn fewer(&self) -> Self {
        Self {
            text: self.text.clone(),
            item: Item {
                size: self.item.size,
                ..Item::default()
            },
            ..Self::default()
        }
    }
}

impl Wider {
    pub(super) fn full() -> Self {
        Self {
            extra: BTreeMap::from([("x".to_owned(), vec![Item::default()])]),
            item: Item {
                name: "item".to_owned(),
                size: 1,
            },
            text: "wide".to_owned(),
            version: Some(Box::default()),
        }
    }
}
