//! One integration binary, a module per topic; try not to add another binary.

/// Which sites an alias addresses, case by case.
mod alias;
/// What WP-CLI does, matched or named.
mod conformance;
/// The harness itself: guards kill, databases answer, WordPress is real.
mod harness;
/// Connection strings, case by case.
mod ssh_parse;
