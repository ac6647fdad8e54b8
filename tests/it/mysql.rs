//! A real MySQL, and its own ways to log in.
