//! The only one that writes. A batch of events becomes one transaction: all of it or nothing.

use carotid_core::EventKind;
use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior};

use super::absence::{Absence, Absences};
use super::entry::{Entry, Turn, What, whole};
use super::ledger::{Changes, Draft, Ledger};

/// What is written to the file, and what must be known to write it.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) ledger: Ledger,
    /// The row of `runs` that is ours; made with the first batch.
    pub(super) run: Run,
    /// The JSON of one event's evidence at a time.
    json: Vec<u8>,
}

/// Our row of `runs`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) number: i64,
    pub(super) started_at: i64,
    /// When the run before was last known to be there.
    pub(super) nobody_since: Option<i64>,
    pub(super) is_begun: bool,
}

const INSERT_EVENT: &str = "INSERT INTO events
    (seq, at, kind, session, service, cause, silent_ms, peer, evidence, detail)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

const INSERT_SESSION: &str = "INSERT INTO sessions
    (session, name, service, epoch, interval_ms, timeout_ms, longest_stall_ms, peer, opened_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const END_SESSION: &str = "UPDATE sessions
    SET ended_at = ?2, ended_as = ?3, cause = ?4, last_beat_at = ?5, peer = ?6, verdict = ?7
    WHERE session = ?1";

const REVISE_SESSION: &str = "UPDATE sessions
    SET interval_ms = ?2, timeout_ms = ?3, longest_stall_ms = ?4 WHERE session = ?1";

const PUT_SERVICE: &str = "INSERT INTO services
    (service, name, state, since, reason, accounted_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (service) DO UPDATE SET state = excluded.state, since = excluded.since,
    reason = excluded.reason, accounted_to = excluded.accounted_to";

const ADD_TO_HOUR: &str = "INSERT INTO service_hours
    (service, hour, pass_ms, warn_ms, down_ms, unknown_ms, opened, deaths, reason)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (service, hour) DO UPDATE SET
    pass_ms = pass_ms + excluded.pass_ms, warn_ms = warn_ms + excluded.warn_ms,
    down_ms = down_ms + excluded.down_ms, unknown_ms = unknown_ms + excluded.unknown_ms,
    opened = opened + excluded.opened, deaths = deaths + excluded.deaths,
    reason = coalesce(excluded.reason, reason)";

const ADD_ABSENCE: &str = "INSERT INTO absences (began_at, ended_at) VALUES (?1, ?2)
    ON CONFLICT (began_at) DO UPDATE SET ended_at = max(ended_at, excluded.ended_at)";

const BEGIN_RUN: &str = "INSERT INTO runs (run, started_at, last_alive_at) VALUES (?1, ?2, ?3)";

const LIVE_ON: &str = "UPDATE runs SET last_alive_at = ?2 WHERE run = ?1";

const END_RUN: &str = "UPDATE runs SET last_alive_at = ?2, ended_at = ?2 WHERE run = ?1";

/// The statements of one batch, looked up once.
struct Statements<'c> {
    insert_event: CachedStatement<'c>,
    insert_session: CachedStatement<'c>,
    end_session: CachedStatement<'c>,
    revise_session: CachedStatement<'c>,
}

impl Store {
    pub(super) fn new(connection: Connection, ledger: Ledger, run: Run) -> Self {
        let store = Self {
            connection,
            ledger,
            run,
            json: Vec::with_capacity(1024),
        };
        store.prepare();
        store
    }

    /// Goes on with another connection to the same journal.
    pub(super) fn renew(&mut self, connection: Connection) {
        self.connection = connection;
        self.prepare();
    }

    /// All statements stay prepared.
    fn prepare(&self) {
        self.connection.set_prepared_statement_cache_capacity(64);
    }

    /// Writes these events, and that we are alive at `now`. When this returns they are durable.
    ///
    /// # Errors
    ///
    /// Nothing has changed then.
    pub(super) fn write(&mut self, entries: &[Entry<'_>], now: i64) -> rusqlite::Result<()> {
        let json = &mut self.json;
        let run = self.run;
        let changes = change(&mut self.connection, &self.ledger, |transaction, draft| {
            begin_or_live_on(transaction, draft, run, now)?;
            let mut statements = Statements::of(transaction)?;
            // A stall is told after the fact: what it hid must not be counted as known.
            for entry in entries {
                if let What::Stall { ms, .. } = entry.what
                    && ms >= Absences::SHORTEST_STALL_MS
                {
                    let (began_at, ended_at) = (entry.at, entry.at + ms);
                    draft.absence(Absence { began_at, ended_at });
                }
            }
            entries
                .iter()
                .try_for_each(|entry| statements.put(entry, draft, json))
        })?;
        self.ledger.adopt(changes);
        self.run.is_begun = true;
        Ok(())
    }

    /// Writes that this run ends in order.
    pub(super) fn end(&mut self, now: i64) -> rusqlite::Result<()> {
        self.write(&[], now)?;
        self.connection.execute(END_RUN, (self.run.number, now))?;
        Ok(())
    }

    /// Changes the accounts of some services, and nothing else.
    pub(super) fn settle(&mut self, settle: impl FnOnce(&mut Draft<'_>)) -> rusqlite::Result<()> {
        let changes = change(&mut self.connection, &self.ledger, |_, draft| {
            settle(draft);
            Ok(())
        })?;
        self.ledger.adopt(changes);
        Ok(())
    }
}

/// One transaction, and what it changes in the ledger.
fn change(
    connection: &mut Connection,
    ledger: &Ledger,
    work: impl FnOnce(&Transaction<'_>, &mut Draft<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<Changes> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let mut draft = ledger.draft();
    work(&transaction, &mut draft)?;
    put_accounts(&transaction, &draft)?;
    transaction.commit()?;
    Ok(draft.finish())
}

fn begin_or_live_on(
    transaction: &Transaction<'_>,
    draft: &mut Draft<'_>,
    run: Run,
    now: i64,
) -> rusqlite::Result<()> {
    if run.is_begun {
        transaction
            .prepare_cached(LIVE_ON)?
            .execute((run.number, now))?;
        return Ok(());
    }
    transaction.execute(BEGIN_RUN, (run.number, run.started_at, now))?;
    if let Some(began_at) = run.nobody_since {
        let ended_at = run.started_at;
        draft.absence(Absence { began_at, ended_at });
        draft.begin_anew(run.started_at);
    }
    Ok(())
}

fn put_accounts(transaction: &Transaction<'_>, draft: &Draft<'_>) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(PUT_SERVICE)?;
    for (service, account) in draft.rows() {
        put.execute((
            service,
            &*account.name,
            account.state.as_str(),
            account.since,
            account.reason.as_deref(),
            account.accounted_to,
        ))?;
    }
    let mut add = transaction.prepare_cached(ADD_TO_HOUR)?;
    for ((service, start), hour) in draft.hours() {
        add.execute((
            service,
            start,
            hour.pass_ms,
            hour.warn_ms,
            hour.down_ms,
            hour.unknown_ms,
            hour.opened,
            hour.deaths,
            hour.reason.as_deref(),
        ))?;
    }
    let mut add = transaction.prepare_cached(ADD_ABSENCE)?;
    for absence in draft.absences() {
        add.execute((absence.began_at, absence.ended_at))?;
    }
    Ok(())
}

impl<'c> Statements<'c> {
    fn of(transaction: &'c Transaction<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            insert_event: transaction.prepare_cached(INSERT_EVENT)?,
            insert_session: transaction.prepare_cached(INSERT_SESSION)?,
            end_session: transaction.prepare_cached(END_SESSION)?,
            revise_session: transaction.prepare_cached(REVISE_SESSION)?,
        })
    }

    fn put(
        &mut self,
        entry: &Entry<'_>,
        draft: &mut Draft<'_>,
        json: &mut Vec<u8>,
    ) -> rusqlite::Result<()> {
        match &entry.what {
            What::Turn(turn) => self.put_turn(entry, turn, draft, json),
            What::Stall { detail, .. } | What::Other { detail } => {
                let (seq, at, kind) = (entry.seq, entry.at, entry.kind);
                const NONE: Option<i64> = None;
                let rest = (NONE, NONE, NONE, NONE, NONE, NONE);
                let (session, service, cause, silent, peer, evidence) = rest;
                self.insert_event.execute((
                    seq, at, kind, session, service, cause, silent, peer, evidence, detail,
                ))?;
                Ok(())
            }
        }
    }

    fn put_turn(
        &mut self,
        entry: &Entry<'_>,
        turn: &Turn<'_>,
        draft: &mut Draft<'_>,
        json: &mut Vec<u8>,
    ) -> rusqlite::Result<()> {
        let service = draft.turn(entry.at, turn);
        let cause = turn.kind.cause().map(|cause| cause.as_str());
        json.clear();
        let evidence = turn.evidence.as_ref().map(|evidence| {
            serde_json::to_writer(&mut *json, evidence)
                .expect("these objects have neither maps nor fallible fields");
            std::str::from_utf8(json).expect("JSON is UTF-8")
        });
        self.insert_event.execute((
            entry.seq,
            entry.at,
            entry.kind,
            turn.session,
            service,
            cause,
            turn.silent_ms,
            turn.peer.as_deref(),
            evidence,
            turn.detail(),
        ))?;
        match turn.kind {
            EventKind::Opened { .. } => self.open(entry, turn, service),
            EventKind::Dead { .. } | EventKind::Left => self.end(entry, turn, cause),
            EventKind::Revised => self.revise(turn),
            // How a session is between its two ends is what its events say.
            EventKind::Suspect { .. }
            | EventKind::Back
            | EventKind::Wedged { .. }
            | EventKind::Unwedged
            | _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        entry: &Entry<'_>,
        turn: &Turn<'_>,
        service: Option<i64>,
    ) -> rusqlite::Result<()> {
        self.insert_session.execute((
            turn.session,
            turn.name,
            service,
            turn.epoch,
            whole(turn.terms.interval().as_millis()),
            whole(turn.terms.timeout().as_millis()),
            whole(turn.terms.longest_stall().as_millis()),
            turn.peer.as_deref(),
            entry.at,
        ))?;
        Ok(())
    }

    fn end(
        &mut self,
        entry: &Entry<'_>,
        turn: &Turn<'_>,
        cause: Option<&str>,
    ) -> rusqlite::Result<()> {
        self.end_session.execute((
            turn.session,
            entry.at,
            turn.kind.as_str(),
            cause,
            entry.at - turn.silent_ms - turn.stalled_ms,
            turn.peer.as_deref(),
            entry.seq,
        ))?;
        Ok(())
    }

    fn revise(&mut self, turn: &Turn<'_>) -> rusqlite::Result<()> {
        self.revise_session.execute((
            turn.session,
            whole(turn.terms.interval().as_millis()),
            whole(turn.terms.timeout().as_millis()),
            whole(turn.terms.longest_stall().as_millis()),
        ))?;
        Ok(())
    }
}
