//! The pings of one connection that have no answer yet.
//!
//! A ping's number holds its place in the table, so that answers in any order find it at once, and how
//! often that place was used before, so that an answer given twice is found out.

use super::clock::Moment;
use super::wire::{FIRST, LAST};

#[derive(Debug)]
pub(super) struct Flight {
    seats: Box<[Seat]>,
    free: Vec<u32>,
    /// The bits of a number that are its seat.
    seat_bits: u32,
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    number: u32,
    /// When the ping on this seat was due; none if it is free.
    due: Option<Moment>,
}

impl Flight {
    /// A table for so many pings, at most 65,536.
    pub(super) fn new(in_flight: usize) -> Self {
        let places = u32::try_from(in_flight).unwrap_or(u32::MAX).min(1 << 16);
        let seat = |place| Seat {
            number: FIRST | place,
            due: None,
        };
        Self {
            seats: (0..places).map(seat).collect(),
            free: (0..places).rev().collect(),
            seat_bits: places.next_power_of_two().trailing_zeros(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    pub(super) fn aloft(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// Takes a seat for a ping and gives it its number; `None` if all are taken.
    pub(super) fn launch(&mut self, due: Moment) -> Option<u32> {
        let place = self.free.pop()?;
        let seat = self.seats.get_mut(place as usize)?;
        seat.number = FIRST | (seat.number + (1 << self.seat_bits)) & (LAST - FIRST);
        seat.due = Some(due);
        Some(seat.number)
    }

    /// When the ping of this number was due, if it was on its way.
    pub(super) fn land(&mut self, number: u64) -> Option<Moment> {
        let number = u32::try_from(number).ok()?;
        let place = number & ((1 << self.seat_bits) - 1);
        let seat = self.seats.get_mut(place as usize)?;
        if seat.number != number {
            return None;
        }
        let due = seat.due.take()?;
        self.free.push(place);
        Some(due)
    }

    /// Gives up all that are on their way; how many those were.
    pub(super) fn abandon(&mut self) -> usize {
        let aloft = self.aloft();
        *self = Self::new(self.seats.len());
        aloft
    }

    /// When those still on their way were due.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Moment> {
        self.seats.iter().filter_map(|seat| seat.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_finds_its_ping_once() {
        let mut flight = Flight::new(3);
        let start = Moment::now();
        let moments = [1, 2, 3].map(|n| start.plus_nanos(n));
        let numbers = moments.map(|moment| flight.launch(moment).unwrap());
        assert_eq!(flight.launch(start), None);
        assert!(flight.is_full());
        for at in [2, 0, 1] {
            assert_eq!(flight.land(numbers[at].into()), Some(moments[at]));
            assert_eq!(flight.land(numbers[at].into()), None);
        }
        assert_eq!(flight.aloft(), 0);
        let next = flight.launch(start).unwrap();
        assert!(!numbers.contains(&next));
        for stranger in [0, u64::MAX, u64::from(next) + 1, u64::from(numbers[0])] {
            assert_eq!(flight.land(stranger), None);
        }
        assert_eq!(flight.waiting().collect::<Vec<_>>(), [start]);
    }

    #[test]
    fn numbers_keep_their_width_for_ever() {
        for in_flight in [1, 3, 65_536] {
            let mut flight = Flight::new(in_flight);
            flight.seats[0].number = LAST - 65_535;
            for _ in 0..4 {
                let number = flight.launch(Moment::now()).unwrap();
                assert!((FIRST..=LAST).contains(&number), "{number}");
                assert!(flight.land(number.into()).is_some());
            }
        }
    }
}
