//! `carotid bench`: a heartbeat server under load.
//!
//! The load comes from threads of their own, each with one epoll set and requests that were written
//! ahead, so that it costs less than the servers that it measures; this task only conducts them.

mod args;
mod bar;
mod clock;
mod crew;
mod files;
mod flight;
mod goodbye;
mod link;
mod links;
mod opening;
mod pace;
mod plan;
mod process;
mod ramp;
mod reactor;
mod refusal;
mod report;
mod tally;
mod target;
mod usage;
mod wire;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

pub(crate) use args::BenchArgs;
use bar::Bar;
use clock::Moment;
use crew::{Crew, Step};
use goodbye::Farewell;
use pace::Window;
use plan::Plan;
use ramp::Ramped;
use refusal::Refusal;
use report::{Findings, Report};
use usage::Usage;
use worker::{Outcome, Word};

use crate::exit::Exit;
use crate::output::{self, Format};

/// How often the recipe beats; a server that watches may suspect who is silent for much longer.
const RECIPE_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) async fn run(args: BenchArgs) -> Result<ExitCode, Exit> {
    let plan = Arc::new(Plan::new(&args)?);
    files::make_room(&plan)?;
    if let Some(silence) = plan.silence().filter(|silence| *silence > RECIPE_INTERVAL) {
        output::talk(format_args!(
            "at this rate a name is pinged every {silence:.0?}; a server that watches expects it every 10s and may suspect it"
        ));
    }
    let endpoint = target::resolve(&args.addr, args.call_timeout.0).await?;
    let mut usage = Usage::new(args.server_pid, &endpoint)?;
    let mut conductor = Conductor {
        bar: Bar::new(&plan),
        crew: Crew::start(&plan, &endpoint)?,
        plan: Arc::clone(&plan),
    };

    let Some(ramped) = conductor.connect().await? else {
        return Ok(aborted());
    };
    let (ramped, refusal) = ramped;
    if refusal.is_some() || conductor.crew.is_interrupted() {
        let up = conductor.crew.up();
        conductor.leave().await?;
        return match refusal {
            Some(why) => {
                let up = usize::try_from(up).unwrap_or(usize::MAX);
                let method = &plan.wording.method;
                Err(why.exit(&args.addr, up, plan.connections, method))
            }
            None => Ok(aborted()),
        };
    }
    let addresses = ramped.iter().flat_map(|ramped| &ramped.addresses);
    usage.find(addresses);
    let Some(outcomes) = conductor.measure(&mut usage).await? else {
        return Ok(aborted());
    };
    let Some(farewell) = conductor.leave().await? else {
        return Ok(aborted());
    };
    let interrupted = conductor.crew.is_interrupted();
    drop(conductor);
    let report = Report::new(Findings {
        target: &args.addr,
        plan: &plan,
        rate: args.load.rate,
        ramped,
        outcomes,
        used: usage.used(),
        farewell,
        interrupted,
    });
    print(&report, args.output)?;
    judge(&report, interrupted)
}

fn print(report: &Report, format: Format) -> Result<(), Exit> {
    match format {
        Format::Table => output::bytes(report.table().as_bytes()),
        Format::Json => output::json(report),
        Format::Ndjson => output::ndjson(&[report]),
    }
}

fn judge(report: &Report, interrupted: bool) -> Result<ExitCode, Exit> {
    if interrupted {
        return Ok(aborted());
    }
    match report.failure() {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(Exit::rpc(anyhow!(why))
            .context("not all went well")
            .advise("The report tells how often what went wrong; the server's log may tell why.")),
    }
}

/// What a shell makes of Ctrl-C.
fn aborted() -> ExitCode {
    ExitCode::from(130)
}

/// Leads the threads through their steps. Each step is `None` if somebody has no time for its end.
#[derive(Debug)]
struct Conductor {
    crew: Crew,
    bar: Bar,
    plan: Arc<Plan>,
}

impl Conductor {
    /// Waits until all are connected, or one cannot be.
    async fn connect(&mut self) -> Result<Option<(Vec<Ramped>, Option<Refusal>)>, Exit> {
        let (mut ramped, mut refusal) = (Vec::new(), None);
        let mut heard = 0;
        while heard < self.crew.size() {
            match self.crew.next(None).await {
                Step::Tick => self.bar.connected(self.crew.up()),
                Step::Abort => return Ok(None),
                Step::Word(Word::Ramped(Ok(one))) => {
                    heard += 1;
                    ramped.push(one);
                }
                Step::Word(Word::Ramped(Err(why))) => {
                    heard += 1;
                    // The others need not go on.
                    self.crew.stop();
                    refusal.get_or_insert(why);
                }
                Step::Word(word) => unexpected(word)?,
            }
        }
        Ok(Some((ramped, refusal)))
    }

    async fn measure(&mut self, usage: &mut Usage) -> Result<Option<Vec<Outcome>>, Exit> {
        let begin = Moment::now();
        let from = begin.plus(self.plan.warm_up);
        let until = from.plus(self.plan.duration);
        let window = Window { begin, from, until };
        self.bar.begin(window);
        self.crew.begin(window);
        let mut outcomes = Vec::new();
        while outcomes.len() < self.crew.size() {
            let now = Moment::now();
            let replies = self.crew.replies();
            let next = if now < from { from } else { until };
            if now >= from {
                usage.begin(now, replies);
            }
            if now >= until {
                usage.end(now, replies);
            }
            self.bar.measure(window, now, replies, self.crew.faults());
            match self.crew.next((now < until).then_some(next)).await {
                Step::Tick => {}
                Step::Abort => return Ok(None),
                Step::Word(Word::Measured(outcome)) => outcomes.push(*outcome),
                Step::Word(word) => unexpected(word)?,
            }
        }
        usage.end(Moment::now(), self.crew.replies());
        Ok(Some(outcomes))
    }

    async fn leave(&mut self) -> Result<Option<Farewell>, Exit> {
        self.bar.leave();
        self.crew.dismiss();
        let mut farewell = Farewell::default();
        let mut ended = 0;
        while ended < self.crew.size() {
            match self.crew.next(None).await {
                Step::Tick => {}
                Step::Abort => return Ok(None),
                Step::Word(Word::Ended(Ok(one))) => {
                    ended += 1;
                    farewell.add(one);
                }
                Step::Word(word) => unexpected(word)?,
            }
        }
        Ok(Some(farewell))
    }
}

/// A thread ends before its time only if this machine does not let it go on.
fn unexpected(word: Word) -> Result<(), Exit> {
    match word {
        Word::Ended(Err(error)) => Err(Exit::usage(error).context("cannot go on")),
        Word::Ended(Ok(_)) | Word::Ramped(_) | Word::Measured(_) => Ok(()),
    }
}
