//! Template archives: packing a folder, and reading an archive back behind a guard.
//!
//! An archive comes from outside, so nothing in it is believed: not its file name, not its sizes, not its
//! paths. [`inspect`] reads one to its last byte and writes nothing; [`unpack`] does the same walk and writes
//! regular files and folders into a folder that appears only when all of it was good; [`contents`] answers what
//! they hold instead. [`pack`] makes the same
//! bytes from the same folder every time, and refuses what [`unpack`] would refuse.
//!
//! What the guard refuses, each as a typed [`Error`] that names the entry and the [`Rule`]: paths that leave the
//! folder or mean different things on different systems, links and devices, duplicates (also when they differ in
//! case alone), files below files, and everything past the [`Limits`]. Bytes are counted as they come out of the
//! decompressor, so what a header claims changes nothing.
//!
//! Everything here blocks: asynchronous callers use `spawn_blocking`.

mod contents;
mod error;
mod format;
mod guard;
mod limits;
mod meter;
mod pack;
mod tarball;
mod unpack;
mod walk;
mod zipball;

pub use contents::{Content, Kept, contents};
pub use error::{Error, Result, Rule};
pub use format::Format;
pub use limits::Limits;
pub use pack::{IGNORE_FILE, Packed, pack};
pub use unpack::unpack;
pub use walk::{Summary, inspect};
