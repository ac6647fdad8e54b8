//! A short name for a user agent. A guess for people, who see the whole text under `ua`.

/// Product tokens, the most telling first: nearly everybody also claims to be Chrome and Safari.
const BROWSERS: [(&str, &str); 20] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("Opera/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex"),
    ("CriOS/", "Chrome"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/7.0; rv:", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("PhantomJS/", "PhantomJS"),
    ("Version/", "Safari"),
];

/// Marks of operating systems, the most telling first: Android also says Linux, iPhone Mac OS X.
const SYSTEMS: [(&str, &str); 10] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
];

/// The longest name taken from a user agent that is no browser.
const LONGEST_NAME: usize = 40;

/// `Firefox 128 on Linux`; `curl 8` for a program; nothing when the text says nothing.
pub(super) fn name(user_agent: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(user_agent);
    let program = BROWSERS
        .iter()
        // "Version/" is Safari's only beside its name; old Opera and Android say it too.
        .filter(|(mark, _)| *mark != "Version/" || text.contains("Safari/"))
        .find_map(|(mark, name)| Some(versioned(name, after(&text, mark)?)))
        .or_else(|| first_product(&text));
    let system = SYSTEMS
        .iter()
        .find(|(mark, _)| text.contains(mark))
        .map(|(_, name)| *name);
    match (program, system) {
        (Some(program), Some(system)) => Some(format!("{program} on {system}")),
        (Some(program), None) => Some(program),
        (None, system) => system.map(str::to_owned),
    }
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

/// The name with the major version that `rest` begins with, if any.
fn versioned(name: &str, rest: &str) -> String {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match rest.get(..digits) {
        Some(major) if (1..=6).contains(&digits) => format!("{name} {major}"),
        _ => name.to_owned(),
    }
}

/// `curl/8.5.0` → `curl 8`. `Mozilla/5.0` says nothing.
fn first_product(text: &str) -> Option<String> {
    let (name, rest) = text.split_once('/')?;
    let telling = (1..=LONGEST_NAME).contains(&name.len())
        && name != "Mozilla"
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b" -_.".contains(&byte));
    telling.then(|| versioned(name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_ones() {
        const KHTML: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        let rows = [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox 128 on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KHTML} Chrome/126.0.0.0 Safari/537.36",
                "Chrome 126 on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) {KHTML} Chrome/126.0.0.0 Safari/537.36 Edg/126.0",
                "Edge 126 on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KHTML} Version/17.5 Safari/605",
                "Safari 17 on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {KHTML} CriOS/126.0 Mobile",
                "Chrome 126 on iOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S921B) {KHTML} SamsungBrowser/25.0 Chrome/121",
                "Samsung Internet 25 on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
                "Internet Explorer 11 on Windows",
            ),
            ("curl/8.5.0", "curl 8"),
            ("WordPress/6.5; https://example.com", "WordPress 6"),
            ("python-requests/2.31.0", "python-requests 2"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
        ];
        for (user_agent, short) in rows {
            let user_agent = user_agent.replace("{KHTML}", KHTML);
            assert_eq!(
                name(user_agent.as_bytes()).as_deref(),
                Some(short),
                "{user_agent}"
            );
        }
        for nothing in ["", "UA", "Mozilla/5.0", "/", "日本/5"] {
            assert_eq!(name(nothing.as_bytes()), None, "{nothing}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, tail: String) {
            name(&bytes);
            name(format!("Firefox/{tail}").as_bytes());
        }
    }
}
