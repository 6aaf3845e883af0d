//! Patterns for names.

use std::fmt;

/// A pattern in which `*` stands for any characters, none included, and `?` for one.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl Glob {
    /// Every text is a pattern.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole of a name is as the pattern says. Takes time in the product of their lengths at
    /// most, as there is one star to come back to.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (&*self.0, name);
        // After the last star, and what is left of the name if that star stands for one more.
        let mut retry: Option<(&str, &str)> = None;
        loop {
            let mut wanted = pattern.chars();
            let mut found = rest.chars();
            match (wanted.next(), found.next()) {
                (Some('*'), _) => {
                    pattern = wanted.as_str();
                    retry = Some((pattern, rest));
                    continue;
                }
                (None, None) => return true,
                (Some(one), Some(other)) if one == '?' || one == other => {
                    (pattern, rest) = (wanted.as_str(), found.as_str());
                    continue;
                }
                _ => {}
            }
            let Some((after_star, from)) = retry else {
                return false;
            };
            let mut longer = from.chars();
            if longer.next().is_none() {
                return false;
            }
            (pattern, rest) = (after_star, longer.as_str());
            retry = Some((after_star, rest));
        }
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text_and_question_marks_for_one_character() {
        for (pattern, name, fits) in [
            ("payments", "payments", true),
            ("payments", "payments2", false),
            ("pay*", "payments", true),
            ("*ments", "payments", true),
            ("*", "", true),
            ("p*m*s", "payments", true),
            ("p*m*x", "payments", false),
            ("*aab", "aaaab", true),
            ("客户?", "客户端", true),
            ("客户?", "客户", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), fits, "{pattern} {name}");
        }
    }
}
