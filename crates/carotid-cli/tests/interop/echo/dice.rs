//! Random numbers that are the same in every run.

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// One of `0..below`.
    pub(super) fn below(&mut self, below: usize) -> usize {
        usize::try_from(self.roll() % below as u64).unwrap()
    }

    /// Whether something of that probability happens.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A signed number of that many bits, extremes as likely as not.
    pub(super) fn int(&mut self, bits: u32) -> i64 {
        let spare = 64 - bits;
        match self.below(6) {
            0 => 0,
            1 => i64::MIN >> spare,
            2 => i64::MAX >> spare,
            _ => {
                let fewer = u32::try_from(self.below(bits as usize)).unwrap();
                self.roll().cast_signed() >> (spare + fewer)
            }
        }
    }

    pub(super) fn uint(&mut self, bits: u32) -> u64 {
        self.int(64).cast_unsigned() >> (64 - bits)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float32 is what is wanted"
    )]
    pub(super) fn float(&mut self, bits: u32) -> f64 {
        const SPECIAL: [f64; 8] = [
            0.0,
            -0.0,
            1.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f32::MAX as f64,
            0.1,
        ];
        let float = if self.one_in(2) {
            SPECIAL[self.below(SPECIAL.len())]
        } else {
            f64::from_bits(self.roll())
        };
        if bits == 32 {
            f64::from(float as f32)
        } else {
            float
        }
    }

    /// Bytes that are text, or are not.
    pub(super) fn bytes(&mut self) -> Vec<u8> {
        match self.below(4) {
            0 => Vec::new(),
            1 => "客户端/42".into(),
            2 => vec![0xff, 0xfe, b'x'],
            _ => (0..self.below(200))
                .map(|_| b'a'.saturating_add(self.roll().to_le_bytes()[0] % 26))
                .collect(),
        }
    }
}
