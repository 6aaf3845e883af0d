//! Mean and deviation of the last so many values.

use std::collections::VecDeque;

/// A sliding window with running sums.
#[derive(Clone, Debug)]
pub(super) struct Window {
    values: VecDeque<f64>,
    most: usize,
    sum: f64,
    squares: f64,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        Self {
            values: VecDeque::with_capacity(most + 1),
            most,
            sum: 0.0,
            squares: 0.0,
        }
    }

    pub(super) fn push(&mut self, value: f64) {
        self.values.push_back(value);
        self.sum += value;
        self.squares += value * value;
        if self.values.len() > self.most
            && let Some(old) = self.values.pop_front()
        {
            self.sum -= old;
            self.squares -= old * old;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a window has a thousand values")]
    pub(super) fn mean(&self) -> f64 {
        self.sum / self.values.len() as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "a window has a thousand values")]
    pub(super) fn deviation(&self) -> f64 {
        let mean = self.mean();
        let variance = self.squares / self.values.len() as f64 - mean * mean;
        // Rounding may leave less than nothing.
        variance.max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn only_the_last_values_count() {
        let mut window = Window::new(2);
        for value in [100.0, 1.0, 3.0] {
            window.push(value);
        }
        assert!((window.mean() - 2.0).abs() < 1e-9);
        assert!((window.deviation() - 1.0).abs() < 1e-9);
    }
}
