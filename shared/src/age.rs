//! Times as people say them. No clock: now is an argument.

/// How long ago, in the largest unit that fits: `3 days`, `1 hour`, `in 5 minutes`. Both are Unix seconds.
pub fn age(then: i64, now: i64) -> String {
    const UNITS: [(u64, &str); 6] = [
        (365 * 86_400, "year"),
        (30 * 86_400, "month"),
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let seconds = now.abs_diff(then);
    let (count, unit) = UNITS
        .into_iter()
        .find(|(unit, _)| seconds >= *unit)
        .map_or((0, "second"), |(unit, name)| (seconds / unit, name));
    let plural = if count == 1 { "" } else { "s" };
    let ahead = if then > now { "in " } else { "" };
    format!("{ahead}{count} {unit}{plural}")
}
