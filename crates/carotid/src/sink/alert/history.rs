//! Events that are not in the log any more.

use crate::sink::api::Event;
use crate::sink::journal::{Archive, ReadError};

/// Where they can be read, if anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    archive: Option<Archive>,
}

impl History {
    /// The journal's.
    pub(crate) const fn of(archive: Archive) -> Self {
        Self {
            archive: Some(archive),
        }
    }

    /// The next events after number `seq`, at most `limit`, in order; none if they are not kept.
    ///
    /// # Errors
    ///
    /// The journal cannot be read now.
    pub(super) async fn after(&self, seq: u64, limit: usize) -> Result<Vec<Event>, ReadError> {
        match &self.archive {
            Some(archive) => {
                archive
                    .ask(move |reader| reader.events_after(seq, limit))
                    .await
            }
            None => Ok(Vec::new()),
        }
    }
}
