//! The few tar entries that the engine's archive interface needs, both ways; pure.

/// A tar file is made of blocks of this size.
const BLOCK: usize = 512;

/// A directory or a file to be.
pub(super) struct Entry<'a> {
    /// Its path below the directory that is unpacked to; at most 100 bytes.
    pub(super) path: &'a str,
    /// Who owns it.
    pub(super) uid: u32,
    /// Its permissions.
    pub(super) mode: u32,
    /// What is in it; a directory when `None`.
    pub(super) content: Option<&'a [u8]>,
}

/// A whole archive (POSIX ustar).
pub(super) fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let size: usize = entries
        .iter()
        .map(|it| it.content.map_or(0, <[u8]>::len))
        .sum();
    let mut tar = Vec::with_capacity(size + (2 * entries.len() + 2) * BLOCK);
    for entry in entries {
        let content = entry.content.unwrap_or_default();
        tar.extend_from_slice(&header(entry, content.len()));
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    tar
}

fn header(entry: &Entry<'_>, size: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    let path = &entry.path.as_bytes()[..entry.path.len().min(100)];
    put(0, path);
    put(100, format!("{:07o}", entry.mode).as_bytes());
    put(108, format!("{:07o}", entry.uid & 0o7_777_777).as_bytes());
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, b"00000000000");
    // The sum counts its own field as blanks.
    put(148, b"        ");
    put(156, if entry.content.is_some() { b"0" } else { b"5" });
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The content of the first file of an archive, as far as it is there.
pub(super) fn first_file(mut tar: &[u8]) -> Option<&[u8]> {
    loop {
        let (header, rest) = tar.split_at_checked(BLOCK)?;
        let size = octal(&header[124..136])?;
        match header[156] {
            b'0' | 0 => return Some(&rest[..size.min(rest.len())]),
            // What describes the entry behind it.
            b'x' | b'g' => tar = rest.get(size.next_multiple_of(BLOCK)..)?,
            _ => return None,
        }
    }
}

fn octal(field: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(field).ok()?;
    usize::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::{Entry, archive, first_file};

    #[test]
    fn an_archive_is_whole_blocks_that_read_back() {
        let file = |content| Entry {
            path: "dir/file",
            uid: 33,
            mode: 0o500,
            content: Some(content),
        };
        for content in [&b""[..], b"x", &[7; 512], &[7; 513]] {
            let tar = archive(&[file(content)]);
            assert_eq!(tar.len() % 512, 0);
            assert_eq!(first_file(&tar), Some(content));
            let sum: u32 = tar[..512].iter().map(|byte| u32::from(*byte)).sum();
            let stored = u32::from_str_radix(std::str::from_utf8(&tar[148..154]).unwrap(), 8);
            let own: u32 = tar[148..156].iter().map(|byte| u32::from(*byte)).sum();
            assert_eq!(stored.unwrap(), sum - own + 8 * 32);
        }
        let folder = Entry {
            content: None,
            ..file(b"")
        };
        assert_eq!(first_file(&archive(&[folder])), None);
        assert_eq!(first_file(b"short"), None);
    }
}
