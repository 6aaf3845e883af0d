//! Which types fit which, as the documentation of gob tells it.

use super::ground::{assert_alike, assert_ours, assert_theirs};

/// What becomes of a `struct { A, B int }` in each type that a method may take.
const INTO: [&str; 11] = [
    "Same {A:7 B:8}",
    "Swapped {B:8 A:7}",
    "More {A:7 B:8 C:0}",
    "Less {B:8}",
    "Other {B:8 C:0}",
    "Wide {A:7 B:8}",
    "Narrow {A:7 B:8}",
    "Pointers {A:7 B:8}",
    "Unsigned refused",
    "Float refused",
    "Nothing {}",
];

#[test]
fn arguments_fit_by_the_names_and_kinds_of_their_fields() {
    let then = [
        "Strangers refused",
        "300 into 8 bits refused",
        "-128 into 8 bits {A:-128 B:127}",
        "from 8 bits {A:7 B:8}",
        "from 64 bits {A:7 B:8}",
        "from pointers {A:7 B:8}",
        "from fewer {A:0 B:8}",
        "from more {A:7 B:8}",
        "from unsigned refused",
        "from strangers refused",
        "once more {A:7 B:8}",
    ];
    assert_alike(&["tcp"], "arguments", &[&INTO[..], &then].concat());
}

#[test]
fn replies_fit_by_the_names_and_kinds_of_their_fields() {
    assert_alike(
        &["tcp"],
        "replies",
        &[
            "&{Quo:3 Rem:2}",
            "&{Rem:2 Quo:3}",
            "&{Quo:3 Rem:2 More:9}",
            "&{Rem:2}",
            "&{Quo:3 Rem:2}",
            "3 2",
            "misfit",
            "misfit",
            "misfit",
            "misfit",
        ],
    );
}

#[test]
fn values_of_the_basic_kinds_come_back_as_they_were() {
    let kinds = [
        ["Text <nil> true"].repeat(2),
        ["Whole <nil> true"].repeat(8),
        ["Count <nil> true"].repeat(4),
        ["Real <nil> true"].repeat(6),
        ["Truth <nil> true"].repeat(2),
        vec!["List <nil> true", "Table <nil> true", "Tree <nil> true"],
    ];
    assert_alike(&["tcp", "json"], "kinds", &kinds.concat());
    assert_alike(&["tcp"], "bytes", &["Bytes <nil> true"]);
}

#[test]
fn fields_that_are_not_sent_or_not_wanted_do_not_matter() {
    assert_alike(
        &["tcp"],
        "skipped",
        &["skipped {A:7 B:8}", "skipped {A:7 B:8}"],
    );
}

#[test]
fn a_nil_pointer_is_a_field_that_is_not_sent() {
    let expected = [
        "from a nil pointer {A:7 B:0}",
        "into a pointer [true false]",
    ];
    assert_alike(&["tcp"], "nothing", &expected);
}

#[test]
fn a_list_is_no_struct() {
    assert_alike(&["tcp"], "list", &["true 0", "<nil> 56"]);
}

#[test]
fn what_does_not_fit_is_refused_in_gos_words() {
    let no_struct = |name: &str| {
        format!("gob: type mismatch in decoder: want struct type {name}; got non-struct")
    };
    let field =
        |kind: &str, field: &str| format!("gob: wrong type ({kind}) for received field {field}");
    let kinds = |local: &str, remote: &str| {
        format!("gob: decoding into local type *{local}, received remote type {remote}")
    };
    let too_large = |place: &str| format!("value for \"{place}\" out of range");
    let expected = [
        no_struct("Args"),
        no_struct("Args"),
        no_struct("Tree"),
        field("uint", "Args.B"),
        field("float64", "Args.B"),
        field("int", ".A"),
        field("int", ".A"),
        no_struct("Tree"),
        field("string", ".Name"),
        "gob: type mismatch: no fields matched compiling decoder for Strangers".to_owned(),
        kinds("string", "int"),
        kinds("bool", "string"),
        kinds("float64", "bool"),
        "<nil>".to_owned(),
        kinds("[]uint8", "string"),
        kinds("[]int", "string"),
        kinds("map[string]int", "float"),
        too_large("B"),
        too_large("A"),
        too_large("element of element of Lists"),
        too_large("Table"),
        "<nil>".to_owned(),
    ];
    assert_alike(
        &["tcp", "http"],
        "words",
        &expected.each_ref().map(String::as_str),
    );
}

#[test]
fn a_string_that_is_not_utf_8_is_refused() {
    assert_theirs("tcp", "no text", &[r#"false "\xff\x00""#, "<nil> text"]);
    assert_ours("tcp", "no text", &[r#"true """#, "<nil> text"]);
}
