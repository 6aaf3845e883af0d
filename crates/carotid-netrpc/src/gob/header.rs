//! Request and response headers.
//!
//! The peer numbers its fields as it likes; its definition says which number is which name. A
//! [`Plan`] remembers that, so that reading a header allocates nothing.

use std::borrow::Cow;

use crate::error::WireError;
use crate::frame::Frame;
use crate::gob::definition::Field;
use crate::gob::ids;
use crate::gob::number::{put_bytes, put_int, put_message, put_uint, take_bytes, take_uint};

/// What precedes every argument and every reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header<'i> {
    pub(crate) method: Cow<'i, str>,
    pub(crate) seq: u64,
    /// Empty in requests, and in responses that are no errors.
    pub(crate) error: Cow<'i, str>,
}

impl Header<'_> {
    pub(crate) fn into_owned(self) -> Header<'static> {
        Header {
            method: Cow::Owned(self.method.into_owned()),
            seq: self.seq,
            error: Cow::Owned(self.error.into_owned()),
        }
    }
}

/// A header read through `gobwire`, for peers whose header has fields that are not basic.
#[derive(Debug, Default, gobwire::Gob)]
pub(crate) struct ForeignHeader {
    #[gob(name = "ServiceMethod")]
    method: String,
    #[gob(name = "Seq")]
    seq: u64,
    #[gob(name = "Error")]
    error: String,
}

impl From<ForeignHeader> for Header<'_> {
    fn from(header: ForeignHeader) -> Self {
        Self {
            method: header.method.into(),
            seq: header.seq,
            error: header.error.into(),
        }
    }
}

/// What a field of a plain header means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Method,
    Seq,
    Error,
    /// An unknown field of this many numbers.
    SkipNumbers(u8),
    SkipBytes,
}

/// How the peer lays out its header.
#[derive(Debug)]
pub(crate) enum Plan {
    /// By field number; all fields are basic.
    Plain(Box<[Role]>),
    /// Some field is not basic, so `gobwire` must read the header.
    Foreign,
}

impl Plan {
    /// The plan for a header whose type has these fields.
    pub(crate) fn new(fields: &[Field<'_>]) -> Result<Self, WireError> {
        let mut plan = Vec::with_capacity(fields.len());
        for field in fields {
            plan.push(match (field.name, field.id) {
                (b"ServiceMethod", ids::STRING) => Role::Method,
                (b"Seq", ids::UINT) => Role::Seq,
                (b"Error", ids::STRING) => Role::Error,
                (b"ServiceMethod" | b"Seq" | b"Error", _) => return Err(WireError::NotAHeader),
                (_, ids::BOOL | ids::INT | ids::UINT | ids::FLOAT) => Role::SkipNumbers(1),
                (_, ids::COMPLEX) => Role::SkipNumbers(2),
                (_, ids::BYTES | ids::STRING) => Role::SkipBytes,
                _ => return Ok(Self::Foreign),
            });
        }
        // A struct that has neither field is an argument where a header belongs.
        let known = |role| plan.contains(&role);
        if !known(Role::Method) && !known(Role::Seq) {
            return Err(WireError::NotAHeader);
        }
        Ok(Self::Plain(plan.into()))
    }
}

/// Reads a plain header; `skip` bytes of the frame are its type id.
pub(crate) fn read<'i>(
    plan: &[Role],
    frame: &Frame<'i>,
    skip: usize,
) -> Result<Header<'i>, WireError> {
    match frame.borrowed() {
        Some(bytes) => read_fields(plan, bytes.get(skip..).unwrap_or_default()),
        None => read_fields(plan, frame.get(skip..).unwrap_or_default()).map(Header::into_owned),
    }
}

fn read_fields<'i>(plan: &[Role], mut input: &'i [u8]) -> Result<Header<'i>, WireError> {
    let mut header = Header::default();
    let mut next = 0;
    while !input.is_empty() {
        let delta = take_uint(&mut input)?;
        if delta == 0 {
            break;
        }
        next = usize::try_from(delta)
            .ok()
            .and_then(|delta| delta.checked_add(next))
            .ok_or(WireError::HeaderField)?;
        let field = plan.get(next - 1).ok_or(WireError::HeaderField)?;
        match *field {
            Role::Method => header.method = text(take_bytes(&mut input)?),
            Role::Seq => header.seq = take_uint(&mut input)?,
            Role::Error => header.error = text(take_bytes(&mut input)?),
            Role::SkipBytes => drop(take_bytes(&mut input)?),
            Role::SkipNumbers(count) => {
                for _ in 0..count {
                    take_uint(&mut input)?;
                }
            }
        }
    }
    Ok(header)
}

/// What is not UTF-8 is replaced. Looking for that costs more than seeing that there is none.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Appends a header as one message. Fields are numbered method, seq, error; zero ones are left
/// out, as Go does.
pub(crate) fn put(out: &mut Vec<u8>, id: i64, method: &str, seq: u64, error: &str) {
    put_message(out, |out| {
        put_int(out, id);
        let mut last = 0;
        let mut field = |out: &mut Vec<u8>, number: u64| {
            put_uint(out, number - last);
            last = number;
        };
        if !method.is_empty() {
            field(out, 1);
            put_bytes(out, method.as_bytes());
        }
        if seq != 0 {
            field(out, 2);
            put_uint(out, seq);
        }
        if !error.is_empty() {
            field(out, 3);
            put_bytes(out, error.as_bytes());
        }
        put_uint(out, 0);
    });
}
