//! GraphiQL, bundled: the page that a browser gets from `GET /graphql`, and the files that the page asks for.
//!
//! Nothing comes from another host. The host application serves [`page`] at its endpoint, with
//! [`CONTENT_SECURITY_POLICY`], and [`asset`] below a path of its choice; see [`PageOptions`].
//!
//! The bundle is made by `build.rs` from `web/`. Without Node.js and npm the crate builds all the same, and the page
//! says how to get the editor: [`is_bundled`] tells which of the two it is.

mod asset;
mod page;

pub use asset::{Asset, asset};
pub use page::{CONTENT_SECURITY_POLICY, PageOptions, is_bundled, page};

/// What `build.rs` made: the files without `index.html`, compressed, sorted by name; and `index.html`.
mod bundle {
    include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
}
