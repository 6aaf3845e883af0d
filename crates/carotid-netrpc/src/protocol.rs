//! What peers speak.

/// What a peer speaks, as its first calls have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Go's `net/rpc`.
    Gob,
    /// The same after an HTTP `CONNECT`, as Go's `DialHTTP` begins.
    GobOverHttp,
    /// Go's `net/rpc/jsonrpc`.
    Json,
    /// JSON-RPC 2.0.
    JsonRpc,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gob, Self::GobOverHttp, Self::Json, Self::JsonRpc];

    /// The word for it: `gob`, `gob_over_http`, `json` or `json_rpc`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gob => "gob",
            Self::GobOverHttp => "gob_over_http",
            Self::Json => "json",
            Self::JsonRpc => "json_rpc",
        }
    }
}
