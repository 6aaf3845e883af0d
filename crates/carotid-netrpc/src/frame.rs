//! Length-prefixed messages, cut out of chunks of input.
//!
//! A message that lies whole in the chunk is borrowed from it. Only a message that ends in a
//! later chunk is copied, and the copy goes away with the message, so that an idle connection
//! holds no buffer. The limit is checked on the prefix, before anything is kept (I9).

use std::borrow::Cow;
use std::ops::Deref;

use crate::error::WireError;
use crate::gob::number;

/// One message without its length prefix.
#[derive(Debug)]
pub(crate) struct Frame<'i> {
    bytes: Cow<'i, [u8]>,
    start: usize,
}

impl<'i> Frame<'i> {
    /// A message that was put together elsewhere.
    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Cow::Owned(bytes),
            start: 0,
        }
    }

    /// The part of the input this message lies in, if it was not put together from several.
    pub(crate) fn borrowed(&self) -> Option<&'i [u8]> {
        match self.bytes {
            Cow::Borrowed(bytes) => bytes.get(self.start..),
            Cow::Owned(_) => None,
        }
    }
}

impl Deref for Frame<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// Cuts input into messages.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    partial: Vec<u8>,
}

impl Frames {
    /// The next whole message; `None` when `input` is used up before there is one. One of more
    /// than `limit` bytes is refused.
    pub(crate) fn poll<'i>(
        &mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<Frame<'i>>, WireError> {
        if self.partial.is_empty() {
            if let Some((start, end)) = measure(input, limit)?
                && let Some((bytes, rest)) = input.split_at_checked(end)
            {
                *input = rest;
                return Ok(Some(Frame {
                    bytes: Cow::Borrowed(bytes),
                    start,
                }));
            }
            self.partial.extend_from_slice(input);
            *input = &[];
            return Ok(None);
        }
        loop {
            let wanted = match measure(&self.partial, limit)? {
                Some((_, end)) => end - self.partial.len(),
                None => 1,
            };
            let (taken, rest) = input.split_at(wanted.min(input.len()));
            self.partial.extend_from_slice(taken);
            *input = rest;
            if let Some((start, end)) = measure(&self.partial, limit)?
                && end == self.partial.len()
            {
                return Ok(Some(Frame {
                    bytes: Cow::Owned(std::mem::take(&mut self.partial)),
                    start,
                }));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
    }
}

/// Where the body of the message at the front of `bytes` starts and ends.
fn measure(bytes: &[u8], limit: usize) -> Result<Option<(usize, usize)>, WireError> {
    let mut rest = bytes;
    let Some(length) = number::take_uint_maybe(&mut rest)? else {
        return Ok(None);
    };
    let start = bytes.len() - rest.len();
    match usize::try_from(length) {
        Ok(0) => Err(WireError::EmptyMessage),
        Ok(length) if length <= limit => Ok(Some((start, start + length))),
        Ok(_) | Err(_) => Err(WireError::TooLong {
            size: length,
            limit,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]], limit: usize) -> Result<Vec<Vec<u8>>, WireError> {
        let mut frames = Frames::default();
        let mut out = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(frame) = frames.poll(&mut input, limit)? {
                out.push(frame.to_vec());
            }
        }
        Ok(out)
    }

    #[test]
    fn splitting_changes_nothing() {
        let mut stream = vec![3, 1, 2, 3, 0xff, 200];
        stream.extend([7; 200]);
        let whole = all(&[&stream], 200).unwrap();
        assert_eq!(whole, [vec![1, 2, 3], vec![7; 200]]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(all(&bytes, 200).unwrap(), whole);
        for at in 0..stream.len() {
            let (left, right) = stream.split_at(at);
            assert_eq!(all(&[left, right], 200).unwrap(), whole);
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_body() {
        assert!(matches!(
            all(&[&[0xff, 201]], 200),
            Err(WireError::TooLong {
                size: 201,
                limit: 200
            })
        ));
        let huge = [0xf8, 0x40, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(
            all(&[&huge], 200),
            Err(WireError::TooLong { size, .. }) if size == 1 << 62
        ));
        assert!(matches!(all(&[&[0x80]], 200), Err(WireError::BadNumber)));
        assert!(matches!(all(&[&[0]], 200), Err(WireError::EmptyMessage)));
    }

    #[test]
    fn a_completed_message_leaves_no_buffer() {
        let mut frames = Frames::default();
        assert!(frames.poll(&mut &[2, 1][..], 100).unwrap().is_none());
        assert!(frames.poll(&mut &[2][..], 100).unwrap().is_some());
        assert_eq!(frames.partial.capacity(), 0);
    }
}
