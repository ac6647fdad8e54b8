//! One integration binary, a module per topic; try not to add another binary.

/// Which sites an alias addresses, case by case.
mod alias;
/// The codec against real PHP.
mod codec;
/// What WP-CLI does, matched or named.
mod conformance;
/// The harness itself: guards kill, databases answer, WordPress is real.
mod harness;
/// Connection strings, case by case.
mod ssh_parse;
/// The configuration reader against real PHP.
mod wp_config;
