//! Reads the words of the format (lengths, numbers, quoted bytes) off borrowed bytes, one after the
//! other. Knows nothing of arrays, keys or slots.

use super::ParseError;
use super::number::{decimal, saturating, wrapping};

/// A place in a value.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// A type letter and its colon (`N` has a semicolon).
    pub(super) fn letter(&mut self) -> Result<u8, ParseError> {
        let letter = self.bytes.get(self.at).copied();
        let letter = letter.ok_or(ParseError::CutOff { at: self.at })?;
        if !letter.is_ascii_alphabetic() {
            return Err(ParseError::Unexpected {
                at: self.at,
                wanted: "a type letter",
            });
        }
        self.at += 1;
        match letter {
            b'N' => self.expect(b";", "; after N")?,
            _ => self.expect(b":", ": after a type letter")?,
        }
        Ok(letter)
    }

    pub(super) fn bool(&mut self) -> Result<bool, ParseError> {
        let at = self.at;
        let flag = match self.digits()? {
            b"0" => false,
            b"1" => true,
            _ => {
                return Err(ParseError::Unexpected {
                    at,
                    wanted: "0 or 1",
                });
            }
        };
        self.expect(b";", "; after a boolean")?;
        Ok(flag)
    }

    pub(super) fn int(&mut self) -> Result<i64, ParseError> {
        let negative = self.sign();
        let number = saturating(self.digits()?);
        self.expect(b";", "; after an integer")?;
        Ok(match i64::try_from(number) {
            Ok(number) if negative => -number,
            Ok(number) => number,
            Err(_) if negative => i64::MIN,
            Err(_) => i64::MAX,
        })
    }

    pub(super) fn float(&mut self) -> Result<f64, ParseError> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| **byte != b';').count();
        let text = rest.get(..length).unwrap_or_default();
        self.at += length;
        self.expect(b";", "; after a float")?;
        match text {
            b"NAN" => Some(f64::NAN),
            b"INF" => Some(f64::INFINITY),
            b"-INF" => Some(f64::NEG_INFINITY),
            _ => decimal(text),
        }
        .ok_or(ParseError::Unexpected {
            at,
            wanted: "a float",
        })
    }

    /// A length, a colon, and as many bytes between quotes.
    pub(super) fn quoted(&mut self) -> Result<&'a [u8], ParseError> {
        let at = self.at;
        let declared = wrapping(self.digits()?);
        self.expect(b":\"", ":\" after a length")?;
        let length = usize::try_from(declared).unwrap_or(usize::MAX);
        let end = self.at.saturating_add(length);
        let text = self
            .bytes
            .get(self.at..end)
            .ok_or(ParseError::Length { at, declared })?;
        self.at = end;
        self.expect(b"\"", "\" after the declared number of bytes")?;
        Ok(text)
    }

    /// Whether there is a minus; a plus is skipped.
    pub(super) fn sign(&mut self) -> bool {
        let sign = self.bytes.get(self.at);
        self.at += usize::from(matches!(sign, Some(b'+' | b'-')));
        sign == Some(&b'-')
    }

    pub(super) fn digits(&mut self) -> Result<&'a [u8], ParseError> {
        match self.take_digits() {
            [] if self.at == self.bytes.len() => Err(ParseError::CutOff { at: self.at }),
            [] => Err(ParseError::Unexpected {
                at: self.at,
                wanted: "digits",
            }),
            digits => Ok(digits),
        }
    }

    pub(super) fn take_digits(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn expect(
        &mut self,
        literal: &[u8],
        wanted: &'static str,
    ) -> Result<(), ParseError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(literal) {
            self.at += literal.len();
            Ok(())
        } else if literal.starts_with(rest) {
            Err(ParseError::CutOff {
                at: self.bytes.len(),
            })
        } else {
            Err(ParseError::Unexpected {
                at: self.at,
                wanted,
            })
        }
    }
}

/// Without the white space around it that PHP's `trim()` removes.
pub(in super::super) fn trimmed(value: &[u8]) -> &[u8] {
    let mut rest = trimmed_start(value);
    while let [shorter @ .., last] = rest
        && is_space(*last)
    {
        rest = shorter;
    }
    rest
}

pub(super) fn trimmed_start(value: &[u8]) -> &[u8] {
    let begin = value.iter().take_while(|byte| is_space(**byte)).count();
    value.get(begin..).unwrap_or_default()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b)
}
