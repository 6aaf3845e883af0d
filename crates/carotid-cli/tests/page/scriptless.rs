//! The pages work where scripts are forbidden.

use super::browser::Browser;
use crate::ground::daemon::Daemon;

#[test]
fn forms_and_links_do_without_a_script() {
    let daemon = Daemon::start(&[]);
    let _both = [daemon.ping("orders/1"), daemon.ping("cart/2")];
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.without_script();
    tab.go(daemon.http, "/sessions");
    assert!(tab.text("main").contains("1–2 of 2 sessions"));
    tab.evaluate("document.getElementById('search').focus()");
    tab.type_text("ord");
    tab.press("Enter");
    tab.loaded();
    assert!(tab.text("main").contains("1–1 of 1 session"));
    tab.click("tbody a");
    tab.loaded();
    assert!(tab.text(".lead").starts_with("Alive"));
    // What only a script could do is not offered.
    assert_eq!(
        tab.evaluate("document.getElementById('theme').checkVisibility()"),
        false
    );
}
