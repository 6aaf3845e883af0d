//! What may be registered.

use carotid::netrpc::{RegisterError, Router, ServerError};

use super::ground::{Ours, play};
use super::service::Args;

async fn answer(_: Args) -> Result<i64, ServerError> {
    Ok(1)
}

#[test]
fn a_name_is_registered_once() {
    let mut router = Router::new();
    router.method("Arith.Multiply", answer).unwrap();
    let error = router.method("Arith.Multiply", answer).unwrap_err();
    let name = "Arith.Multiply".to_owned();
    assert_eq!(error, RegisterError::Taken { name });
    // A service may be registered piece by piece.
    router.method("Arith.Divide", answer).unwrap();
}

#[test]
fn a_name_needs_a_service_and_a_method() {
    let mut router = Router::new();
    for name in ["Multiply", ".Multiply", "Arith.", ".", ""] {
        let error = router.method(name, answer).unwrap_err();
        let name = name.to_owned();
        assert_eq!(error, RegisterError::IllFormed { name });
    }
}

#[test]
fn servers_of_one_process_have_methods_of_their_own() {
    let with = Ours::start();
    let without = Ours::serving(Router::new(), None);
    let called = |server: &Ours| play(&server.address.to_string(), "tcp", "done").rest();
    assert_eq!(called(&with), ["true Arith.Multiply {6 7} 42 <nil>"]);
    assert_eq!(
        called(&without),
        ["true Arith.Multiply {6 7} 0 rpc: can't find service Arith.Multiply"]
    );
}
