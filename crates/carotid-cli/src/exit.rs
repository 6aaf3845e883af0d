//! How the program ends: a code that scripts can tell apart, and one message.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use anyhow::Error;

use crate::output;

const SETTINGS: &str = "the settings cannot be used";

/// An unsuccessful end.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    /// Nothing is said where there is nothing wrong.
    error: Option<Error>,
    advice: Option<String>,
}

impl Exit {
    /// The code of [`Self::usage`].
    pub(crate) const USAGE: u8 = 1;

    /// The code of [`Self::connect`].
    const CONNECT: u8 = 2;

    /// Wrong arguments or settings, or something on this machine that stands in the way.
    pub(crate) fn usage(error: impl Into<Error>) -> Self {
        Self::new(Self::USAGE, error)
    }

    /// Settings that are wrong, or contradict each other.
    pub(crate) fn settings(error: impl Into<Error>) -> Self {
        Self::usage(error).context(SETTINGS)
    }

    /// What is wrong, for a list in which it need not be said that these are settings.
    pub(crate) fn reason(&self) -> String {
        let chain = self.error.iter().flat_map(|error| error.chain());
        let chain = chain.map(ToString::to_string);
        let chain: Vec<_> = chain.filter(|doing| doing != SETTINGS).collect();
        chain.join(": ")
    }

    /// Nobody answers at the address.
    pub(crate) fn connect(error: impl Into<Error>) -> Self {
        Self::new(Self::CONNECT, error)
    }

    /// Somebody answers, but not as expected.
    pub(crate) fn rpc(error: impl Into<Error>) -> Self {
        Self::new(3, error)
    }

    /// The answer is that it is not well.
    pub(crate) fn unhealthy(error: impl Into<Error>) -> Self {
        Self::new(4, error)
    }

    /// A command that could not be run, with the codes of a shell: 127 if it is not there, 126 if it
    /// is something else.
    pub(crate) fn not_run(error: io::Error) -> Self {
        let missing = error.kind() == io::ErrorKind::NotFound;
        Self::new(if missing { 127 } else { 126 }, error)
    }

    /// Whoever read our output has seen enough.
    pub(crate) const fn unread() -> Self {
        Self {
            code: 0,
            error: None,
            advice: None,
        }
    }

    fn new(code: u8, error: impl Into<Error>) -> Self {
        Self {
            code,
            error: Some(error.into()),
            advice: None,
        }
    }

    /// Whether nobody answered at the address.
    pub(crate) const fn is_connect(&self) -> bool {
        self.code == Self::CONNECT
    }

    /// What was being done.
    pub(crate) fn context(mut self, doing: impl Display + Send + Sync + 'static) -> Self {
        self.error = self.error.map(|error| error.context(doing));
        self
    }

    /// What to do next.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Prints the whole chain once.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some(error) = &self.error {
            output::talk(format_args!("error: {error:#}"));
        }
        if let Some(advice) = &self.advice {
            output::talk(format_args!("{advice}"));
        }
        ExitCode::from(self.code)
    }
}
