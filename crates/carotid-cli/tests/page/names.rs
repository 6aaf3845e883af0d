//! Names are hostile text.

use super::browser::Browser;
use crate::ground::daemon::Daemon;

const NAMES: [&str; 6] = [
    "<script>owned=1</script>/1",
    "\"><img src=x onerror=owned=1>/2",
    "a/</title></main><svg onload=owned=1>",
    "a'b\"c`d${owned=1}&lt;",
    "a/../../b?c=d#e%2F%00",
    "客户端/٤٢",
];

#[test]
fn names_are_shown_as_they_are_and_nothing_of_them_runs() {
    let daemon = Daemon::start(&[]);
    let _connections = NAMES.map(|name| daemon.ping(name));
    let browser = Browser::start();
    let mut tab = browser.tab();
    for path in ["/", "/sessions", "/events"] {
        tab.go(daemon.http, path);
        tab.until("document.documentElement.dataset.script === 'on'");
        tab.until("document.querySelectorAll('main .name').length >= 5");
        assert_eq!(tab.evaluate("typeof owned"), "undefined", "{path}");
        assert_eq!(
            tab.evaluate("document.querySelectorAll('main img, main script').length"),
            0
        );
    }
    for name in NAMES {
        tab.go(daemon.http, "/sessions");
        let link = format!(
            "[...document.querySelectorAll('tbody .name')].find((a) => a.innerText === {name:?})"
        );
        tab.until(&link);
        tab.evaluate(&format!("{link}.click()"));
        tab.loaded();
        assert_eq!(tab.text("h1"), name);
        assert_eq!(tab.evaluate("typeof owned"), "undefined", "{name}");
    }
    tab.expect_clean();
}
