//! The daemon's list of sessions, asked as a blocking script would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::program::PATIENCE;

/// All sessions on the first page.
pub(crate) fn all(http: SocketAddr) -> Vec<Value> {
    let (status, body) = get(http, "/api/v1/sessions");
    assert_eq!(status, 200, "{body}");
    body["sessions"].as_array().unwrap().clone()
}

/// One session; the name needs no escaping.
pub(crate) fn one(http: SocketAddr, name: &str) -> Value {
    let (status, body) = get(http, &format!("/api/v1/sessions/{name}"));
    assert_eq!(status, 200, "{body}");
    body
}

/// Any answer in JSON.
pub(crate) fn get(http: SocketAddr, path: &str) -> (u16, Value) {
    let (status, body) = raw(http, path);
    (status, serde_json::from_str(&body).unwrap())
}

/// Any answer.
pub(crate) fn raw(http: SocketAddr, path: &str) -> (u16, String) {
    let (head, body) = raw_with(http, path, "");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body)
}

/// The head and the body of the answer to a request with these headers.
pub(crate) fn raw_with(http: SocketAddr, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}
