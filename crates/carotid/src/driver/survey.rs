//! Looking at every session, for whoever must choose among a million or count them.

use carotid_core::SessionView;
use carotid_netrpc::PeerAddr;

use super::Driver;
use super::query::SLOTS_AT_ONCE;

impl Driver {
    /// Shows every session that is remembered, ended ones included, to `look`, with where it was last
    /// heard from. One that is there throughout is shown once, whatever comes and goes meanwhile; no
    /// lock is held for longer than [`Self::list`] holds one. A million sessions take some tenths of a
    /// second of one core.
    pub(crate) async fn survey(&self, mut look: impl FnMut(&SessionView, Option<PeerAddr>)) {
        for shard in &self.shared.shards {
            let mut begin = 0;
            loop {
                let end = {
                    let state = shard.lock();
                    let now = self.shared.now();
                    let slots = state.engine.slots();
                    let end = slots.min(begin + SLOTS_AT_ONCE);
                    for mut view in state.engine.scan(now, begin..end) {
                        self.shared.mask(&state, &mut view);
                        let peer = state.peers.get(view.id.index()).copied().flatten();
                        look(&view, peer.and_then(|peer| peer.address));
                    }
                    (end < slots).then_some(end)
                };
                tokio::task::yield_now().await;
                match end {
                    Some(end) => begin = end,
                    None => break,
                }
            }
        }
    }
}
