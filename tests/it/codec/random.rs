//! Random serialized values, some PHP's own, some damaged. The same seed gives the same values.

/// A small generator (SplitMix64), so that a seed names a run for ever.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % limit as u64) as usize
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A value in PHP's spelling and in ways PHP only reads; references may point anywhere.
    pub(super) fn value(&mut self, depth: usize) -> Vec<u8> {
        let is_container = depth == 0 || (depth < 4 && self.below(3) == 0);
        if is_container {
            let entries = self.below(5);
            let mut value = match self.below(4) {
                0 if depth > 0 => format!("O:8:\"stdClass\":{entries}:{{"),
                _ => format!("a:{entries}:{{"),
            }
            .into_bytes();
            for n in 0..entries {
                let key = match self.below(12) {
                    0 => "i:1;".to_owned(),
                    1 => "s:1:\"1\";".to_owned(),
                    2..6 => "s:10:\"expiration\";".to_owned(),
                    _ => format!("s:2:\"k{n}\";"),
                };
                value.extend_from_slice(key.as_bytes());
                value.extend_from_slice(&self.value(depth + 1));
            }
            value.push(b'}');
            return value;
        }
        let scalars: &[&[u8]] = &[
            b"N;",
            b"b:0;",
            b"b:1;",
            b"i:5;",
            b"i:-7;",
            b"i:+1995325032;",
            b"i:1795325032;",
            b"i:1795325031;",
            b"i:1999999999;",
            b"d:0.5;",
            b"d:1.8E+9;",
            b"d:INF;",
            b"d:-INF;",
            b"d:NAN;",
            b"s:3:\"a\";\";",
            b"s:10:\"1999999999\";",
            b"s:3:\" 5 \";",
            b"s:4:\"1e99\";",
            b"s:4:\"\x0c1e9\";",
            b"s:3:\".5e\";",
            b"s:0:\"\";",
            b"E:11:\"Suit:Hearts\";",
        ];
        match self.below(6) {
            0 => format!("R:{};", self.below(12)).into_bytes(),
            1 if self.below(2) == 0 => format!("r:{};", self.below(9)).into_bytes(),
            _ => self.one(scalars).to_vec(),
        }
    }

    /// The value after one to three small accidents.
    pub(super) fn mutated(&mut self, mut value: Vec<u8>) -> Vec<u8> {
        const BYTES: &[u8] = b"0123456789:;{}\"aOisdbNrREC+-.e \0\xff";
        const PIECES: &[&[u8]] = &[
            b"i:0;",
            b"N;",
            b"}",
            b";",
            b"0",
            b"r:2;",
            b"R:3;",
            b"a:0:{}",
            b"s:1:\"x\";",
            b"-",
            b" ",
        ];
        for _ in 0..=self.below(3) {
            let at = self.below(value.len() + 1);
            let end = value.len().min(at + self.below(12));
            match self.below(8) {
                0 => value.truncate(at),
                1 => drop(value.drain(at..end)),
                2 => {
                    let piece = value[at..end].to_vec();
                    drop(value.splice(at..at, piece));
                }
                3 => drop(value.splice(at..at, self.one(PIECES).iter().copied())),
                4 => value.extend(self.one(PIECES).iter()),
                5 => {
                    let digits: Vec<usize> = (0..value.len())
                        .filter(|at| value[*at].is_ascii_digit())
                        .collect();
                    if !digits.is_empty() {
                        value[*self.one(&digits)] = b'0' + self.below(10) as u8;
                    }
                }
                _ if at < value.len() => value[at] = *self.one(BYTES),
                _ => {}
            }
        }
        value
    }
}
