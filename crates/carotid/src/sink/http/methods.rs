//! The services, their methods and how often each was called, where Go's `rpc.HandleHTTP` has them.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use carotid_netrpc::{Router, Usage};

use super::Desk;
use crate::source::netrpc::Calls;

/// Everything that a peer may call.
#[derive(Clone, Debug)]
pub(crate) struct Methods {
    pub(crate) router: Arc<Router>,
    pub(crate) heartbeat: Arc<Calls>,
}

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
    <title>Services</title></head>\n<body>\n<h1>Services</h1>\n";

/// The debug page.
pub(super) async fn page(State(desk): State<Desk>) -> Html<String> {
    Html(render(&desk.methods.usage()))
}

impl Methods {
    /// How often each was called.
    pub(super) fn usage(&self) -> Vec<Usage> {
        let mut methods = self.router.usage();
        // A method of the application's with such a name is never reached.
        methods.retain(|method| service(method) != "Heartbeat");
        methods.extend(self.heartbeat.usage());
        methods
    }
}

/// The methods of a service stand together.
fn render(methods: &[Usage]) -> String {
    let mut page = HEAD.to_owned();
    for group in methods.chunk_by(|one, other| service(one) == service(other)) {
        let name = escape(service(&group[0]));
        page += &format!("<h2>Service {name}</h2>\n<table>\n");
        page += "<tr><th scope=\"col\">Method</th><th scope=\"col\">Calls</th></tr>\n";
        for Usage {
            method,
            argument,
            reply,
            calls,
        } in group
        {
            let method = escape(method.rsplit('.').next().unwrap_or(method));
            let (argument, reply) = (escape(argument), escape(reply));
            let row = format!("{method}({argument}) -&gt; {reply}</td><td>{calls}");
            let written = writeln!(page, "<tr><td>{row}</td></tr>");
            written.expect("writing to a string does not fail");
        }
        page += "</table>\n";
    }
    page + "</body></html>\n"
}

fn service(usage: &Usage) -> &str {
    let parts = usage.method.rsplit_once('.');
    parts.map_or("", |(service, _)| service)
}

fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    escaped.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_stand_under_their_service_and_names_are_no_markup() {
        let usage = |method: &str, calls| Usage {
            method: method.to_owned(),
            argument: "Vec<u8>",
            reply: "bool",
            calls,
        };
        let page = render(&[usage("A.<b>", 1), usage("A.C", 2), usage("D.E", 3)]);
        assert_eq!(page.matches("<h2>").count(), 2);
        assert!(page.contains("<td>&lt;b&gt;(Vec&lt;u8&gt;) -&gt; bool</td><td>1</td>"));
        assert!(page.contains("<h2>Service D</h2>"));
    }
}
