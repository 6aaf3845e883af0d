//! One tab: what a reader does, and what a reader sees.

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::protocol::{Event, Protocol};

/// A tab that listens for complaints.
pub(super) struct Tab {
    protocol: Protocol,
}

/// Remembers what the policy of the page kept from happening, from the first moment on.
const WITNESS: &str = "window.violations = []; addEventListener('securitypolicyviolation',
    (e) => violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));";

/// Waits in the page for a condition; looks at each change, and now and then for what changes nothing.
const UNTIL: &str = "new Promise((done, fail) => {
    const look = () => { try { return CONDITION } catch { return false } };
    const first = look(); if (first) return done(first);
    const end = (value) => { observer.disconnect(); clearInterval(timer); clearTimeout(limit); value ? done(value)
        : fail(new Error('it did not come; the page says: ' + document.body.innerText)); };
    const again = () => { const value = look(); if (value) end(value); };
    const observer = new MutationObserver(again);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    const timer = setInterval(again, 50);
    const limit = setTimeout(end, 25000);
})";

impl Tab {
    pub(super) fn new(mut protocol: Protocol) -> Self {
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility", "DOM"] {
            protocol.call(&format!("{domain}.enable"), &json!({}));
        }
        let witness = json!({"source": WITNESS});
        protocol.call("Page.addScriptToEvaluateOnNewDocument", &witness);
        let mut tab = Self { protocol };
        tab.size(1280, 900);
        tab
    }

    /// Goes to a page of the daemon, and returns when it is loaded.
    pub(super) fn go(&mut self, http: SocketAddr, path: &str) {
        let url = format!("http://{http}{path}");
        self.protocol.call("Page.navigate", &json!({"url": url}));
        self.loaded();
    }

    /// Waits for a page that somebody goes to.
    pub(super) fn loaded(&mut self) {
        self.protocol.wait_for("Page.loadEventFired");
    }

    /// What an expression is in the page.
    #[track_caller]
    pub(super) fn evaluate(&mut self, expression: &str) -> Value {
        let evaluated = self.protocol.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        );
        let failed = &evaluated["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed:#}");
        evaluated["result"]["value"].clone()
    }

    /// Waits until an expression is true of the page, and tells what it is.
    #[track_caller]
    pub(super) fn until(&mut self, condition: &str) -> Value {
        let expression = UNTIL.replace("CONDITION", &format!("({condition})"));
        self.evaluate(&expression)
    }

    /// The text of the first element that a selector finds, as a reader sees it.
    #[track_caller]
    pub(super) fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({selector:?}).innerText"));
        text.as_str().unwrap().to_owned()
    }

    /// Presses a key.
    pub(super) fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "ArrowRight" => (39, ""),
            "ArrowLeft" => (37, ""),
            "ArrowDown" => (40, ""),
            key => (u32::from(key.to_ascii_uppercase().as_bytes()[0]), key),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.protocol.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Types a text where the focus is.
    pub(super) fn type_text(&mut self, text: &str) {
        self.protocol
            .call("Input.insertText", &json!({"text": text}));
    }

    /// Clicks the first element that a selector finds.
    #[track_caller]
    pub(super) fn click(&mut self, selector: &str) {
        self.evaluate(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Makes the window so large; as small as a phone's it is one.
    pub(super) fn size(&mut self, width: u32, height: u32) {
        let is_phone = width < 500;
        self.protocol.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": if is_phone { 2 } else { 1 },
                "mobile": is_phone}),
        );
    }

    /// What the reader's system prefers: `light` or `dark`.
    pub(super) fn prefer(&mut self, scheme: &str) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.protocol
            .call("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Forbids scripts.
    pub(super) fn without_script(&mut self) {
        let forbidden = json!({"value": true});
        self.protocol
            .call("Emulation.setScriptExecutionDisabled", &forbidden);
    }

    /// Lets pages keep nothing, as a strict reader does.
    pub(super) fn without_storage(&mut self) {
        let blocked = "Object.defineProperty(window, 'localStorage', {
            get() { throw new DOMException('not here', 'SecurityError'); } })";
        self.protocol.call(
            "Page.addScriptToEvaluateOnNewDocument",
            &json!({"source": blocked}),
        );
    }

    /// All that a screen reader is told.
    pub(super) fn accessibility(&mut self) -> Vec<Value> {
        let tree = self
            .protocol
            .call("Accessibility.getFullAXTree", &json!({}));
        tree["nodes"].as_array().unwrap().clone()
    }

    /// A picture of the window.
    pub(super) fn picture(&mut self, file: &Path) {
        let shot = json!({"format": "png", "optimizeForSpeed": false});
        let shot = self.protocol.call("Page.captureScreenshot", &shot);
        let picture = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, picture).unwrap();
    }

    /// What went wrong since the last time somebody asked: exceptions, errors and warnings on the
    /// console, and what the policy forbade.
    pub(super) fn complaints(&mut self) -> Vec<String> {
        let events = self.protocol.events();
        let mut complaints: Vec<_> = events.iter().filter_map(complaint).collect();
        let violations = self.evaluate("window.violations");
        let violations = violations.as_array().cloned().unwrap_or_default();
        complaints.extend(violations.iter().map(Value::to_string));
        complaints
    }

    /// That nothing went wrong.
    #[track_caller]
    pub(super) fn expect_clean(&mut self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

fn complaint(event: &Event) -> Option<String> {
    let params = &event.params;
    let is_bad = match &*event.method {
        "Runtime.exceptionThrown" => true,
        "Runtime.consoleAPICalled" => params["type"] == "error" || params["type"] == "warning",
        "Log.entryAdded" => {
            params["entry"]["level"] == "error" || params["entry"]["level"] == "warning"
        }
        _ => false,
    };
    is_bad.then(|| params.to_string())
}
