//! For those who listen to the page, and for those who see it badly.

use serde_json::Value;

use super::browser::Browser;
use super::tab::Tab;
use crate::ground::daemon::{Daemon, TERMS};

/// Every text that is seen, with its contrast if that is too little: 4.5, or 3 for large letters (WCAG 2.2,
/// 1.4.3).
const PALE: &str = r"(() => {
    const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
    const light = ({ r, g, b }) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const color = parse(getComputedStyle(at).backgroundColor);
            if (color.a === 1) return color;
            if (color.a > 0) throw new Error('a translucent background');
        }
        return parse('rgb(255,255,255)');
    };
    const pale = [];
    let seen = 0;
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const node = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !node.checkVisibility() || node.closest('title, desc, option')) continue;
        const style = getComputedStyle(node);
        const color = parse(node instanceof SVGElement ? style.fill : style.color);
        const [one, other] = [light(color), light(ground(node))].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (other + 0.05);
        const size = parseFloat(style.fontSize);
        const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        seen += 1;
        if (ratio < (isLarge ? 3 : 4.5)) pale.push(`${ratio.toFixed(2)} ${walk.currentNode.data.trim()}`);
    }
    return { seen, pale: pale.join('; ') };
})()";

#[track_caller]
fn expect_contrast(tab: &mut Tab, place: &str) {
    let found = tab.evaluate(PALE);
    assert!(found["seen"].as_u64().unwrap() > 15, "{place}: {found}");
    assert_eq!(found["pale"], "", "{place}");
}

fn role(node: &Value) -> &str {
    node["role"]["value"].as_str().unwrap_or_default()
}

fn name(node: &Value) -> &str {
    node["name"]["value"].as_str().unwrap_or_default().trim()
}

#[track_caller]
fn expect_names(tab: &mut Tab, place: &str) {
    const NAMED: [&str; 11] = [
        "link",
        "button",
        "textbox",
        "searchbox",
        "combobox",
        "heading",
        "navigation",
        "region",
        "img",
        "image",
        "columnheader",
    ];
    let nodes = tab.accessibility();
    let nodes: Vec<_> = nodes
        .iter()
        .filter(|node| node["ignored"] != true)
        .collect();
    for node in &nodes {
        let unnamed = NAMED.contains(&role(node)) && name(node).is_empty();
        assert!(!unnamed, "{place}: {node:#}");
    }
    for landmark in ["banner", "main", "contentinfo", "navigation", "status"] {
        let has = nodes.iter().any(|node| role(node) == landmark);
        assert!(has, "{place} has no {landmark}");
    }
    let is_first = |node: &&&Value| {
        let level = node["properties"].as_array().unwrap().iter();
        let mut level = level.filter(|property| property["name"] == "level");
        role(node) == "heading" && level.any(|level| level["value"]["value"] == 1)
    };
    assert_eq!(
        nodes.iter().filter(is_first).count(),
        1,
        "headings of {place}"
    );
    let title = tab.evaluate("document.title");
    assert!(title.as_str().unwrap().ends_with(" · carotid"), "{title}");
    assert_eq!(tab.evaluate("document.documentElement.lang"), "en");
}

#[test]
fn every_page_can_be_heard_and_read_in_both_themes() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    drop(daemon.ping("payments/1"));
    let _frozen = daemon.ping("slow/2");
    for _ in 0..6 {
        events.next();
    }
    let _others = daemon.ping("orders/3");
    // As long as a name may be, and nowhere to break it.
    let _long = daemon.ping(&format!("{}/{}", "m".repeat(63), "w".repeat(64)));
    let browser = Browser::start();
    let mut tab = browser.tab();
    let pages = [
        "/",
        "/sessions",
        "/sessions/payments/1",
        "/sessions/orders/3",
        "/events",
        "/nowhere",
    ];
    for scheme in ["light", "dark"] {
        tab.prefer(scheme);
        for (width, height) in [(1280, 900), (360, 740)] {
            tab.size(width, height);
            for path in pages {
                let place = format!("{path}, {scheme}, {width} px");
                tab.go(daemon.http, path);
                tab.until("document.getElementById('live').dataset.state === 'live'");
                expect_contrast(&mut tab, &place);
                expect_names(&mut tab, &place);
                let overflow = tab.evaluate("document.documentElement.scrollWidth > innerWidth");
                assert_eq!(overflow, false, "{place} is too wide");
            }
        }
    }
    let complaints = tab.complaints();
    let others: Vec<_> = complaints
        .iter()
        .filter(|it| !it.contains("/nowhere"))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn the_choice_of_a_theme_is_kept() {
    let daemon = Daemon::start(&[]);
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.prefer("light");
    tab.go(daemon.http, "/");
    tab.until("document.documentElement.dataset.script === 'on'");
    let ground = "getComputedStyle(document.documentElement).backgroundColor";
    let light = tab.evaluate(ground);
    tab.click("#theme");
    let dark = tab.evaluate(ground);
    assert_ne!(light, dark);
    tab.go(daemon.http, "/sessions");
    assert_eq!(tab.evaluate(ground), dark);
    tab.expect_clean();
}

#[test]
fn where_nothing_may_be_kept_the_page_works_and_the_theme_holds_for_it() {
    let daemon = Daemon::start(&[]);
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.without_storage();
    tab.prefer("light");
    tab.go(daemon.http, "/");
    tab.until("document.getElementById('live').dataset.state === 'live'");
    tab.click("#theme");
    assert_eq!(
        tab.evaluate("document.documentElement.dataset.theme"),
        "dark"
    );
    assert_eq!(tab.text("#theme"), "Light");
    tab.expect_clean();
}
