//! Which PHP: the one of the usual folders, found by name. Starts nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// Where PHP's command line program stands. The search path of whoever runs us counts for nothing.
const FOLDERS: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/opt/bin"];

/// PHP's command line program: `php`, else the highest `php8.4` or `php84`.
pub fn find() -> Option<PathBuf> {
    FOLDERS
        .iter()
        .find_map(|folder| in_folder(Path::new(folder)))
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join("php");
    if plain.is_file() {
        return Some(plain);
    }
    let version = |name: &str| -> Option<u32> {
        let digits = name.strip_prefix("php")?.replace('.', "");
        digits.parse().ok()
    };
    let names = fs::read_dir(folder).ok()?.flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let newest = names
        .filter_map(|name| Some((version(&name)?, name)))
        .filter(|(_, name)| folder.join(name).is_file())
        .max()?;
    Some(folder.join(newest.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_name_then_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(in_folder(dir.path()), None);
        let rows = [
            ("php-config", None),
            ("php7.4", Some("php7.4")),
            ("php8.2", Some("php8.2")),
            ("php81", Some("php8.2")),
            ("php", Some("php")),
        ];
        for (made, found) in rows {
            fs::write(dir.path().join(made), "").unwrap();
            let found = found.map(|name| dir.path().join(name));
            assert_eq!(in_folder(dir.path()), found, "{made}");
        }
    }
}
