//! The nearest of some names, for `Did you mean`; pure arithmetic.

/// Names farther apart than this are no typing mistake. WP-CLI's figure.
const MAX_DISTANCE: usize = 2;

/// The first of the names with the smallest distance, if that is small enough.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best = None;
    for name in names {
        // The length alone rules most names of a large inventory out.
        if name.len().abs_diff(word.len()) > MAX_DISTANCE {
            continue;
        }
        let distance = levenshtein(word.as_bytes(), name.as_bytes());
        if distance <= best.map_or(MAX_DISTANCE, |(least, _)| least - 1) {
            if distance == 0 {
                return Some(name);
            }
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Insertions, deletions and replacements of bytes, as PHP's `levenshtein` counts them.
fn levenshtein(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_first_nearest_name_within_two_is_suggested() {
        for (word, names, expect) in [
            ("@s1", &["s1", "s2"][..], Some("s1")),
            ("p", &["rt"], Some("rt")),
            ("shh", &["path", "ssh", "sudo"], Some("ssh")),
            ("abc", &["abd", "abe"], Some("abd")),
            ("abc", &["xyz"], None),
            ("", &["ab", "a"], Some("a")),
            ("x", &[], None),
        ] {
            assert_eq!(nearest(word, names.iter().copied()), expect, "{word}");
        }
    }
}
