//! The command line: one file per noun, a client of the public API.
