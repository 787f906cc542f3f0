//! The files of the bundle.

use std::io::{self, Read};

use flate2::read::GzDecoder;

use crate::bundle::FILES;

/// A file of the bundle. Its name carries a hash of its content, so a response may say
/// `cache-control: public, max-age=31536000, immutable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// The content, in the [`Asset::encoding`].
    pub bytes: &'static [u8],
    /// The value of `content-type`.
    pub mime: &'static str,
    /// The value of `content-encoding`, and the word to look for in `accept-encoding`: `gzip`.
    pub encoding: &'static str,
    name: &'static str,
}

impl Asset {
    /// The value of `etag`, quotes included. It is weak, because both encodings share it.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.name)
    }

    /// The content without its encoding, for the rare client that does not accept it.
    ///
    /// # Errors
    /// Only if the program's own data is damaged.
    pub fn decoded(&self) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(self.bytes).read_to_end(&mut plain)?;
        Ok(plain)
    }
}

/// Finds a file of the bundle by its name, without a leading slash: `main-2Q4X7TZB.js`. `None` is a 404.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    let index = FILES.binary_search_by_key(&path, |(name, _)| name).ok()?;
    let (name, bytes) = FILES[index];
    Some(Asset { bytes, mime: mime(name), encoding: "gzip", name })
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "ttf" => "font/ttf",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn files_are_found_by_their_whole_name() {
        assert_eq!(asset(""), None);
        assert_eq!(asset("index.html"), None);
        assert_eq!(asset("../Cargo.toml"), None);
        for (name, _) in FILES {
            let found = asset(name).unwrap();
            assert_ne!(found.mime, "application/octet-stream", "{name} has a type that browsers refuse");
            assert!(!found.decoded().unwrap().is_empty(), "{name}");
            assert_eq!(found.etag(), format!("W/\"{name}\""));
        }
    }
}
