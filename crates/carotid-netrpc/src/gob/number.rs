//! gob's integers: below 128 one byte; otherwise the negated count of bytes, then the bytes,
//! most significant first. A signed number carries its sign in the lowest bit.

use crate::error::WireError;

/// Takes an unsigned number; `None` when `input` ends inside it.
pub(crate) fn take_uint_maybe(input: &mut &[u8]) -> Result<Option<u64>, WireError> {
    let Some((&first, rest)) = input.split_first() else {
        return Ok(None);
    };
    if first < 0x80 {
        *input = rest;
        return Ok(Some(u64::from(first)));
    }
    let width = usize::from(first.wrapping_neg());
    if width > 8 {
        return Err(WireError::BadNumber);
    }
    let Some((digits, rest)) = rest.split_at_checked(width) else {
        return Ok(None);
    };
    *input = rest;
    let number = digits
        .iter()
        .fold(0, |number, &digit| number << 8 | u64::from(digit));
    Ok(Some(number))
}

/// Takes an unsigned number that must be whole.
pub(crate) fn take_uint(input: &mut &[u8]) -> Result<u64, WireError> {
    take_uint_maybe(input)?.ok_or(WireError::Truncated)
}

/// Takes a signed number that must be whole.
pub(crate) fn take_int(input: &mut &[u8]) -> Result<i64, WireError> {
    take_uint(input).map(to_int)
}

/// Takes a counted string of bytes.
pub(crate) fn take_bytes<'i>(input: &mut &'i [u8]) -> Result<&'i [u8], WireError> {
    let length = take_uint(input)?;
    let (bytes, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| input.split_at_checked(length))
        .ok_or(WireError::Truncated)?;
    *input = rest;
    Ok(bytes)
}

/// The signed number that `number` stands for.
pub(crate) fn to_int(number: u64) -> i64 {
    let magnitude = (number >> 1).cast_signed();
    if number & 1 == 1 {
        !magnitude
    } else {
        magnitude
    }
}

/// Appends an unsigned number.
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u64) {
    if let Some(small) = one_byte(number) {
        return out.push(small);
    }
    let (digits, start) = encoded(number);
    out.extend_from_slice(&digits[start..]);
}

/// Appends a signed number.
pub(crate) fn put_int(out: &mut Vec<u8>, number: i64) {
    let sign = number >> 63;
    put_uint(
        out,
        (number ^ sign).cast_unsigned() << 1 | sign.cast_unsigned() & 1,
    );
}

/// Appends a counted string of bytes.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends what `body` writes as one message, with its length before it.
pub(crate) fn put_message(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Nearly every message is shorter than 128 bytes, whose length takes this one byte.
    out.push(0);
    body(out);
    let length = (out.len() - start - 1) as u64;
    if let Some(small) = one_byte(length) {
        out[start] = small;
    } else {
        let (digits, first) = encoded(length);
        out.splice(start..=start, digits[first..].iter().copied());
    }
}

/// The number as one byte, which stands for itself.
fn one_byte(number: u64) -> Option<u8> {
    u8::try_from(number).ok().filter(|byte| *byte < 0x80)
}

/// A number that takes more than one byte.
fn encoded(number: u64) -> ([u8; 9], usize) {
    let mut digits = [0; 9];
    digits[1..].copy_from_slice(&number.to_be_bytes());
    let start = number.leading_zeros() as usize / 8;
    let width = u8::try_from(8 - start).expect("a number has at most eight bytes");
    digits[start] = width.wrapping_neg();
    (digits, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_documents_them() {
        for (number, bytes) in [
            (0, &[0][..]),
            (7, &[7]),
            (127, &[0x7f]),
            (128, &[0xff, 0x80]),
            (256, &[0xfe, 1, 0]),
        ] {
            let mut out = Vec::new();
            put_uint(&mut out, number);
            assert_eq!(out, bytes);
        }
        let mut out = Vec::new();
        put_int(&mut out, -129);
        assert_eq!(out, [0xfe, 1, 1]);
    }

    #[test]
    fn every_width_comes_back() {
        for shift in 0..64 {
            for number in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_uint(&mut out, number);
                assert_eq!(take_uint(&mut &out[..]).unwrap(), number);
                let mut out = Vec::new();
                put_int(&mut out, number.cast_signed());
                assert_eq!(take_int(&mut &out[..]).unwrap(), number.cast_signed());
            }
        }
    }

    #[test]
    fn a_message_gets_the_shortest_length() {
        for length in [1, 127, 128, 70_000] {
            let mut out = vec![9];
            put_message(&mut out, |out| out.resize(out.len() + length, 5));
            let mut rest = &out[1..];
            assert_eq!(take_bytes(&mut rest).unwrap().len(), length);
            assert!(rest.is_empty());
        }
    }
}
