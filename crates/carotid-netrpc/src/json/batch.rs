//! Batches of JSON-RPC 2.0: read as a whole, run one by one, answered by one array when the
//! last call is done.
//!
//! What a peer can make us keep is bounded (I9): the elements of a batch, the batches that wait
//! for calls, and the bytes of all their answers together.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::error::ServerError;
use crate::json::id::JsonId;
use crate::json::writer::{self, Code};

/// Elements of one batch.
pub(crate) const MAX_ELEMENTS: u32 = 1000;

/// Batches of one connection that wait for their calls.
const MAX_WAITING: usize = 16;

/// A batch whose elements are being given out.
#[derive(Debug)]
pub(crate) struct Elements {
    text: String,
    at: usize,
    /// Names the batch in the ids of its calls.
    pub(crate) batch: u32,
}

impl Elements {
    /// The elements of this array, which must be whole and good JSON.
    pub(crate) fn new(array: Cow<'_, str>, batch: u32) -> Self {
        let text = array.into_owned();
        Self { text, at: 1, batch }
    }

    /// The next element, if there is one.
    pub(crate) fn next(&mut self) -> Option<&str> {
        let rest = self.text.get(self.at..)?;
        let rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let start = self.text.len() - rest.len();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        // What follows the last element is the bracket, which begins no value.
        values.next()?.ok()?;
        self.at = start + values.byte_offset();
        self.text.get(start..self.at)
    }
}

/// Answers of batches that are not whole yet.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    waiting: Vec<Waiting>,
    next: u32,
    /// Of all answers.
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    batch: u32,
    /// Calls that were given out and are not answered.
    calls: u32,
    /// Whether all elements were given out.
    complete: bool,
    /// The answer's beginning; empty, or an array that is still open.
    answer: Vec<u8>,
}

impl Batches {
    /// Begins a batch; `None` if too many wait.
    pub(crate) fn begin(&mut self) -> Option<u32> {
        if self.waiting.len() >= MAX_WAITING {
            return None;
        }
        let batch = self.next;
        self.next = self.next.wrapping_add(1);
        self.waiting.push(Waiting {
            batch,
            calls: 0,
            complete: false,
            answer: Vec::new(),
        });
        Some(batch)
    }

    /// One more call of the batch was given out.
    pub(crate) fn expect_reply(&mut self, batch: u32) {
        if let Some(waiting) = self.find(batch) {
            waiting.calls += 1;
        }
    }

    /// Adds what is to be said of an element that is no request.
    pub(crate) fn invalid(&mut self, batch: u32, limit: usize, id: &JsonId, why: &str) {
        self.add(batch, limit, id, |out| {
            writer::two_error(out, id, Code::Invalid, why);
        });
    }

    /// Adds the reply to a call; the whole answer if it was the last.
    pub(crate) fn reply(
        &mut self,
        batch: u32,
        limit: usize,
        id: &JsonId,
        outcome: Result<&Answer, &ServerError>,
    ) -> Option<Vec<u8>> {
        self.add(batch, limit, id, |out| writer::two(out, id, outcome));
        let waiting = self.find(batch)?;
        waiting.calls = waiting.calls.saturating_sub(1);
        self.finish(batch)
    }

    /// All elements were given out; the whole answer if it is there and says anything.
    pub(crate) fn complete(&mut self, batch: u32) -> Option<Vec<u8>> {
        self.find(batch)?.complete = true;
        self.finish(batch)
    }

    fn find(&mut self, batch: u32) -> Option<&mut Waiting> {
        self.waiting
            .iter_mut()
            .find(|waiting| waiting.batch == batch)
    }

    /// An element's part of the answer. When all answers together become too long, a short
    /// error takes its place.
    fn add(&mut self, batch: u32, limit: usize, id: &JsonId, put: impl FnOnce(&mut Vec<u8>)) {
        let others = self.bytes;
        let Some(waiting) = self.find(batch) else {
            return;
        };
        let answer = &mut waiting.answer;
        let before = answer.len();
        answer.push(if before == 0 { b'[' } else { b',' });
        let start = answer.len();
        put(answer);
        if others + answer.len() - before > limit {
            answer.truncate(start);
            let about = "the answers of the batches at work are too long together";
            writer::two_error(answer, id, Code::Internal, about);
            answer.shrink_to(before + limit);
        }
        let added = answer.len() - before;
        self.bytes += added;
    }

    fn finish(&mut self, batch: u32) -> Option<Vec<u8>> {
        let at = self
            .waiting
            .iter()
            .position(|waiting| waiting.batch == batch)?;
        let waiting = &self.waiting[at];
        if !waiting.complete || waiting.calls > 0 {
            return None;
        }
        let mut answer = self.waiting.swap_remove(at).answer;
        if self.waiting.is_empty() {
            // Most connections never send another.
            self.waiting = Vec::new();
        }
        self.bytes -= answer.len();
        if answer.is_empty() {
            return None;
        }
        answer.extend_from_slice(b"]\n");
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: Option<Vec<u8>>) -> Option<String> {
        answer.map(|answer| String::from_utf8(answer).unwrap())
    }

    #[test]
    fn elements_come_in_order_whatever_they_are() {
        let array = "[ 1 , \"a,b]\" ,{\"c\":[2,3]},[[4]],null,-1.5e3,true ]";
        let mut elements = Elements::new(array.into(), 0);
        for element in [
            "1",
            "\"a,b]\"",
            "{\"c\":[2,3]}",
            "[[4]]",
            "null",
            "-1.5e3",
            "true",
        ] {
            assert_eq!(elements.next(), Some(element));
        }
        assert_eq!(elements.next(), None);
        assert_eq!(elements.next(), None);
    }

    #[test]
    fn the_answer_is_whole_when_the_last_call_is_done_and_all_were_given_out() {
        let mut batches = Batches::default();
        let batch = batches.begin().unwrap();
        batches.expect_reply(batch);
        batches.expect_reply(batch);
        let ok = Answer::text("ok");
        let two = batches.reply(batch, 1000, &JsonId::Number(2), Ok(&ok));
        assert_eq!(two, None);
        assert_eq!(batches.complete(batch), None);
        let one = text(batches.reply(batch, 1000, &JsonId::Number(1), Ok(&ok)));
        assert_eq!(
            one.as_deref(),
            Some(
                "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"ok\"},\
                 {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"ok\"}]\n"
            )
        );
        assert_eq!(batches.bytes, 0);
        // One too many, as of a caller who answers twice, changes nothing.
        let again = batches.reply(batch, 1000, &JsonId::Number(1), Ok(&ok));
        assert_eq!(again, None);
    }

    #[test]
    fn answers_over_the_limit_become_short_errors() {
        let mut batches = Batches::default();
        let batch = batches.begin().unwrap();
        let long = Answer::value("x".repeat(500));
        for n in 0..4 {
            batches.expect_reply(batch);
            let id = JsonId::Number(n);
            assert_eq!(batches.reply(batch, 1200, &id, Ok(&long)), None);
        }
        let answer = text(batches.complete(batch)).unwrap();
        assert_eq!(answer.matches("xxx\"}").count(), 2);
        assert_eq!(answer.matches("too long together").count(), 2);
    }

    #[test]
    fn only_so_many_batches_wait() {
        let mut batches = Batches::default();
        let begun: Vec<_> = std::iter::from_fn(|| batches.begin()).take(100).collect();
        assert_eq!(begun.len(), MAX_WAITING);
        assert_eq!(batches.complete(begun[3]), None);
        assert!(batches.begin().is_some());
    }
}
