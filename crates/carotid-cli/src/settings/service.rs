//! What single services are held to: the tables `[service.NAME]` of the file.

use std::collections::BTreeMap;

use carotid::core::SessionName;
use carotid::{ServiceConfig, ServiceConfigs};
use serde::Deserialize;

/// One table.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// With fewer sessions alive it fails [default: 1]
    #[serde(alias = "min-alive")]
    pub(crate) min_alive: Option<u32>,
}

/// All of them, by name.
pub(crate) type Services = BTreeMap<String, Service>;

/// A name that no service can have.
#[derive(Debug, thiserror::Error)]
#[error(
    "[service.{name:?}] names no service: a name is what stands before the first / of its sessions' names"
)]
pub(crate) struct NoService {
    name: String,
}

pub(crate) fn configs(services: &Services) -> Result<ServiceConfigs, NoService> {
    let config = |(name, service): (&String, &Service)| {
        if SessionName::new(name).is_err() || name.contains('/') {
            return Err(NoService { name: name.clone() });
        }
        let mut config = ServiceConfig::default();
        config.min_alive = service.min_alive.unwrap_or(config.min_alive);
        Ok((name.as_str().into(), config))
    };
    services.iter().map(config).collect()
}
