//! The first bytes of a connection, which tell its protocol.

/// What a client of HTTP/2 says first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The head of a frame begins with the length of its payload.
const LENGTH_BYTES: usize = 3;
const FRAME_HEAD_BYTES: usize = 9;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Opening {
    /// The preface, and the frame of settings after it, are not all there.
    Preface {
        seen: usize,
        /// Of the payload of that frame, as far as it is known.
        length: usize,
    },
    Http1,
    Http2,
}

impl Opening {
    pub(super) const fn new() -> Self {
        Self::Preface { seen: 0, length: 0 }
    }

    pub(super) fn received(&mut self, bytes: &[u8]) {
        let Self::Preface { mut seen, mut length } = *self else { return };
        for byte in bytes {
            match PREFACE.get(seen) {
                Some(expected) if expected != byte => {
                    *self = Self::Http1;
                    return;
                }
                None if seen < PREFACE.len() + LENGTH_BYTES => length = length << 8 | usize::from(*byte),
                _ => {}
            }
            seen += 1;
            if seen == PREFACE.len() + FRAME_HEAD_BYTES + length {
                *self = Self::Http2;
                return;
            }
        }
        *self = Self::Preface { seen, length };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bytes: &[u8], at_once: usize) -> Opening {
        let mut opening = Opening::new();
        bytes.chunks(at_once).for_each(|bytes| opening.received(bytes));
        opening
    }

    #[test]
    fn http2_is_open_when_its_settings_are_there() {
        let empty = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
        let one = [PREFACE, &[0, 0, 6, 4, 0, 0, 0, 0, 0], &[0, 4, 0, 0, 0, 0]].concat();
        for settings in [empty, one] {
            for at_once in [1, 3, 24, 100] {
                assert_eq!(after(&settings, at_once), Opening::Http2);
                let short = after(&settings[..settings.len() - 1], at_once);
                assert!(matches!(short, Opening::Preface { .. }), "{short:?}");
            }
        }
    }

    #[test]
    fn anything_else_is_http1() {
        for bytes in ["GET / HTTP/1.1", "POST", "PRI * HTTP/1.1", "\r\n"] {
            assert_eq!(after(bytes.as_bytes(), 1), Opening::Http1);
            assert_eq!(after(bytes.as_bytes(), 100), Opening::Http1);
        }
    }
}
