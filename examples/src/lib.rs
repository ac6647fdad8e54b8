//! Nothing: the examples beside this folder are the package.
