//! Server-sent events, as far as the daemon sends them (WHATWG HTML, section 9.2).

/// One event of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) event: String,
    pub(crate) data: String,
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The bytes of an unfinished line.
    line: Vec<u8>,
    frame: Frame,
}

impl Frames {
    /// Takes the next bytes and returns the frames they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut done = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                done.extend(self.on_line(line.trim_end_matches(['\r', '\n'])));
            }
        }
        done
    }

    fn on_line(&mut self, line: &str) -> Option<Frame> {
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            // A frame without data is a comment, or keeps the connection alive.
            return (!frame.data.is_empty()).then_some(frame);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.frame.event),
            "data" => self.frame.data += value,
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_wherever_the_bytes_are_cut() {
        let stream =
            b": hello\n\nid: 7\nevent: dead\ndata: {\"seq\":7}\n\nevent:left\ndata:{}\r\n\n";
        let whole = Frames::default().push(stream);
        let frame = |event: &str, data: &str| Frame {
            event: event.into(),
            data: data.into(),
        };
        assert_eq!(whole, [frame("dead", "{\"seq\":7}"), frame("left", "{}")]);
        let mut frames = Frames::default();
        let bytewise: Vec<_> = stream
            .iter()
            .flat_map(|byte| frames.push(&[*byte]))
            .collect();
        assert_eq!(bytewise, whole);
    }
}
