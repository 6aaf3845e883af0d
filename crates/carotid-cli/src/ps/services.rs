//! Services in aligned columns.

use carotid::api::{Service, Services};

use crate::args::PsArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};

pub(super) async fn print(operations: &Operations, args: &PsArgs) -> Result<(), Exit> {
    let services = fetch(operations, args).await?;
    match args.output {
        Format::Table => {
            table(&services)?;
            if services.is_empty() {
                output::talk(format_args!("no services"));
            }
        }
        Format::Json => output::json(&Services {
            services,
            next: None,
        })?,
        Format::Ndjson => output::ndjson(&services)?,
    }
    Ok(())
}

fn table(services: &[Service]) -> Result<(), Exit> {
    let names = services.iter().map(|service| service.service.as_str());
    let width = output::widest(names.chain(["SERVICE"]));
    let mut text = format!(
        "{}  HEALTH  ALIVE  SUSPECT  WEDGED  NEEDS  REASON\n",
        output::padded("SERVICE", width)
    );
    for service in services {
        let Service {
            alive,
            suspect,
            wedged,
            min_alive,
            ..
        } = service;
        text += &format!(
            "{}  {}  {alive:<5}  {suspect:<7}  {wedged:<6}  {min_alive:<5}  {}\n",
            output::padded(&service.service, width),
            output::coloured(&service.health, 6),
            output::harmless(&service.reason),
        );
    }
    output::bytes(text.as_bytes())
}

async fn fetch(operations: &Operations, args: &PsArgs) -> Result<Vec<Service>, Exit> {
    let mut services = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let health = args.health.iter().map(|health| ("health", &**health));
        let after_last = after.iter().map(|after| ("after", &**after));
        let query: Vec<_> = [("limit", super::PAGE)]
            .into_iter()
            .chain(health)
            .chain(after_last)
            .collect();
        let request = operations.get("/api/v1/services").query(&query);
        let page: Services = operations.ask(request).await?;
        services.extend(page.services);
        after = page.next;
        if after.is_none() {
            return Ok(services);
        }
    }
}
