//! Deaths by service, for a bounded number of services.

use hashbrown::HashMap;

/// Services whose deaths are counted by name, as peers choose the names (I9).
pub(crate) const NAMED: usize = 1000;

/// How many sessions of each service died.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deaths {
    by_service: HashMap<Box<str>, u64>,
    others: u64,
}

impl Deaths {
    /// One more session of this service died.
    pub(super) fn count(&mut self, service: &str) {
        if let Some(deaths) = self.by_service.get_mut(service) {
            *deaths += 1;
        } else if self.by_service.len() < NAMED {
            self.by_service.insert(service.into(), 1);
        } else {
            self.others += 1;
        }
    }

    /// Those of services that are counted by name, in no order.
    pub(crate) fn by_service(&self) -> impl Iterator<Item = (&str, u64)> {
        let deaths = self.by_service.iter();
        deaths.map(|(service, deaths)| (&**service, *deaths))
    }

    /// Those of all other services together.
    pub(crate) fn others(&self) -> u64 {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_services_takes_bounded_memory_and_no_death_is_lost() {
        let mut deaths = Deaths::default();
        for _twice in 0..2 {
            for service in 0..3000 {
                deaths.count(&service.to_string());
            }
        }
        assert_eq!(deaths.by_service().count(), NAMED);
        assert!(deaths.by_service().all(|(_, deaths)| deaths == 2));
        assert_eq!(deaths.others(), 4000);
    }
}
