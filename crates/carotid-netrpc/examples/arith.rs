//! The Arith service of the documentation of Go's `net/rpc`.
//!
//! `cargo run -p carotid-netrpc --example arith -- 127.0.0.1:1234`, then call it from Go with
//! `rpc.Dial`, `rpc.DialHTTP` or `jsonrpc.Dial`. Without an address it takes a free port of
//! the loopback interface. Ctrl-C ends it.

use std::env;
use std::error::Error;

use carotid_netrpc::{Gob, Listener, RegisterError, Router, Server, ServerError};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Default, Deserialize, Gob)]
#[serde(default, rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, Default, Serialize, Gob)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

/// As in Go, a product that does not fit wraps around.
async fn multiply(args: Args) -> Result<i64, ServerError> {
    Ok(args.a.wrapping_mul(args.b))
}

async fn divide(args: Args) -> Result<Quotient, ServerError> {
    if args.b == 0 {
        return Err("divide by zero".into());
    }
    Ok(Quotient {
        quo: args.a.wrapping_div(args.b),
        rem: args.a.wrapping_rem(args.b),
    })
}

fn arith() -> Result<Router, RegisterError> {
    let mut router = Router::new();
    router
        .method("Arith.Multiply", multiply)?
        .method("Arith.Divide", divide)?;
    Ok(router)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1);
    let listener = Listener::bind(addr.as_deref().unwrap_or("127.0.0.1:0"))?;
    #[expect(clippy::print_stdout, reason = "the address is this program's output")]
    {
        println!("{}", listener.local_addr()?);
    }
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(Server::new(arith()?).serve([listener], shutdown.clone()));
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    serving.await??;
    Ok(())
}
