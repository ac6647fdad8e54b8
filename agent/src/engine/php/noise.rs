//! What the site's PHP printed: never an answer, kept for the diagnosis, and no more of it than a
//! person reads. Pure.

/// Bytes kept of one stream: the head of an error page is longer than its text.
const KEPT: usize = 16 * 1024;

/// Characters of it that are shown.
const SHOWN: usize = 200;

/// One stream.
#[derive(Default)]
pub(super) struct Noise(Vec<u8>);

impl Noise {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(&bytes[..room]);
    }

    /// The first words, without markup; `None` when nothing readable was printed.
    pub(super) fn shown(&self) -> Option<String> {
        let text = words(&String::from_utf8_lossy(&self.0));
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        (!shown.is_empty()).then_some(shown)
    }
}

/// Text without tags, without what is between the tags of a head, a style or a script, and with
/// single spaces.
fn words(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let mut plain = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        plain.push_str(&rest[..open]);
        plain.push(' ');
        rest = &rest[open + 1..];
        let name: String = rest
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let end = match name.as_str() {
            // ASCII lower case keeps every byte in its place.
            "head" | "style" | "script" => rest
                .to_ascii_lowercase()
                .find(&format!("</{name}"))
                .unwrap_or(rest.len()),
            _ => 0,
        };
        rest = &rest[end..];
        rest = rest.find('>').map_or("", |close| &rest[close + 1..]);
    }
    plain.push_str(rest);
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_a_sentence() {
        let long = "x".repeat(300);
        let cut = format!("{}…", "x".repeat(200));
        let rows = [
            ("", None),
            ("  \n <br> ", None),
            ("\u{feff}Hello\n  there", Some("Hello there")),
            (
                "<!DOCTYPE html><html><HEAD><title>x</title><style>a{}</style></HEAD><body \
                 id=\"e\"><h1>Error</h1>establishing a <b>database</b> connection</body>",
                Some("Error establishing a database connection"),
            ),
            ("a <script>if (1 < 2) {}</script> b", Some("a b")),
            ("cut <head", Some("cut")),
            (long.as_str(), Some(cut.as_str())),
        ];
        for (printed, expected) in rows {
            let mut noise = Noise::default();
            noise.push(printed.as_bytes());
            assert_eq!(noise.shown().as_deref(), expected, "{printed}");
        }
        let mut noise = Noise::default();
        noise.push(&vec![b'y'; 10 * KEPT]);
        assert_eq!(noise.0.len(), KEPT);
    }
}
