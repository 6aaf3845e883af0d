//! The methods of `interop/go/behaviour`, in Rust.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use carotid::netrpc::{Gob, Router, ServerError};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// A struct with Go's names for its fields, shown as Go shows it.
macro_rules! shape {
    ($name:ident { $($field:ident: $type:ty),* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Gob, Serialize, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        pub(super) struct $name {
            $(pub(super) $field: $type),*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let fields: Vec<String> = vec![
                    $(format!("{}:{}", stringify!($field).to_uppercase(), Shown::shown(&self.$field))),*
                ];
                write!(f, "{{{}}}", fields.join(" "))
            }
        }
    };
}

/// A field as Go shows it.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($type:ty),*) => {
        $(impl Shown for $type {
            fn shown(&self) -> String {
                self.to_string()
            }
        })*
    };
}
shown!(i8, i64, u64, f64);

impl Shown for Option<i64> {
    fn shown(&self) -> String {
        self.map_or_else(|| "<nil>".to_owned(), |value| value.to_string())
    }
}

shape!(Args { a: i64, b: i64 });
shape!(Swapped { b: i64, a: i64 });
shape!(More {
    a: i64,
    b: i64,
    c: i64
});
shape!(Less { b: i64 });
shape!(Other { b: i64, c: i64 });
shape!(Narrow { a: i8, b: i8 });
shape!(Pointers { a: Option<i64>, b: Option<i64> });
shape!(Unsigned { a: i64, b: u64 });
shape!(Float { a: i64, b: f64 });
shape!(Nothing {});
shape!(Strangers { c: i64, d: i64 });
shape!(Quotient { quo: i64, rem: i64 });

/// Numbers deep within.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Rows {
    lists: Vec<Vec<i8>>,
    table: HashMap<String, i8>,
}

/// A type that holds itself.
#[derive(Clone, Debug, Default, PartialEq, Gob, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Tree {
    pub(super) name: String,
    pub(super) children: Vec<Self>,
}

/// All of them.
pub(super) fn router() -> Router {
    let mut router = Router::new();
    for arith in ["Arith", "v1.example.Arith"] {
        router
            .method(&format!("{arith}.Multiply"), multiply)
            .unwrap()
            .method(&format!("{arith}.Divide"), divide)
            .unwrap();
    }
    add_gate(&mut router);
    add_failures(&mut router);
    add_echoes(&mut router);
    add_fits(&mut router);
    router
}

async fn multiply(args: Args) -> Result<i64, ServerError> {
    Ok(args.a.wrapping_mul(args.b))
}

async fn divide(args: Args) -> Result<Quotient, ServerError> {
    if args.b == 0 {
        return Err("divide by zero".into());
    }
    Ok(Quotient {
        quo: args.a / args.b,
        rem: args.a % args.b,
    })
}

/// Methods that return when another one is called.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<HashMap<String, Arc<Door>>>>);

struct Door {
    waiting: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn door(&self, name: &str) -> Arc<Door> {
        let mut doors = self.0.lock().unwrap();
        let door = doors.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Door {
                waiting: Semaphore::new(0),
                open: Semaphore::new(0),
            })
        });
        Arc::clone(door)
    }
}

fn add_gate(router: &mut Router) {
    let gate = Gate::default();
    let doors = gate.clone();
    let wait = move |name: String| {
        let door = doors.door(&name);
        async move {
            door.waiting.add_permits(1);
            door.open.acquire().await.unwrap().forget();
            Ok::<_, ServerError>(name)
        }
    };
    let doors = gate.clone();
    let entered = move |name: String| {
        let door = doors.door(&name);
        async move {
            door.waiting.acquire().await.unwrap().forget();
            Ok::<_, ServerError>(true)
        }
    };
    let open = move |name: String| {
        gate.door(&name).open.add_permits(1);
        async { Ok::<_, ServerError>(true) }
    };
    router
        .method("Gate.Wait", wait)
        .unwrap()
        .method("Gate.Entered", entered)
        .unwrap()
        .method("Gate.Open", open)
        .unwrap();
}

fn add_failures(router: &mut Router) {
    router
        .method("Fail.With", async |text: String| {
            Err::<String, _>(ServerError::from(text))
        })
        .unwrap()
        .method(
            "Fail.Panic",
            async |text: String| -> Result<String, ServerError> { panic!("{text}") },
        )
        .unwrap();
}

async fn echo<T>(value: T) -> Result<T, ServerError> {
    Ok(value)
}

fn add_echoes(router: &mut Router) {
    router
        .method("Echo.Text", echo::<String>)
        .unwrap()
        .method("Echo.Whole", echo::<i64>)
        .unwrap()
        .method("Echo.Count", echo::<u64>)
        .unwrap()
        .method("Echo.Real", echo::<f64>)
        .unwrap()
        .method("Echo.Truth", echo::<bool>)
        .unwrap()
        .method("Echo.Bytes", echo::<Vec<u8>>)
        .unwrap()
        .method("Echo.List", echo::<Vec<i64>>)
        .unwrap()
        .method("Echo.Table", echo::<HashMap<String, i64>>)
        .unwrap()
        .method("Echo.Tree", echo::<Tree>)
        .unwrap()
        .method("Empty.Table", async |_: bool| {
            Ok::<_, ServerError>(HashMap::<String, i64>::new())
        })
        .unwrap()
        .method("Empty.List", async |_: bool| {
            Ok::<_, ServerError>(Vec::<i64>::new())
        })
        .unwrap()
        .method("Empty.Pair", async |_: bool| {
            Ok::<_, ServerError>(Args::default())
        })
        .unwrap();
}

async fn show<T: fmt::Display>(value: T) -> Result<String, ServerError> {
    Ok(value.to_string())
}

fn add_fits(router: &mut Router) {
    router
        .method("Fit.Same", show::<Args>)
        .unwrap()
        .method("Fit.Swapped", show::<Swapped>)
        .unwrap()
        .method("Fit.More", show::<More>)
        .unwrap()
        .method("Fit.Less", show::<Less>)
        .unwrap()
        .method("Fit.Other", show::<Other>)
        .unwrap()
        .method("Fit.Wide", show::<Args>)
        .unwrap()
        .method("Fit.Narrow", show::<Narrow>)
        .unwrap()
        .method("Fit.Pointers", show::<Pointers>)
        .unwrap()
        .method("Fit.Optional", async |fields: Pointers| {
            let there = [fields.a.is_some(), fields.b.is_some()];
            Ok::<_, ServerError>(format!("[{} {}]", there[0], there[1]))
        })
        .unwrap()
        .method("Fit.Unsigned", show::<Unsigned>)
        .unwrap()
        .method("Fit.Float", show::<Float>)
        .unwrap()
        .method("Fit.Nothing", show::<Nothing>)
        .unwrap()
        .method("Fit.Strangers", show::<Strangers>)
        .unwrap()
        .method("Fit.Rows", async |rows: Rows| {
            Ok::<_, ServerError>(rows.lists.len().to_string())
        })
        .unwrap();
}
