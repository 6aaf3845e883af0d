//! A service that answers whatever it is sent, of whatever type: `Echo.Any`.
//!
//! `cargo run -p carotid-netrpc --example echo -- 127.0.0.1:1234`, then call it from Go with
//! `rpc.Dial` or `jsonrpc.Dial`, any value, and a pointer to the same type for the reply.
//! Without an address it takes a free port of the loopback interface. Ctrl-C ends it.

use std::env;
use std::error::Error;

use carotid_netrpc::{Dynamic, Listener, Router, Server};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1);
    let listener = Listener::bind(addr.as_deref().unwrap_or("127.0.0.1:0"))?;
    #[expect(clippy::print_stdout, reason = "the address is this program's output")]
    {
        println!("{}", listener.local_addr()?);
    }
    let mut router = Router::new();
    router.method("Echo.Any", async |any: Dynamic| Ok(any))?;
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(Server::new(router).serve([listener], shutdown.clone()));
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    serving.await??;
    Ok(())
}
