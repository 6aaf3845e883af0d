//! JSON responses, laid out as Go's: `id`, `result`, `error`, then a new line.

use crate::answer::Answer;

/// Appends a response that is a value. On error nothing is appended.
pub(crate) fn value(out: &mut Vec<u8>, id: &str, answer: &Answer) -> Result<(), serde_json::Error> {
    let start = out.len();
    begin(out, id);
    if let Err(error) = answer.put_json(out) {
        out.truncate(start);
        return Err(error);
    }
    out.extend_from_slice(b",\"error\":null}\n");
    Ok(())
}

/// Appends a response that is an error. Go takes an empty text for "unspecified error"; so do
/// we, and say it.
pub(crate) fn error(out: &mut Vec<u8>, id: &str, text: &str) {
    let text = if text.is_empty() {
        "unspecified error"
    } else {
        text
    };
    begin(out, id);
    out.extend_from_slice(b"null,\"error\":");
    serde_json::to_writer(&mut *out, text).expect("a string is always JSON, a vector takes it");
    out.extend_from_slice(b"}\n");
}

fn begin(out: &mut Vec<u8>, id: &str) {
    out.extend_from_slice(b"{\"id\":");
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(b",\"result\":");
}
