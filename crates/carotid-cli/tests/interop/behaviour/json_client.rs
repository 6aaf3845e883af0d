//! Our JSON client against Go's `jsonrpc.ServeConn`.

use carotid::netrpc::{CallError, JsonClient, Lost};
use serde_json::{Value, json};

use super::ground::Theirs;
use super::service::{Args, Quotient, Tree};

const ARGS: Args = Args { a: 7, b: 8 };

async fn is_right(client: &JsonClient) {
    let product: i64 = client.call("Arith.Multiply", &ARGS).await.unwrap();
    assert_eq!(product, 56);
    let by = Args { a: 17, b: 5 };
    let quotient: Quotient = client.call("Arith.Divide", &by).await.unwrap();
    assert_eq!(quotient, Quotient { quo: 3, rem: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn go_is_called_and_its_errors_are_those_of_their_calls() {
    let theirs = Theirs::start();
    let client = JsonClient::dial(theirs.json).await.unwrap();
    is_right(&client).await;
    for (method, text) in [
        ("Arith.Divide", "divide by zero"),
        ("Nobody.Home", "rpc: can't find service Nobody.Home"),
        ("nodots", "rpc: service/method request ill-formed: nodots"),
    ] {
        let outcome = client.call::<Quotient>(method, &Args { a: 1, b: 0 }).await;
        match outcome {
            Err(CallError::Server(error)) => assert_eq!(error.text(), text),
            other => panic!("{method}: {other:?}"),
        }
    }
    let misfit = client.call::<String>("Arith.Multiply", &ARGS).await;
    assert!(matches!(misfit, Err(CallError::Reply(_))), "{misfit:?}");
    is_right(&client).await;

    let tree = Tree {
        name: "überall \"<&>\"".to_owned(),
        children: vec![Tree::default()],
    };
    let echoed: Tree = client.call("Echo.Tree", &tree).await.unwrap();
    assert_eq!(echoed, tree);
}

#[tokio::test(flavor = "multi_thread")]
async fn nil_slices_and_bytes_of_go_are_read_as_such() {
    let theirs = Theirs::start();
    let client = JsonClient::dial(theirs.json).await.unwrap();
    // Go answers `"Children":null`.
    let leaf = json!({"Name": "leaf"});
    let echoed: Value = client.call("Echo.Tree", &leaf).await.unwrap();
    assert_eq!(echoed, json!({"Name": "leaf", "Children": null}));
    let echoed: Tree = client.call("Echo.Tree", &leaf).await.unwrap();
    let expected = Tree {
        name: "leaf".to_owned(),
        children: vec![],
    };
    assert_eq!(echoed, expected);

    // They go as a list of numbers and come back in base64.
    let bytes: Vec<u8> = (0..=255).collect();
    let echoed: Vec<u8> = client.call("Echo.Bytes", &bytes).await.unwrap();
    assert_eq!(echoed, bytes);
    let text: String = client.call("Echo.Bytes", &bytes[..3]).await.unwrap();
    assert_eq!(text, "AAEC");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_overtake_each_other_and_fail_when_go_is_gone() {
    let mut theirs = Theirs::start();
    let client = JsonClient::dial(theirs.json).await.unwrap();
    let first = client.go::<String>("Gate.Wait", "first").await.unwrap();
    let second = client.go::<String>("Gate.Wait", "second").await.unwrap();
    for method in ["Gate.Entered", "Gate.Open"] {
        assert!(client.call::<bool>(method, "second").await.unwrap());
    }
    assert_eq!(second.await.unwrap(), "second");

    theirs.program.kill();
    let lost = first.await;
    assert!(
        matches!(lost, Err(CallError::ConnectionLost(_))),
        "{lost:?}"
    );
    let next = client.call::<i64>("Arith.Multiply", &ARGS).await;
    assert!(matches!(next, Err(CallError::ShutDown(_))), "{next:?}");
    assert!(!matches!(client.closed().await, Lost::ClosedHere));
}
