//! How the program ends: a code that scripts can tell apart, and one message.

use std::fmt::Display;
use std::process::ExitCode;

use anyhow::Error;

use crate::output;

/// An unsuccessful end.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    error: Error,
    advice: Option<String>,
}

impl Exit {
    /// The code of [`Self::usage`].
    pub(crate) const USAGE: u8 = 1;

    /// Wrong arguments or settings, or something on this machine that stands in the way.
    pub(crate) fn usage(error: impl Into<Error>) -> Self {
        Self::new(Self::USAGE, error)
    }

    /// Nobody answers at the address.
    pub(crate) fn connect(error: impl Into<Error>) -> Self {
        Self::new(2, error)
    }

    /// Somebody answers, but not as expected.
    pub(crate) fn rpc(error: impl Into<Error>) -> Self {
        Self::new(3, error)
    }

    /// The answer is that it is not well.
    pub(crate) fn unhealthy(error: impl Into<Error>) -> Self {
        Self::new(4, error)
    }

    fn new(code: u8, error: impl Into<Error>) -> Self {
        Self {
            code,
            error: error.into(),
            advice: None,
        }
    }

    /// What was being done.
    pub(crate) fn context(mut self, doing: impl Display + Send + Sync + 'static) -> Self {
        self.error = self.error.context(doing);
        self
    }

    /// What to do next.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Prints the whole chain once.
    pub(crate) fn report(&self) -> ExitCode {
        output::talk(format_args!("error: {:#}", self.error));
        if let Some(advice) = &self.advice {
            output::talk(format_args!("{advice}"));
        }
        ExitCode::from(self.code)
    }
}
