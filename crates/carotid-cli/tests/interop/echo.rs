//! Values of every type, from Go through a Rust method and back, and from Rust
//! through a Go method and back.

mod described;
mod dice;
mod everything;
mod json;

use std::net::SocketAddr;
use std::sync::Arc;

use carotid_netrpc::{CallError, Client, Dynamic, JsonClient, Listener, Router, Server, Value};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::go;
use described::{Kind, World};
use everything::{Everything, Narrow, Wider};

/// A Rust server in this process, until it is dropped.
struct Echo {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Echo {
    fn start() -> Self {
        let mut router = Router::new();
        router
            .method("Echo.Any", async |any: Dynamic| Ok(any))
            .unwrap()
            .method("Echo.Typed", async |all: Everything| Ok(all))
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let guard = runtime.enter();
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let address = go::announced(&listener.local_addr().unwrap().to_string());
        runtime.spawn(Server::new(router).serve([listener], CancellationToken::new()));
        drop(guard);
        Self {
            address,
            _runtime: runtime,
        }
    }
}

/// Lets the Go program send random values, and returns what it says in the end.
fn echoed(flags: &[&str]) -> Vec<String> {
    let echo = Echo::start();
    let address = echo.address.to_string();
    go::start("echo", &[&["-addr", &address], flags].concat()).rest()
}

/// Go's own tables of types grow with the square of their number, so this takes four runs.
fn ten_thousand_types(dial: &str) {
    for seed in ["1", "2", "3", "4"] {
        assert_eq!(
            echoed(&["-dial", dial, "-seed", seed, "-types", "2500"]),
            ["2500 types, 5000 values: 0 wrong"],
            "seed {seed}"
        );
    }
}

#[test]
fn values_of_ten_thousand_types_from_go_come_back_in_gob() {
    ten_thousand_types("gob");
}

#[test]
fn values_of_ten_thousand_types_from_go_come_back_in_json() {
    ten_thousand_types("json");
}

#[test]
fn thousands_of_types_fit_one_connection() {
    let flags = [
        "-seed", "3", "-types", "1500", "-per", "1500", "-flight", "200",
    ];
    assert_eq!(echoed(&flags), ["1500 types, 3000 values: 0 wrong"]);
}

#[test]
fn values_of_ten_thousand_types_from_rust_come_back_in_gob() {
    send_described(false);
}

#[test]
fn values_of_ten_thousand_types_from_rust_come_back_in_json() {
    send_described(true);
}

fn send_described(json: bool) {
    const CONNECTIONS: u64 = 40;
    const TYPES: usize = 250;
    let flags: &[_] = if json {
        &["-serve", "-dial", "json"]
    } else {
        &["-serve"]
    };
    let server = go::start("echo", flags);
    let address = go::announced(&server.line());
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        for seed in 0..CONNECTIONS {
            let caller = Caller::dial(address, json).await;
            send_kinds(caller, World::new(seed, json), TYPES).await;
        }
    });
}

/// A client of either protocol.
#[derive(Clone)]
enum Caller {
    Gob(Arc<Client>),
    Json(Arc<JsonClient>),
}

impl Caller {
    async fn dial(address: SocketAddr, json: bool) -> Self {
        if json {
            Self::Json(Arc::new(JsonClient::dial(address).await.unwrap()))
        } else {
            Self::Gob(Arc::new(Client::dial(address).await.unwrap()))
        }
    }

    async fn describe(&self, number: usize, kind: &Kind) -> Result<String, CallError> {
        let described = format!("{number} {kind}");
        match self {
            Self::Gob(client) => client.call("Echo.Type", &described).await,
            Self::Json(client) => client.call("Echo.Type", &described).await,
        }
    }

    async fn echo(&self, number: usize, value: &Dynamic) -> Result<Dynamic, CallError> {
        let method = format!("Echo.Value/{number}");
        match self {
            Self::Gob(client) => client.call(&method, value).await,
            Self::Json(client) => client.call(&method, value).await,
        }
    }
}

/// One connection: describes types to the Go program and sends values of them, many at once.
async fn send_kinds(caller: Caller, mut world: World, types: usize) {
    let mut flight = JoinSet::new();
    for number in 0..types {
        let kind = Arc::new(world.kind(1 + number % 4));
        let name = caller.describe(number, &kind).await.unwrap();
        for _ in 0..2 {
            let value = world.value(&kind);
            let sent = Dynamic::new(&world.types, kind.id, &value).unwrap();
            let (types, anys) = (world.types.clone(), world.anys);
            let (caller, kind, name) = (caller.clone(), Arc::clone(&kind), name.clone());
            flight.spawn(async move {
                let mut came = caller.echo(number, &sent).await.unwrap();
                if let Some(text) = came.json() {
                    let value = json::value(&kind, anys, text);
                    came = Dynamic::new(&types, kind.id, &value).unwrap();
                }
                // Taken apart again, what was sent has no zero values any more, as in Go.
                let (sent, came) = (sent.value().unwrap(), came.value().unwrap());
                assert_eq!(text(&sent), text(&came), "{name}");
            });
        }
        while flight.len() > 32 {
            flight.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = flight.join_next().await {
        done.unwrap();
    }
}

/// A value as text: the order of entries does not matter, the bits of a NaN neither.
fn text(value: &Value) -> String {
    match value {
        Value::List(list) => format!("[{}]", joined(list.iter().map(text))),
        Value::Map(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| format!("{}:{}", text(key), text(value)));
            let mut entries: Vec<_> = entries.collect();
            entries.sort();
            format!("map[{}]", joined(entries))
        }
        Value::Struct(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(place, value)| format!("{place}:{}", text(value)));
            format!("{{{}}}", joined(fields))
        }
        Value::Interface(Some(held)) => format!("{:?}({})", held.name, text(&held.value)),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Float(_)
        | Value::Complex(..)
        | Value::Bytes(_)
        | Value::Text(_)
        | Value::Interface(None)
        | Value::Marshaled(_) => format!("{value:?}"),
    }
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(",")
}

#[test]
fn rust_types_come_back_to_go_whole_and_what_does_not_fit_is_refused() {
    let said = echoed(&["-typed"]);
    let expected = [
        "struct { Int8 int }: value for \"Int8\" out of range",
        "struct { Uint16 uint32 }: value for \"Uint16\" out of range",
        "struct { Float32 float64 }: value for \"Float32\" out of range",
        "struct { Text int }: gob: wrong type (string) for received field .Text",
        "struct { Array [2]uint8 }: gob: wrong type ([3]uint) for received field .Array",
        "struct { List []uint16 }: gob: wrong type ([]int) for received field .List",
        "struct { Nothing int }: gob: type mismatch: no fields matched compiling decoder for Everything",
        "string: gob: type mismatch in decoder: want struct type Everything; got non-struct",
        "[]int: gob: type mismatch in decoder: want struct type Everything; got non-struct",
        "5 types, 5 values: 0 wrong",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said} is not {expected}");
    }
}

#[test]
fn rust_types_come_back_from_go_also_as_other_versions_of_themselves() {
    let server = go::start("echo", &["-serve"]);
    let address = go::announced(&server.line());
    Runtime::new().unwrap().block_on(async {
        let client = Client::dial(address).await.unwrap();
        let all = Everything::full();
        for sent in [Everything::default(), all.clone()] {
            let came: Everything = client.call("Echo.Typed", &sent).await.unwrap();
            assert_eq!(came, sent);
        }
        // Go does not have some fields of a later version, and it not some of Go's.
        let wider = Wider::full();
        let came: Wider = client.call("Echo.Typed", &wider).await.unwrap();
        let expected = Wider {
            text: wider.text.clone(),
            item: wider.item.clone(),
            ..Wider::default()
        };
        assert_eq!(came, expected);
        // An earlier version answers what it has.
        let came: Everything = client.call("Echo.Fewer", &all).await.unwrap();
        assert_eq!(came, all.fewer());
        let refused = client.call::<i64>("Echo.Typed", &all).await;
        assert!(matches!(refused, Err(CallError::Reply(_))), "{refused:?}");
        let narrow: Result<Narrow, _> = client.call("Echo.Typed", &all).await;
        let refused = narrow.unwrap_err().to_string();
        assert!(
            refused.ends_with("value for \"Int\" out of range"),
            "{refused}"
        );
    });
}
