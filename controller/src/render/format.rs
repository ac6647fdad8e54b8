//! The names of the formats. How each is drawn is in the file of its name.

use std::str::FromStr;

/// `--format=`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A box on a terminal, tab-separated on a pipe.
    #[default]
    Table,
    /// RFC 4180.
    Csv,
    /// One array, on one line.
    Json,
    /// One object a line.
    JsonLines,
    /// A list of maps.
    Yaml,
    /// The number of rows.
    Count,
    /// Verifiers (of sessions) or IDs (of users), separated by one space.
    Ids,
}

impl Format {
    /// Every format with its exact name, in the order of the manual.
    pub const ALL: [(&'static str, Self); 7] = [
        ("table", Self::Table),
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("yaml", Self::Yaml),
        ("count", Self::Count),
        ("ids", Self::Ids),
        ("jsonl", Self::JsonLines),
    ];
}

/// A `--format` that is none. The texts are WP-CLI's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFormat {
    /// No format of that name.
    #[error(
        "Parameter errors:\n Invalid value specified for 'format' \
         (Render output in a particular format.)"
    )]
    Unknown,
    /// Several formats at once.
    #[error("Invalid format: {0}")]
    Several(String),
}

impl FromStr for Format {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        let named = |name: &str| Self::ALL.into_iter().find(|(known, _)| *known == name);
        match named(text) {
            Some((_, format)) => Ok(format),
            None if text.split(',').all(|name| named(name).is_some()) => {
                Err(InvalidFormat::Several(text.to_owned()))
            }
            None => Err(InvalidFormat::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        assert_eq!("jsonl".parse(), Ok(Format::JsonLines));
        assert!(
            Format::ALL
                .into_iter()
                .all(|(name, format)| name.parse() == Ok(format))
        );
        for wrong in ["", "CSV", "csv ", "xml", "csv,xml"] {
            assert_eq!(
                wrong.parse::<Format>(),
                Err(InvalidFormat::Unknown),
                "{wrong}"
            );
        }
        assert_eq!(
            InvalidFormat::Unknown.to_string(),
            "Parameter errors:\n Invalid value specified for 'format' (Render output in a \
             particular format.)"
        );
        let two = "csv,json".parse::<Format>().unwrap_err();
        assert_eq!(two.to_string(), "Invalid format: csv,json");
    }
}
