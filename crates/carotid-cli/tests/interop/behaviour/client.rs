//! Our client against Go's server, and against a server that answers as it is asked to.

use std::sync::Arc;

use carotid::netrpc::{CallError, Client, Lost, RPC_PATH};
use tokio::net::UnixStream;

use super::ground::Theirs;
use super::service::{Args, More, Quotient, Strangers, Swapped, Tree, Unsigned};
use crate::ground::program::Program;
use crate::interop::go;

const ARGS: Args = Args { a: 7, b: 8 };

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, CallError>, text: &str) {
    match outcome {
        Err(CallError::Server(error)) => assert_eq!(error.text(), text),
        other => panic!("expected {text:?} from the server, not {other:?}"),
    }
}

async fn is_right(client: &Client) {
    let product: i64 = client.call("Arith.Multiply", &ARGS).await.unwrap();
    assert_eq!(product, 56);
    let by = |b| Args { a: 17, b };
    let quotient: Quotient = client.call("Arith.Divide", &by(5)).await.unwrap();
    assert_eq!(quotient, Quotient { quo: 3, rem: 2 });
    let failed = client.call::<Quotient>("Arith.Divide", &by(0)).await;
    assert_refused(failed, "divide by zero");
    let product: i64 = client
        .call("v1.example.Arith.Multiply", &ARGS)
        .await
        .unwrap();
    assert_eq!(product, 56);
}

#[tokio::test(flavor = "multi_thread")]
async fn go_is_called_over_tcp_through_http_and_on_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpc").display().to_string();
    let theirs = Theirs::start_at(&path);
    is_right(&Client::dial(theirs.tcp).await.unwrap()).await;
    is_right(&Client::dial_http(theirs.http, RPC_PATH).await.unwrap()).await;
    is_right(&Client::dial_unix(&path).await.unwrap()).await;
    // Any stream will do.
    is_right(&Client::new(UnixStream::connect(&path).await.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_ones_own_is_dialled_and_one_without_rpc_is_refused() {
    let theirs = Theirs::start();
    let client = Client::dial_http(theirs.http, "/other").await.unwrap();
    assert_eq!(
        client.call::<i64>("Only.Multiply", &ARGS).await.unwrap(),
        56
    );
    let error = Client::dial_http(theirs.http, "/elsewhere")
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("unexpected HTTP response: "),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_go_does_not_have_is_an_error_of_its_call() {
    let theirs = Theirs::start();
    let client = Client::dial(theirs.tcp).await.unwrap();
    for (method, text) in [
        ("Nobody.Home", "rpc: can't find service Nobody.Home"),
        ("Arith.Add", "rpc: can't find method Arith.Add"),
        ("nodots", "rpc: service/method request ill-formed: nodots"),
    ] {
        let outcome = client.call::<i64>(method, &ARGS).await;
        assert_refused(outcome, text);
    }
    let misfit = client.call::<i64>("Arith.Multiply", "text").await;
    assert!(matches!(misfit, Err(CallError::Server(_))), "{misfit:?}");
    is_right(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_overtake_each_other() {
    let theirs = Theirs::start();
    let client = Client::dial(theirs.tcp).await.unwrap();
    // Sent before anybody waits for them, as with Go's `Client.Go`.
    let first = client.go::<String>("Gate.Wait", "first").await.unwrap();
    let second = client.go::<String>("Gate.Wait", "second").await.unwrap();
    for (name, reply) in [("second", second), ("first", first)] {
        assert!(client.call::<bool>("Gate.Entered", name).await.unwrap());
        assert!(client.call::<bool>("Gate.Open", name).await.unwrap());
        assert_eq!(reply.await.unwrap(), name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_shared_by_many_tasks() {
    let theirs = Theirs::start();
    let client = Arc::new(Client::dial(theirs.tcp).await.unwrap());
    let tasks: Vec<_> = (2..10)
        .map(|a| {
            let client = Arc::clone(&client);
            tokio::spawn(async move {
                for b in 0..100 {
                    let product = client.call::<i64>("Arith.Multiply", &Args { a, b }).await;
                    assert_eq!(product.unwrap(), a * b);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_of_go_are_new_values_and_fit_by_name_and_kind() {
    let theirs = Theirs::start();
    let client = Client::dial(theirs.tcp).await.unwrap();
    let echo = "Empty.Pair";
    assert_eq!(
        client.call::<Args>(echo, &true).await.unwrap(),
        Args::default()
    );
    let text = |method: &'static str| client.call::<String>(method, &ARGS);
    assert_eq!(text("Fit.Same").await.unwrap(), "{A:7 B:8}");
    assert_eq!(text("Fit.Pointers").await.unwrap(), "{A:7 B:8}");
    assert_eq!(text("Fit.Less").await.unwrap(), "{B:8}");
    for method in ["Fit.Unsigned", "Fit.Float", "Fit.Strangers"] {
        let outcome = text(method).await;
        assert!(matches!(outcome, Err(CallError::Server(_))), "{outcome:?}");
    }
    let same = "Fit.Same";
    let more = More { a: 7, b: 8, c: 9 };
    assert_eq!(
        client.call::<String>(same, &more).await.unwrap(),
        "{A:7 B:8}"
    );
    let swapped = Swapped { a: 7, b: 8 };
    assert_eq!(
        client.call::<String>(same, &swapped).await.unwrap(),
        "{A:7 B:8}"
    );
    let strangers = client.call::<String>(same, &Strangers { c: 7, d: 8 }).await;
    assert!(matches!(strangers, Err(CallError::Server(_))));

    let tree = Tree {
        name: "root".to_owned(),
        children: vec![Tree::default(), Tree::default()],
    };
    assert_eq!(client.call::<Tree>("Echo.Tree", &tree).await.unwrap(), tree);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_does_not_fit_is_an_error_of_its_call_alone() {
    let theirs = Theirs::start();
    let client = Client::dial(theirs.tcp).await.unwrap();
    for _ in 0..2 {
        let unsigned = client.call::<Unsigned>("Arith.Divide", &ARGS).await;
        assert!(matches!(unsigned, Err(CallError::Reply(_))), "{unsigned:?}");
        let text = client.call::<String>("Arith.Divide", &ARGS).await;
        assert!(matches!(text, Err(CallError::Reply(_))), "{text:?}");
    }
    is_right(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_without_a_gob_form_is_not_sent_and_harms_nobody() {
    let theirs = Theirs::start();
    let client = Client::dial(theirs.tcp).await.unwrap();
    let nothing = client.call::<i64>("Arith.Multiply", &None::<i64>).await;
    assert!(
        matches!(nothing, Err(CallError::Argument(_))),
        "{nothing:?}"
    );
    is_right(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_closed_fails_its_calls_and_refuses_those_to_come() {
    let theirs = Theirs::start();
    let client = Client::dial(theirs.tcp).await.unwrap();
    let closing = async {
        client.call::<bool>("Gate.Entered", "close").await.unwrap();
        client.close().await;
        // A second time changes nothing.
        client.close().await;
    };
    let (pending, ()) = tokio::join!(client.call::<String>("Gate.Wait", "close"), closing);
    assert!(
        matches!(pending, Err(CallError::ConnectionLost(Lost::ClosedHere))),
        "{pending:?}"
    );
    let next = client.call::<i64>("Arith.Multiply", &ARGS).await;
    assert!(
        matches!(next, Err(CallError::ShutDown(Lost::ClosedHere))),
        "{next:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_fail_when_go_is_gone_and_those_to_come_are_refused() {
    let mut theirs = Theirs::start();
    let client = Client::dial(theirs.tcp).await.unwrap();
    let killing = async {
        client.call::<bool>("Gate.Entered", "loss").await.unwrap();
        theirs.program.kill();
    };
    let (pending, ()) = tokio::join!(client.call::<String>("Gate.Wait", "loss"), killing);
    assert!(
        matches!(pending, Err(CallError::ConnectionLost(_))),
        "{pending:?}"
    );
    let next = client.call::<i64>("Arith.Multiply", &ARGS).await;
    assert!(matches!(next, Err(CallError::ShutDown(_))), "{next:?}");
    assert!(!matches!(client.closed().await, Lost::ClosedHere));
}

/// A Go server that prints every header and answers as the argument asks.
struct Script {
    program: Program,
    client: Client,
}

impl Script {
    async fn start() -> Self {
        let program = go::start("behaviour", &["-script"]);
        let address = go::announced(&program.line());
        let client = Client::dial(address).await.unwrap();
        Self { program, client }
    }

    async fn call(&self, argument: &str) -> Result<String, CallError> {
        self.client.call("Any.Method", argument).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_numbered_from_zero() {
    let script = Script::start().await;
    for n in 0..3 {
        assert_eq!(script.call("plain").await.unwrap(), "plain");
        assert_eq!(script.program.line(), format!("Any.Method {n} plain"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_nobody_waits_for_is_skipped() {
    let script = Script::start().await;
    for _ in 0..2 {
        assert_eq!(script.call("stray reply").await.unwrap(), "stray reply");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_value_after_an_error_is_skipped() {
    let script = Script::start().await;
    for text in ["divide by zero", "überall: \"quoted\"\n<&>"] {
        assert_refused(script.call(&format!("fail: {text}")).await, text);
        assert_eq!(script.call("plain").await.unwrap(), "plain");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_before_or_within_a_reply_fails_the_call() {
    for how in ["no reply", "half a reply"] {
        let script = Script::start().await;
        let error = script.call(how).await.unwrap_err();
        let lost = matches!(error, CallError::ConnectionLost(Lost::ClosedByPeer));
        assert!(lost, "{how}: {error:?}");
    }
    let script = Script::start().await;
    let error = script.call("garbage").await.unwrap_err();
    assert!(
        matches!(error, CallError::ConnectionLost(Lost::Malformed(_))),
        "{error:?}"
    );
}
