//! The expected texts are those of Go 1.27's decoder, package names left out.

use std::collections::{BTreeMap, HashMap};

use gobwire::Gob;

use super::*;
use crate::frame::Frame;
use crate::gob::convert::{FromGob, Received};
use crate::gob::number::take_bytes;
use crate::gob::types::Types;

const LIMIT: usize = 1 << 20;

/// Says why what is sent is no `T`.
#[track_caller]
fn refused<T: FromGob>(sent: &(impl gobwire::Encode + ?Sized)) -> String {
    let stream = gobwire::Encoder::new().encode(sent).unwrap();
    let (mut stream, mut types) = (&stream[..], Types::default());
    loop {
        let message = take_bytes(&mut stream).unwrap();
        if take_int(&mut &message[..]).unwrap() < 0 {
            let definition = Frame::owned(message.to_vec());
            types.define(&definition, LIMIT).unwrap();
            continue;
        }
        let received = Received {
            types: Some(&mut types),
            message,
        };
        let Err(error) = T::from_gob(received) else {
            panic!("it fits");
        };
        let text = error.to_string();
        assert!(!text.contains("::"), "{text}");
        return text;
    }
}

macro_rules! shape {
    ($name:ident $go:literal { $($field:ident $go_field:literal: $type:ty),* }) => {
        #[derive(Clone, Debug, Default, Gob)]
        #[gob(name = $go)]
        struct $name {
            $(#[gob(name = $go_field)] $field: $type),*
        }
    };
}

shape!(Args "Args" { a "A": i64, b "B": i64 });
shape!(Unsigned "Unsigned" { a "A": i64, b "B": u64 });
shape!(Narrow "Narrow" { a "A": i64, b "B": i8, c "C": i8, d "D": f32 });
shape!(Strangers "Strangers" { c "C": i64, d "D": i64 });
shape!(Item "Item" { name "Name": String });
shape!(Ware "Ware" { name "Name": i64 });
shape!(Deep "Deep" {
    a "A": i64, items "Items": Vec<Item>, it "It": Option<Item>, map "M": HashMap<String, i8>,
    keys "K": HashMap<i8, i64>, list "L": Vec<i8>, array "Arr": [u16; 3],
    rows "Rows": Vec<HashMap<String, Vec<i8>>>
});
shape!(Wide "Wide" { a "A": i64, b "B": i64, c "C": i64, d "D": f64 });
shape!(OfText "" { a "A": String });
shape!(OfWords "" { items "Items": Vec<String> });
shape!(OfWares "" { items "Items": Vec<Ware> });
shape!(OfInt "" { it "It": i64 });
shape!(OfMaps "" { map "M": BTreeMap<String, i64>, keys "K": BTreeMap<i64, i64> });
shape!(OfLists "" {
    a "A": i64, list "L": Vec<i64>, array "Arr": [u64; 3],
    rows "Rows": Vec<BTreeMap<String, Vec<i64>>>
});
shape!(OfArray "" { array "Arr": [u64; 2] });

#[test]
fn what_is_no_struct_is_refused_in_gos_words() {
    let text = "gob: type mismatch in decoder: want struct type Args; got non-struct";
    assert_eq!(refused::<Args>("x"), text);
    assert_eq!(refused::<Args>(&1i64), text);
    assert_eq!(refused::<Args>(&vec![1i64]), text);
    assert_eq!(refused::<Args>(&HashMap::from([(1i64, 1i64)])), text);
    let text = "gob: type mismatch in decoder: want struct type Item; got non-struct";
    assert_eq!(refused::<Vec<Item>>(&vec!["a".to_owned()]), text);
    let items = vec!["a".to_owned()];
    assert_eq!(refused::<Deep>(&OfWords { items }), text);
    assert_eq!(refused::<Deep>(&OfInt { it: 1 }), text);
}

#[test]
fn fields_of_another_kind_are_named_with_the_kind_they_have_here() {
    let args = Args { a: 7, b: 8 };
    assert_eq!(
        refused::<Unsigned>(&args),
        "gob: wrong type (uint) for received field Args.B"
    );
    assert_eq!(
        refused::<Item>(&Ware { name: 1 }),
        "gob: wrong type (string) for received field Ware.Name"
    );
    let items = vec![Ware { name: 1 }];
    for text in [
        refused::<Vec<Item>>(&items),
        refused::<Deep>(&OfWares { items }),
    ] {
        assert_eq!(
            text,
            "gob: wrong type (string) for received field Ware.Name"
        );
    }
    assert_eq!(
        refused::<Deep>(&OfText { a: "x".to_owned() }),
        "gob: wrong type (int) for received field .A"
    );
    assert_eq!(
        refused::<Deep>(&OfArray { array: [0; 2] }),
        "gob: wrong type ([3]uint) for received field .Arr"
    );
}

#[test]
fn structs_without_a_common_field_are_refused_in_gos_words() {
    assert_eq!(
        refused::<Strangers>(&Args { a: 7, b: 8 }),
        "gob: type mismatch: no fields matched compiling decoder for Strangers"
    );
}

#[test]
fn other_kinds_are_named_on_both_sides() {
    let into = |local: &str, remote: &str| {
        format!("gob: decoding into local type *{local}, received remote type {remote}")
    };
    let words = vec!["a".to_owned()];
    let args = Args { a: 7, b: 8 };
    for (text, expected) in [
        (refused::<i64>("x"), into("int", "string")),
        (refused::<u16>("x"), into("uint16", "string")),
        (refused::<f32>(&1i64), into("float32", "int")),
        (refused::<bool>(&1.5), into("bool", "float")),
        (refused::<String>(&vec![1i64]), into("string", "[]int")),
        (refused::<String>(&words), into("string", "[]string")),
        (refused::<Vec<u8>>("x"), into("[]uint8", "string")),
        (refused::<Vec<Item>>("x"), into("[]Item", "string")),
        (refused::<[i64; 3]>(&[1i64, 2]), into("[3]int", "[2]int")),
        (
            refused::<String>(&args),
            into("string", "Args = struct { A int; B int; }"),
        ),
        (
            refused::<HashMap<String, i64>>(&HashMap::from([(1i64, vec![0u8])])),
            into("map[string]int", "map[int]bytes"),
        ),
    ] {
        assert_eq!(text, expected);
    }
    assert_eq!(
        refused::<Option<gobwire::Interface>>("x"),
        "gob: local interface type *interface {} can only be decoded from remote interface \
         type; received concrete type string"
    );
}

#[test]
fn a_number_out_of_range_is_named_by_its_field() {
    let wide = |b, c, d| Wide { a: 300, b, c, d };
    for (text, place) in [
        (refused::<Narrow>(&wide(300, 1, 0.5)), "B"),
        (refused::<Narrow>(&wide(300, 300, 1e300)), "B"),
        (refused::<Narrow>(&wide(127, -129, 0.5)), "C"),
        (refused::<Narrow>(&wide(0, 0, 1e300)), "D"),
        (refused::<i8>(&300i64), "*int8"),
        (refused::<Vec<i8>>(&vec![1i64, 300]), "element of *[]int8"),
        (
            refused::<HashMap<i8, i8>>(&HashMap::from([(1i64, 300i64)])),
            "*map[int8]int8",
        ),
    ] {
        assert_eq!(text, format!("value for \"{place}\" out of range"));
    }
}

#[test]
fn a_number_out_of_range_within_a_field_is_named_as_go_does() {
    let maps = |map, keys| OfMaps {
        map: BTreeMap::from([("a".to_owned(), map)]),
        keys: BTreeMap::from([(keys, 300)]),
    };
    let lists = |list, array, row| OfLists {
        a: 1 << 40,
        list: vec![1, list],
        array: [1, array, 1],
        rows: vec![BTreeMap::from([("a".to_owned(), vec![row])])],
    };
    for (text, place) in [
        (refused::<Deep>(&maps(300, 1)), "M"),
        (refused::<Deep>(&maps(1, 300)), "K"),
        (refused::<Deep>(&lists(300, 1, 1)), "element of L"),
        (refused::<Deep>(&lists(1, 1 << 16, 1)), "element of Arr"),
        (
            refused::<Deep>(&lists(1, 1, 300)),
            "element of element of element of Rows",
        ),
    ] {
        assert_eq!(text, format!("value for \"{place}\" out of range"));
    }
}

#[test]
fn the_first_of_many_numbers_is_found_and_long_messages_are_not_searched() {
    let lists = |count: usize| OfLists {
        list: vec![300; count],
        ..OfLists::default()
    };
    let text = refused::<Deep>(&lists(10_000));
    assert_eq!(text, "value for \"element of L\" out of range");
    let text = refused::<Deep>(&lists(30_000));
    assert_eq!(text, "value for \"*Deep\" out of range");
}

#[test]
fn types_that_hold_themselves_are_compared_once() {
    shape!(Tree "Tree" { name "Name": String, kids "Kids": Vec<Tree> });
    shape!(Wood "Wood" { kids "Kids": Vec<Wood>, name "Name": i64 });
    let wood = Wood {
        kids: vec![Wood::default()],
        name: 1,
    };
    assert_eq!(
        refused::<Tree>(&wood),
        "gob: wrong type (string) for received field Wood.Name"
    );
    assert_eq!(
        refused::<String>(&wood),
        "gob: decoding into local type *string, received remote type \
         Wood = struct { Kids []Wood; Name int; }"
    );
}

#[test]
fn texts_of_gobwire_lose_their_modules() {
    let error = gobwire::Error::Corrupt("empty name for field of type a::b1::C<d::E>.F".into());
    let text = "gob: empty name for field of type C<E>.F";
    assert_eq!(without_modules(&error), text);
}
