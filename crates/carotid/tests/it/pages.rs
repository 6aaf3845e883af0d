//! The live page as it is served: what a browser without a script would have.

use carotid::Driver;
use carotid::core::SessionName;
use carotid::netrpc::PeerAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ground::{Ground, in_time};
use super::http::{Answer, send};

async fn get(ground: &Ground, path: &str) -> Answer {
    get_with(ground, path, "").await
}

/// The same with one more line of a request's head.
async fn get_with(ground: &Ground, path: &str, line: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: text/html\r\n");
    send(ground, &format!("{head}{line}\r\n")).await
}

async fn page(ground: &Ground, path: &str) -> String {
    let answer = get(ground, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

fn open(driver: &Driver, name: &str, host: &str) {
    let name: SessionName = name.parse().unwrap();
    let peer = PeerAddr::Tcp(format!("{host}:1234").parse().unwrap());
    driver.open(name, None, peer).unwrap();
}

/// The names in the rows of a table, in their order.
fn rows(page: &str) -> Vec<&str> {
    let rows = page.split("data-key=\"").skip(1);
    rows.map(|row| row.split('"').next().unwrap()).collect()
}

/// Where a link with this text leads.
fn link<'p>(page: &'p str, text: &str) -> &'p str {
    let before = page.split(&format!(">{text}</a>")).next().unwrap();
    let path = before.rsplit("href=\"").next().unwrap();
    path.split('"').next().unwrap()
}

const PAGES: [&str; 6] = [
    "/",
    "/sessions",
    "/sessions/a/1",
    "/events",
    "/nowhere",
    "/sessions?state=ill",
];

#[tokio::test]
async fn every_page_allows_nothing_but_its_own_files() {
    let ground = Ground::start().await;
    open(&ground.driver, "a/1", "192.0.2.1");
    for path in PAGES {
        let answer = get(&ground, path).await;
        for line in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; ",
            "form-action 'self'; frame-ancestors 'none'\r\n",
            "content-type: text/html; charset=utf-8\r\n",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
        ] {
            assert!(answer.head.contains(line), "{path}: {}", answer.head);
        }
        // Nothing inline, which that policy would forbid.
        for inline in [" style=", "<style", "onclick", "onload", "javascript:"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
        assert!(!answer.body.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn names_are_text_wherever_they_stand() {
    let ground = Ground::start().await;
    let name = "<b>\"'&/<script>x</script>";
    open(&ground.driver, name, "192.0.2.1");
    open(&ground.driver, "plain", "192.0.2.1");
    let own = page(&ground, "/sessions").await;
    let own = link(
        &own,
        "<bdi>&lt;b&gt;&quot;'&amp;/&lt;script&gt;x&lt;/script&gt;</bdi>",
    );
    assert_eq!(own, "/sessions/%3Cb%3E%22%27%26/%3Cscript%3Ex%3C/script%3E");
    for path in [own, "/", "/sessions", "/events", "/sessions/plain"] {
        let page = page(&ground, path).await;
        assert!(page.contains("&lt;b&gt;"), "{path}");
        assert!(
            !page.contains("<b>") && !page.contains("<script>x"),
            "{path}"
        );
    }
    // What is asked for is text, too.
    let asked = "/sessions?search=%22%3E%3Cscript%3Ex&service=%3Cb%3E";
    let page = page(&ground, asked).await;
    assert!(
        page.contains("value=\"&quot;&gt;&lt;script&gt;x\""),
        "{page}"
    );
    assert!(!page.contains("<script>x") && !page.contains("<b>"));
}

#[tokio::test]
async fn a_fragment_is_what_changes_of_a_page() {
    let ground = Ground::start().await;
    open(&ground.driver, "a/1", "192.0.2.1");
    for path in ["/", "/sessions", "/sessions/a/1", "/events"] {
        let fragment = page(&ground, &format!("{path}?fragment=1")).await;
        assert!(
            fragment.starts_with("<main id=\"main\""),
            "{path}: {fragment}"
        );
        assert!(fragment.ends_with("</main>"), "{path}");
        let whole = page(&ground, path).await;
        assert!(whole.starts_with("<!DOCTYPE html>"), "{path}");
    }
}

#[tokio::test]
async fn pages_of_sessions_go_on_and_back_without_gaps() {
    let ground = Ground::start().await;
    let mut names: Vec<_> = (0..170)
        .map(|n| format!("svc/{:03}", n * 7 % 170))
        .collect();
    for name in &names {
        open(&ground.driver, name, "192.0.2.1");
    }
    names.sort();
    let mut path = "/sessions?sort=name".to_owned();
    let mut seen = Vec::new();
    let mut pages = Vec::new();
    loop {
        let page = page(&ground, &path).await;
        assert!(page.contains(" of 170 sessions"), "{page}");
        seen.extend(rows(&page).into_iter().map(str::to_owned));
        pages.push(rows(&page).len());
        if !page.contains(">Next</a>") {
            break;
        }
        path = link(&page, "Next").replace("&amp;", "&");
    }
    assert_eq!((pages, seen), (vec![50, 50, 50, 20], names));
    let last = page(&ground, "/sessions?sort=name&last=1").await;
    assert!(last.contains("121–170 of 170 sessions"));
    let previous = link(&last, "Previous").replace("&amp;", "&");
    let previous = page(&ground, &previous).await;
    assert!(previous.contains("71–120 of 170 sessions"));
    assert_eq!(rows(&previous)[0], "svc/070");
}

#[tokio::test]
async fn lists_are_of_what_was_asked_for() {
    let ground = Ground::start().await;
    // Time runs from the first answer on.
    page(&ground, "/").await;
    open(&ground.driver, "orders/1", "192.0.2.1");
    open(&ground.driver, "orders/2", "192.0.2.2");
    open(&ground.driver, "cart/1", "192.0.2.2");
    let listed = async |query: &str| {
        let page = page(&ground, &format!("/sessions?{query}")).await;
        rows(&page)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("search=RDERS").await, ["orders/1", "orders/2"]);
    assert_eq!(listed("service=cart").await, ["cart/1"]);
    assert_eq!(listed("host=192.0.2.2").await, ["cart/1", "orders/2"]);
    assert_eq!(listed("state=dead,suspect,wedged").await, [""; 0]);
    assert_eq!(
        listed("sort=since&state=alive").await,
        ["cart/1", "orders/2", "orders/1"]
    );
    for wrong in [
        "state=ill",
        "sort=size",
        "host=here",
        "after=x",
        "before=0.%01",
    ] {
        let answer = get(&ground, &format!("/sessions?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    // Who shares a machine or a service with it stands on a session's page.
    let near = page(&ground, "/sessions/orders/2").await;
    let mut others = rows(&near);
    others.retain(|key| key.contains('/'));
    assert_eq!(others, ["orders/1", "cart/1"]);
}

#[tokio::test]
async fn what_is_not_there_is_told_in_words_people_and_programs_read() {
    let ground = Ground::start().await;
    let answer = get(&ground, "/sessions/nobody/1").await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("No such session"), "{}", answer.body);
    let answer = get(&ground, "/nowhere").await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.body.contains("Nothing is at /nowhere."),
        "{}",
        answer.body
    );
    // curl wants no page.
    let mut stream = TcpStream::connect(ground.operations).await.unwrap();
    stream
        .write_all(b"GET /nowhere HTTP/1.0\r\nAccept: */*\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    in_time(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.contains("{\"error\":"), "{answer}");
}

#[tokio::test]
async fn files_are_kept_for_as_long_as_they_stay_the_same() {
    let ground = Ground::start().await;
    let page = page(&ground, "/").await;
    let parts = page.split('"').filter(|part| part.starts_with("/assets/"));
    let parts: Vec<_> = parts.collect();
    assert_eq!(parts.len(), 4, "{parts:?}");
    for path in parts {
        let answer = get(&ground, path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.head.contains("immutable"), "{}", answer.head);
        let mut other = path.to_owned();
        other.replace_range(8..20, "000000000000");
        assert_eq!(get(&ground, &other).await.status, 404, "{other}");
    }
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let ground = Ground::start().await;
    let page = get(&ground, "/sessions?fragment=1").await;
    let tag = page
        .head
        .lines()
        .find(|line| line.starts_with("etag: "))
        .unwrap();
    let known = tag.replace("etag:", "if-none-match:") + "\r\n";
    let again = get_with(&ground, "/sessions?fragment=1", &known).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    open(&ground.driver, "a/1", "192.0.2.1");
    let changed = get_with(&ground, "/sessions?fragment=1", &known).await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_told_as_a_page() {
    let ground = Ground::start().await;
    for path in [
        "/events?before=abc",
        "/?search=a&search=b",
        "/sessions?sort=name&sort=name",
    ] {
        let answer = get(&ground, path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(
            answer.body.contains("<h1>No such page</h1>"),
            "{}",
            answer.body
        );
        assert!(!answer.body.contains("deserialize"), "{}", answer.body);
    }
}

#[tokio::test]
async fn every_answer_runs_nothing_and_is_what_it_says() {
    let ground = Ground::start().await;
    for path in [
        "/",
        "/debug/rpc",
        "/api/v1/sessions",
        "/api/v1/sessions?sort=x",
        "/metrics",
        "/livez",
        "/nowhere",
    ] {
        let answer = get(&ground, path).await;
        assert!(
            answer.head.contains("x-content-type-options: nosniff"),
            "{path}: {}",
            answer.head
        );
        let policies = answer
            .head
            .matches("content-security-policy: default-src 'none'")
            .count();
        assert_eq!(policies, 1, "{path}: {}", answer.head);
    }
}
