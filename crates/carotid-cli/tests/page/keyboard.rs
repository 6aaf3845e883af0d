//! Everything can be reached, seen and left with the keyboard alone.

use super::browser::Browser;
use crate::ground::daemon::Daemon;

#[test]
fn the_keyboard_reaches_everything_and_is_never_caught() {
    let daemon = Daemon::start(&[]);
    let _one = daemon.ping("orders/1");
    let browser = Browser::start();
    let mut tab = browser.tab();
    for path in ["/", "/sessions", "/sessions/orders/1", "/events"] {
        tab.go(daemon.http, path);
        tab.until("document.documentElement.dataset.script === 'on'");
        let reachable = tab.evaluate(
            "[...document.querySelectorAll('a, button, input, select, summary, [tabindex=\"0\"]')]
                .filter((it) => it.checkVisibility()).length",
        );
        tab.press("Tab");
        assert_eq!(
            tab.evaluate("document.activeElement.innerText"),
            "Skip to content"
        );
        let mut reached = 1;
        loop {
            let outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle");
            assert_ne!(outline, "none", "the focus is seen on {path}");
            tab.press("Tab");
            // After the last it leaves the page, or begins anew.
            let is_over = "document.activeElement.matches('body, .skip')";
            if tab.evaluate(is_over) == true {
                break;
            }
            reached += 1;
            assert!(reached <= 200, "caught on {path}");
        }
        assert_eq!(reachable, reached, "on {path}");
    }
    tab.expect_clean();
}

#[test]
fn keys_search_open_and_skip() {
    let daemon = Daemon::start(&[]);
    let _both = [daemon.ping("orders/1"), daemon.ping("cart/2")];
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/");
    tab.until("document.documentElement.dataset.script === 'on'");
    // The first stop leads past the navigation.
    tab.press("Tab");
    tab.press("Enter");
    tab.until("document.activeElement.id === 'main'");
    tab.press("g");
    tab.press("s");
    tab.loaded();
    tab.until("document.documentElement.dataset.script === 'on'");
    tab.press("/");
    assert_eq!(tab.evaluate("document.activeElement.id"), "search");
    tab.type_text("cart");
    tab.until("document.querySelectorAll('tbody tr').length === 1");
    tab.press("Escape");
    tab.evaluate("document.querySelector('tbody a').focus()");
    tab.press("Enter");
    tab.loaded();
    assert_eq!(tab.text("h1"), "cart/2");
    tab.expect_clean();
}
