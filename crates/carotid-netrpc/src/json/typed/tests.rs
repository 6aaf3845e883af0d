//! Go's rules, one by one.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::{DeserializeOwned, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let value = serde_json::from_str(json);
    value
        .map(|Typed(value)| value)
        .map_err(|error| error.to_string())
}

#[track_caller]
fn assert_read<T: DeserializeOwned + PartialEq + std::fmt::Debug>(json: &str, expected: T) {
    assert_eq!(read::<T>(json), Ok(expected), "{json}");
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Everything {
    truth: bool,
    whole: i64,
    small: u8,
    huge: u128,
    real: f64,
    single: f32,
    letter: char,
    text: String,
    bytes: Vec<u8>,
    list: Vec<String>,
    table: HashMap<String, i64>,
    array: [u16; 3],
    pair: (i64, String),
    nested: Args,
    pointer: Option<i64>,
    boxed: Box<i32>,
    wrapped: Wrapped,
    unit: (),
    whatever: Value,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Wrapped(i64);

#[test]
fn null_is_the_zero_value_of_whatever_is_wanted() {
    let fields = [
        "Truth", "Whole", "Small", "Huge", "Real", "Single", "Letter", "Text", "Bytes", "List",
        "Table", "Array", "Pair", "Nested", "Pointer", "Boxed", "Wrapped", "Unit", "Whatever",
    ];
    let nulls: BTreeMap<_, _> = fields.map(|field| (field, Value::Null)).into();
    assert_read(&json!(nulls).to_string(), Everything::default());
    assert_read("null", Everything::default());
    assert_read("[ null,7 , null ]", vec![0, 7, 0]);
    assert_read("[null,[null]]", vec![vec![], vec![String::new()]]);
    assert_read(
        r#"{"a":null,"b":{"A":null,"B":8}}"#,
        BTreeMap::from([
            ("a".to_owned(), Args::default()),
            ("b".to_owned(), Args { a: 0, b: 8 }),
        ]),
    );
    assert_read("[null,1]", vec![None, Some(1)]);
    assert_read(r#"[null,"x"]"#, (0, "x".to_owned()));
}

#[test]
fn what_takes_whatever_comes_keeps_its_nulls() {
    let json = r#"{"a":null,"b":[null,{"c":null}],"d":"AQID"}"#;
    let value: Value = serde_json::from_str(json).unwrap();
    assert_read(json, value.clone());
    let raw: Box<RawValue> = read(json).unwrap();
    assert_eq!(raw.get(), json);
    let table: BTreeMap<String, Box<RawValue>> = read(json).unwrap();
    assert_eq!(table["a"].get(), "null");
    let table: serde_json::Map<String, Value> = read(json).unwrap();
    assert_eq!(Value::Object(table), value);
}

#[test]
fn null_gives_a_struct_without_defaults_none_of_its_fields() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Strict {
        a: i64,
    }
    assert_read(r#"{"a":null}"#, Strict { a: 0 });
    assert_eq!(
        read::<Vec<Strict>>("[null]").unwrap_err(),
        "missing field `a` at line 1 column 6"
    );
}

#[test]
fn a_field_is_found_by_its_exact_name_or_else_in_any_case() {
    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Cases {
        name: i64,
        #[serde(rename = "Name")]
        loud: i64,
        #[serde(alias = "OLD")]
        new: i64,
    }
    let json = r#"{"Name":2,"name":1,"oLd":3}"#;
    let cases = Cases {
        name: 1,
        loud: 2,
        new: 3,
    };
    assert_read(json, cases);
    assert_read(r#"{"a":7,"\u0042":8,"c":9}"#, Args { a: 7, b: 8 });
    assert_read(r#"[{"a":7}]"#, vec![Args { a: 7, b: 0 }]);
    // Serde knows no field that comes twice, whatever its case.
    let error = read::<Args>(r#"{"a":7,"A":8}"#).unwrap_err();
    assert!(error.starts_with("duplicate field `A`"), "{error}");

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Closed {
        #[expect(dead_code, reason = "only its name matters")]
        a: i64,
    }
    assert!(read::<Closed>(r#"{"A":1}"#).is_ok());
    let error = read::<Closed>(r#"{"a":1,"b":2}"#).unwrap_err();
    assert!(
        error.starts_with("unknown field `b`, expected `a`"),
        "{error}"
    );
}

#[test]
fn the_keys_of_maps_are_as_they_are() {
    let table = HashMap::from([(-1, 2), (1, 0)]);
    assert_read(r#"{"-1":2,"1":null}"#, table);
    let table = BTreeMap::from([("A".to_owned(), 1), ("a".to_owned(), 2)]);
    assert_read(r#"{"a":2,"A":1}"#, table);
}

#[test]
fn base64_is_a_list_of_bytes_and_of_nothing_else() {
    assert_read(r#""AAH+/w==""#, vec![0u8, 1, 254, 255]);
    assert_read(r#""""#, Vec::<u8>::new());
    assert_read("[0,255,null]", vec![0u8, 255, 0]);
    assert_read(r#"["AQ==",null,[2]]"#, vec![vec![1u8], vec![], vec![2]]);
    assert_read(
        r#"{"bytes":"\u0041Q=="}"#,
        Everything {
            bytes: vec![1],
            ..Everything::default()
        },
    );
    for (outcome, error) in [
        (
            read::<Vec<u8>>(r#""AQ""#).map(drop),
            "illegal base64 data at input byte 2",
        ),
        (
            read::<Vec<String>>(r#""AQ==""#).map(drop),
            "invalid type: string \"AQ==\", expected a list",
        ),
        (
            read::<Vec<i64>>(r#""no""#).map(drop),
            "invalid type: string \"no\", expected a list",
        ),
        (
            read::<Vec<Args>>(r#""""#).map(drop),
            "invalid type: string \"\", expected a list",
        ),
        (
            read::<Vec<u8>>("7").map(drop),
            "invalid type: integer `7`, expected a sequence",
        ),
        (
            read::<Vec<u8>>("{}").map(drop),
            "invalid type: map, expected a sequence",
        ),
    ] {
        let seen = outcome.unwrap_err();
        assert!(seen.starts_with(error), "{seen}, not {error}");
    }
}

/// Bytes that are asked for as such.
#[derive(Debug, PartialEq)]
struct Blob(Vec<u8>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BlobVisitor)
    }
}

struct BlobVisitor;

impl<'de> Visitor<'de> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(bytes.to_vec()))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Blob, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(Blob(bytes))
    }
}

#[test]
fn bytes_that_are_asked_for_as_such_come_in_either_form() {
    assert_read(r#""AP8=""#, Blob(vec![0, 255]));
    assert_read("[0,255]", Blob(vec![0, 255]));
    assert_read("null", Blob(vec![]));
    assert!(read::<Blob>(r#""?""#).is_err());
}

#[test]
fn a_list_is_no_struct_but_by_position() {
    let error = read::<Args>("[7,8]").unwrap_err();
    assert!(
        error.starts_with("cannot read a list as Args at"),
        "{error}"
    );
    let error = read::<Everything>(r#"{"Nested":[7,8]}"#).unwrap_err();
    assert!(
        error.starts_with("cannot read a list as Args at"),
        "{error}"
    );
    let positional = |json| serde_json::from_str::<Positional<Args>>(json).map(|args| args.0);
    assert_eq!(positional("[7,null]").unwrap(), Args { a: 7, b: 0 });
    assert_eq!(positional(r#"{"b":8}"#).unwrap(), Args { a: 0, b: 8 });
    let nested = serde_json::from_str::<Positional<Vec<Args>>>("[[7,8]]");
    assert!(nested.is_err());
}

#[test]
fn an_array_takes_what_it_has_room_for() {
    assert_read("[1]", [1u16, 0, 0]);
    assert_read("[1,2,3,4]", [1u16, 2, 3]);
    assert_read("[]", [[0i64; 2]; 2]);
    assert_read("[[7],null]", [[7, 0], [0, 0]]);
    assert_read(r#"[1,"x",{"more":[]}]"#, (1, "x".to_owned()));
    let error = read::<[u8; 2]>(r#""AQI=""#).unwrap_err();
    assert!(error.starts_with("invalid type: string"), "{error}");
    assert!(read::<[u16; 3]>("[1,x]").is_err());
}

#[derive(Debug, PartialEq, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Square(Args),
    Line(i64, i64),
    Text { value: String, bytes: Vec<u8> },
}

#[test]
fn variants_are_read_by_the_rules_within() {
    for (json, shape) in [
        (r#""Point""#, Shape::Point),
        (r#"{"Point":null}"#, Shape::Point),
        (r#"{"Circle":1}"#, Shape::Circle(1.0)),
        (r#"{"Circle":null}"#, Shape::Circle(0.0)),
        (r#"{"Square":{"a":7}}"#, Shape::Square(Args { a: 7, b: 0 })),
        (r#"{"Line":[7]}"#, Shape::Line(7, 0)),
        (
            r#"{"Text":{"VALUE":null,"bytes":"AQ=="}}"#,
            Shape::Text {
                value: String::new(),
                bytes: vec![1],
            },
        ),
    ] {
        assert_read(json, shape);
    }
    for json in [
        "null",
        r#""point""#,
        r#"{"Square":[7,8]}"#,
        r#"{"Text":["",""]}"#,
    ] {
        assert!(read::<Shape>(json).is_err(), "{json}");
    }
}

#[test]
fn what_serde_buffers_is_read_by_its_own_rules() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Nothing,
        Text(String),
    }
    assert_read("null", Either::Nothing);
    assert_read("7", Either::Number(7));
    assert_read(r#""x""#, Either::Text("x".to_owned()));

    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        list: Vec<i64>,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    let flat = Flat {
        list: vec![],
        rest: [("x".to_owned(), Value::Null)].into(),
    };
    assert_read(r#"{"list":null,"x":null}"#, flat);
}

#[test]
fn numbers_fit_as_before() {
    assert_read("[1,2.5,1e3]", vec![1.0, 2.5, 1000.0]);
    assert_read("340282366920938463463374607431768211455", u128::MAX);
    assert_read("0.1", 0.1f32);
    for (json, error) in [
        (
            "300",
            "invalid value: integer `300`, expected i8 at line 1 column 3",
        ),
        (
            "1.5",
            "invalid type: floating point `1.5`, expected i8 at line 1 column 3",
        ),
        (
            "\"7\"",
            "invalid type: string \"7\", expected i8 at line 1 column 3",
        ),
        ("nul", "EOF while parsing a value at line 1 column 3"),
        ("", "EOF while parsing a value at line 1 column 0"),
    ] {
        assert_eq!(read::<i8>(json).unwrap_err(), error);
    }
}

#[test]
fn nesting_is_bounded() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its depth matters")]
    struct Deep(Vec<Self>);

    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read::<Deep>(&nested(127)).is_ok());
    let error = read::<Deep>(&nested(128)).unwrap_err();
    assert!(error.starts_with("recursion limit exceeded"), "{error}");
}

#[test]
fn the_rules_allocate_nothing() {
    let cost = allocation_counter::measure(|| {
        assert_read(r#"{"a":7,"B":null}"#, Args { a: 7, b: 0 });
        assert_read("[1,null]", [1u16, 0, 0]);
    });
    assert_eq!(cost.count_total, 0);
}
