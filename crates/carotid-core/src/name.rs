//! What peers call themselves.

use alloc::sync::Arc;
use core::{borrow::Borrow, fmt, str::FromStr};

/// A session's name, `service/instance`: 1 to 128 bytes of UTF-8 without control, format or
/// line-separator characters, and without white space at its ends.
///
/// Safe to log and to print as it is. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionName(Arc<str>);

/// Why a text cannot name a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no text at all.
    #[error("session name is empty")]
    Empty,
    /// The text is too long.
    #[error(
        "session name has {bytes} bytes, at most {} are allowed",
        SessionName::MAX_BYTES
    )]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// A character that could forge log lines or hide in them.
    #[error("session name has the control or format character U+{:04X} at byte {at}", u32::from(*character))]
    Unprintable {
        /// The first such character.
        character: char,
        /// Its position in bytes.
        at: usize,
    },
    /// White space that nobody would see.
    #[error("session name begins or ends with white space")]
    Padded,
}

impl SessionName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    ///
    /// The first rule above that `text` breaks.
    pub fn new(text: &str) -> Result<Self, NameError> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    /// A text that was a name before.
    pub(crate) fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    fn check(text: &str) -> Result<(), NameError> {
        let bytes = text.len();
        if bytes == 0 {
            return Err(NameError::Empty);
        }
        if bytes > Self::MAX_BYTES {
            return Err(NameError::Long { bytes });
        }
        if let Some((at, character)) = text.char_indices().find(|(_, c)| is_unprintable(*c)) {
            return Err(NameError::Unprintable { character, at });
        }
        if text.trim() != text {
            return Err(NameError::Padded);
        }
        Ok(())
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `/`, or the whole name if there is none.
    #[must_use]
    pub fn service(&self) -> &str {
        self.0.split('/').next().unwrap_or(&self.0)
    }
}

/// Unicode general categories Cc, Cf, Zl and Zp (Unicode 16, `DerivedGeneralCategory.txt`).
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}'
            | '\u{890}'..='\u{891}' | '\u{8E2}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}'
            | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0001}' | '\u{E0020}'..='\u{E007F}')
}

/// A map keyed by names can be asked by text.
impl Borrow<str> for SessionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn ordinary_names_pass_in_any_script() {
        for name in [
            "payments/7",
            "客户端/42",
            "a",
            "two words",
            "é",
            "x/y/z",
            "/",
        ] {
            assert_eq!(SessionName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn length_is_counted_in_bytes_and_inclusive() {
        let longest: String = core::iter::repeat_n('x', 128).collect();
        assert!(SessionName::new(&longest).is_ok());
        let too_long = longest + "x";
        assert_eq!(
            SessionName::new(&too_long),
            Err(NameError::Long { bytes: 129 })
        );
        let wide: String = core::iter::repeat_n('端', 43).collect();
        assert_eq!(SessionName::new(&wide), Err(NameError::Long { bytes: 129 }));
    }

    #[test]
    fn characters_that_forge_log_lines_are_refused() {
        for name in [
            "a\nb",
            "a\x1b[31m",
            "a\u{202E}b",
            "a\u{2028}b",
            "a\u{200B}",
            "\u{85}a",
        ] {
            let refusal = SessionName::new(name);
            assert!(
                matches!(refusal, Err(NameError::Unprintable { .. })),
                "{name:?}"
            );
        }
        for name in [" a", "a ", "\u{3000}a"] {
            assert_eq!(SessionName::new(name), Err(NameError::Padded), "{name:?}");
        }
        assert_eq!(SessionName::new(""), Err(NameError::Empty));
    }

    #[test]
    fn the_service_ends_at_the_first_slash() {
        for (name, service) in [("payments/7", "payments"), ("a/b/c", "a"), ("solo", "solo")] {
            assert_eq!(SessionName::new(name).unwrap().service(), service);
        }
    }
}
