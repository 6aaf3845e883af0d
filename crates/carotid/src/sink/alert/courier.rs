//! One rule at work: reads events, judges them, and delivers what there is to tell. Each rule has a task
//! of its own, so a receiver that hangs holds up nobody else. The log of events is its queue: while too
//! much waits for delivery it reads no further, and what has left the log by then is in the journal.

mod delivery;

use std::sync::Arc;
use std::time::Duration;

use carotid_core::ServiceHealth;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::clock::Clock;
use super::history::History;
use super::judge::{Assessment, Judge};
use super::outbox::{Letter, Outbox};
use super::post::{Outcome, Post};
use super::rule::{Destination, Rule};
use super::situation::after;
use super::store::{Recalled, Row, Store, Update};
use crate::driver::{Driver, ServiceConfigs, ServiceStatus};
use crate::hub::{Batch, Subscription};
use crate::sink::api::{Event, Firing, Notice};

/// Events read at once.
const AT_ONCE: usize = 256;

/// With so many notices on their way, no further event is read.
const MOST_LETTERS: usize = 1000;

/// So many services are asked at once when events are missing.
const MOST_ASKED: usize = 10_000;

/// How often it is written down that nothing concerned a rule.
const KEEP_CURSOR: Duration = Duration::from_secs(10);

/// How soon to try again to write down what could not be written.
const KEEP_AGAIN: Duration = Duration::from_secs(5);

/// How soon to try again to read what could not be read.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// How long what is under way at the end may take.
const LINGER: Duration = Duration::from_secs(2);

/// What all rules have in common.
#[derive(Clone, Debug)]
pub(super) struct Office {
    pub(super) driver: Driver,
    /// Where a rule begins that never stood anywhere.
    pub(super) first: u64,
    pub(super) store: Store,
    pub(super) history: History,
    pub(super) board: Board,
    /// For so long after the start a service that fails may just not have been heard.
    pub(super) settle: Duration,
    pub(super) clock: Clock,
}

/// One rule at work.
pub(super) struct Courier {
    office: Office,
    rule: Arc<Rule>,
    judge: Judge,
    outbox: Outbox,
    post: Post,
    events: Subscription,
    flights: JoinSet<Landed>,
    /// What services are held to, and were when they were asked last.
    held_to: watch::Receiver<Arc<ServiceConfigs>>,
    asked: Arc<ServiceConfigs>,
    update: Update,
    next_place: u64,
    timers: Timers,
    /// The receiver is gone for good.
    gone: bool,
}

struct Timers {
    /// When an update is written at the latest.
    keep_at: Timestamp,
    /// When an Alertmanager is told again.
    repeat_at: Option<Timestamp>,
}

/// An attempt that has ended.
struct Landed {
    /// Nothing if it was a repeat.
    place: Option<u64>,
    outcome: Outcome,
}

impl Courier {
    pub(super) fn new(office: Office, rule: Arc<Rule>, post: Post, recalled: Recalled) -> Self {
        let hub = office.driver.hub();
        let cursor = recalled.cursor.unwrap_or(office.first);
        let mut judge = Judge::new(rule.clone(), hub.run(), cursor, recalled.situations);
        let now = office.clock.now();
        judge.settle_until(after(now, office.settle));
        let mut held_to = office.driver.follow_held_to();
        let asked = held_to.borrow_and_update().clone();
        for service in asked.keys() {
            judge.ask(service);
        }
        let mut outbox = Outbox::default();
        let next_place = recalled.letters.last().map_or(1, |(place, _)| place + 1);
        for (place, letter) in recalled.letters {
            outbox.push(place, letter);
        }
        let repeats = matches!(rule.destination, Destination::Alertmanager { .. });
        let dead = recalled.dead;
        office
            .board
            .write(&rule.name, |state| state.dead_letters = dead);
        Self {
            events: hub.subscribe(Some(cursor)),
            judge,
            outbox,
            post,
            flights: JoinSet::new(),
            held_to,
            asked,
            update: Update::default(),
            next_place,
            timers: Timers {
                keep_at: now,
                repeat_at: repeats.then_some(now),
            },
            gone: false,
            office,
            rule,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            self.judge_what_is_due().await;
            self.send_what_is_due();
            self.show();
            let wake_at = self.next_timeout();
            let has_room = self.outbox.len() < MOST_LETTERS;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(landed) = self.flights.join_next() => {
                    self.land(landed.ok());
                }
                batch = self.events.next(AT_ONCE), if has_room => self.read(batch).await,
                Ok(()) = self.held_to.changed() => self.ask_all_held(),
                () = self.office.clock.sleep_until(wake_at) => {}
            }
        }
        let landing = async {
            while let Some(landed) = self.flights.join_next().await {
                self.land(landed.ok());
            }
        };
        let _cut_short = tokio::time::timeout(LINGER, landing).await;
        self.keep().await;
        if self.outbox.len() > 0 && !self.office.store.is_durable() {
            let (rule, notices) = (&self.rule.name, self.outbox.len());
            tracing::warn!(
                rule,
                notices,
                "notices were not delivered, and are lost without a journal"
            );
        }
    }

    async fn read(&mut self, batch: Batch) {
        if batch.missed > 0 {
            if self.catch_up().await {
                // From here again, so that as much is read at once as ever.
                let hub = self.office.driver.hub();
                self.events = hub.subscribe(Some(self.judge.cursor()));
                return;
            }
            let (rule, missed) = (&self.rule.name, batch.missed);
            tracing::warn!(
                rule,
                missed,
                "events are not kept any more; no alert will come of them"
            );
            self.ask_all().await;
        }
        let now = self.office.clock.now();
        for record in batch.records {
            self.judge.observe(now, &Event::from(record));
        }
        self.assess(now);
    }

    /// Services are held to something else: asks those that were named, and those that are now.
    fn ask_all_held(&mut self) {
        let held_to = self.held_to.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.asked, held_to.clone());
        for service in before.keys().chain(held_to.keys()) {
            self.judge.ask(service);
        }
        let now = self.office.clock.now();
        let removed = before.keys().filter(|name| !held_to.contains_key(*name));
        for service in removed {
            if self.office.driver.service_status(service).is_none() {
                // Nobody needs it any more.
                let service = service.to_string();
                self.judge.assess(now, service, Assessment::default(), None);
            }
        }
    }

    /// Events are missing, so all services are asked that fail now or failed.
    async fn ask_all(&mut self) {
        self.judge.on_missed(self.office.clock.now());
        let is_bad = |status: &ServiceStatus| status.health() != ServiceHealth::Pass;
        let driver = &self.office.driver;
        let (services, _) = driver.services("", MOST_ASKED, "", is_bad).await;
        for service in services {
            self.judge.ask(&service.name);
        }
    }

    /// Reads some of what is in the journal, and not in the log any more. Whether there is any.
    async fn catch_up(&mut self) -> bool {
        let before = self.judge.cursor();
        let events = match self.office.history.after(before, AT_ONCE).await {
            Ok(events) => events,
            Err(error) => {
                let rule = &self.rule.name;
                tracing::warn!(rule, %error, "alerts wait for the journal; trying again");
                tokio::time::sleep(READ_AGAIN).await;
                return true;
            }
        };
        let now = self.office.clock.now();
        for event in &events {
            self.judge.observe(now, event);
        }
        self.assess(now);
        before < self.judge.cursor()
    }

    /// Asks how the services are that events were about.
    fn assess(&mut self, now: Timestamp) {
        while let Some((service, event)) = self.judge.poll_service() {
            let status = self.office.driver.service_status(&service);
            let assessment = match (status, &event) {
                (Some(status), _) => Assessment {
                    health: status.health(),
                    reason: Some(status.reason()),
                },
                // It went away in order.
                (None, Some(_)) => Assessment::default(),
                (None, None) => {
                    self.judge.on_unknown(now, &service);
                    continue;
                }
            };
            self.judge.assess(now, service, assessment, event);
        }
    }

    async fn judge_what_is_due(&mut self) {
        let now = self.office.clock.now();
        self.judge.handle_timeout(now);
        self.assess(now);
        while let Some(notice) = self.judge.poll_notice() {
            self.post_one(notice, now);
        }
        while let Some((key, situation)) = self.judge.poll_changed() {
            let state = situation.map(|situation| {
                serde_json::to_string(situation).expect("a situation has only text for keys")
            });
            self.update.situations.insert(key, state);
        }
        if self.office.store.is_durable() && (!self.update.is_empty() || self.timers.keep_at <= now)
        {
            self.keep().await;
        }
    }

    fn post_one(&mut self, notice: Notice, now: Timestamp) {
        if self.gone {
            return;
        }
        tracing::debug!(rule = self.rule.name, id = notice.id, "{}", notice.summary);
        let place = self.next_place;
        self.next_place += 1;
        let kept = Box::new(notice.clone());
        self.update.note(place, Row::Posted { notice: kept });
        self.outbox.push(place, Letter::new(notice, now));
    }

    /// Makes what has changed durable. If that cannot be, it is tried again with what changes next; what
    /// is to be told is told all the same.
    async fn keep(&mut self) {
        let mut update = std::mem::take(&mut self.update);
        if !self.office.store.is_durable() {
            return;
        }
        update.cursor = self.judge.cursor();
        let (store, rule) = (self.office.store.clone(), self.rule.clone());
        let kept = tokio::task::spawn_blocking(move || {
            let kept = store.keep(&rule.name, &update);
            (kept, update)
        });
        let Ok((kept, update)) = kept.await else {
            return;
        };
        let now = self.office.clock.now();
        match kept {
            Ok(()) => self.timers.keep_at = after(now, KEEP_CURSOR),
            Err(error) => {
                let rule = &self.rule.name;
                tracing::warn!(rule, %error, "cannot keep the state of an alert rule; trying again");
                self.update = update;
                self.timers.keep_at = after(now, KEEP_AGAIN);
            }
        }
    }

    fn next_timeout(&self) -> Timestamp {
        let moved = self.office.store.is_durable();
        let timeouts = [
            self.judge.poll_timeout(),
            self.outbox.poll_timeout().filter(|_| self.may_send()),
            self.timers.repeat_at.filter(|_| self.flights.is_empty()),
            moved.then_some(self.timers.keep_at),
        ];
        let first = timeouts.into_iter().flatten().min();
        first.unwrap_or(Timestamp::MAX)
    }

    fn show(&self) {
        let mut firing: Vec<_> = (self.judge.firing())
            .map(|((trouble, subject), situation)| Firing {
                trouble: trouble.as_str().into(),
                subject: subject.clone(),
                since: situation.since,
                count: situation.count() as u64,
            })
            .collect();
        let count = firing.len() as u64;
        firing.sort_by_key(|firing| firing.since);
        firing.truncate(super::situation::MOST_EVENTS);
        self.office.board.write(&self.rule.name, |state| {
            state.firing = firing;
            state.firing_count = count;
            state.cursor = self.judge.cursor();
            state.pending = self.outbox.len() as u64;
        });
    }
}
