//! Which media type an answer has, by the `Accept` header.

use http::{HeaderMap, header};

/// The media type of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Media {
    /// `application/graphql-response+json`: the status says whether the request was well-formed.
    GraphqlResponse,
    /// `application/json`: every well-formed request is answered with 200.
    Json,
    /// `text/event-stream`.
    EventStream,
}

impl Media {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::EventStream => "text/event-stream; charset=utf-8",
        }
    }

    pub(crate) fn is_legacy(self) -> bool {
        self != Self::GraphqlResponse
    }
}

/// What a client can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Accepted {
    /// What it would rather read.
    pub(crate) media: Media,
    /// Whether it reads event streams, if that is all there is.
    pub(crate) streams: bool,
}

/// Chooses by q-value, then by how precisely a type is named. Without a wish, or with a wildcard only, the answer is
/// `application/json`, as it was before there was another type; `streaming` endpoints answer with an event stream.
/// `None` when the client reads nothing the server writes.
pub(crate) fn negotiate(headers: &HeaderMap, streaming: bool) -> Option<Accepted> {
    let default = if streaming { Media::EventStream } else { Media::Json };
    let ranges = ranges(headers);
    if ranges.is_empty() {
        return Some(Accepted { media: default, streams: streaming });
    }
    let quality = |essence: &str| {
        let best = ranges.iter().filter_map(|range| Some((range.matches(essence)?, range.quality)));
        best.max_by_key(|(precision, _)| *precision).filter(|(_, quality)| *quality > 0)
    };
    let stream = quality("text/event-stream").filter(|(precision, _)| streaming || *precision == EXACT);
    let offers = [
        (Media::EventStream, stream, if streaming { 3 } else { 0 }),
        (Media::Json, quality("application/json"), 1),
        (Media::GraphqlResponse, quality("application/graphql-response+json"), 2),
    ];
    let ranked = offers.into_iter().filter_map(|(media, found, preference)| {
        let (precision, quality) = found?;
        let preference = if precision == EXACT || media != Media::GraphqlResponse { preference } else { 0 };
        Some(((quality, precision, preference), media))
    });
    let (_, media) = ranked.max_by_key(|(rank, _)| *rank)?;
    Some(Accepted { media, streams: stream.is_some() })
}

/// Whether the client would rather have a page: a browser that opens the address. It names HTML, and no form of JSON that it
/// likes better, or as well and before.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    let mut named = ranges.iter().enumerate();
    let html = named.find(|(_, range)| range.matches("text/html") == Some(EXACT));
    let Some((place, &Range { quality: html, .. })) = html else { return false };
    let is_better = |essence: &str| {
        let found = ranges.iter().enumerate().filter_map(|(place, range)| {
            let precision = range.matches(essence)?;
            Some((precision, range.quality, place))
        });
        found.max_by_key(|(precision, ..)| *precision).is_some_and(|(precision, quality, other)| {
            quality > html || quality == html && precision == EXACT && other < place
        })
    };
    html > 0 && !is_better("application/json") && !is_better("application/graphql-response+json")
}

/// What is accepted, in the order of the header.
fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(Range::parse).collect()
}

/// How precisely a range names a type: by itself.
const EXACT: u8 = 2;

struct Range<'a> {
    essence: &'a str,
    /// Thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| essence.contains('/'))?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = match quality {
            None => 1_000,
            Some(text) => thousandths(text)?,
        };
        Some(Self { essence, quality })
    }

    /// How precisely this range names a type, if at all.
    fn matches(&self, essence: &str) -> Option<u8> {
        if self.essence.eq_ignore_ascii_case(essence) {
            return Some(EXACT);
        }
        let (kind, wildcard) = self.essence.split_once('/')?;
        match (kind, wildcard) {
            ("*", "*") => Some(0),
            (kind, "*") if essence.split('/').next().is_some_and(|own| own.eq_ignore_ascii_case(kind)) => {
                Some(1)
            }
            _ => None,
        }
    }
}

fn thousandths(text: &str) -> Option<u16> {
    let quality: f32 = text.trim().parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is between 0 and 1000"
    )]
    Some((quality * 1_000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(accept: &str) -> Option<Media> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        negotiate(&headers, false).map(|accepted| accepted.media)
    }

    #[test]
    fn q_values_decide_and_precision_breaks_ties() {
        use Media::{EventStream, GraphqlResponse, Json};
        assert_eq!(media("application/graphql-response+json"), Some(GraphqlResponse));
        assert_eq!(media("application/json, application/graphql-response+json"), Some(GraphqlResponse));
        assert_eq!(media("application/graphql-response+json;q=0.1, application/json;q=0.9"), Some(Json));
        assert_eq!(
            media("application/graphql-response+json; charset=utf-8; q=0.5, */*;q=0.1"),
            Some(GraphqlResponse)
        );
        assert_eq!(media("*/*"), Some(Json));
        assert_eq!(media("application/*"), Some(Json));
        assert_eq!(media("*/*, application/json;q=0"), Some(GraphqlResponse));
        assert_eq!(media("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Json));
        assert_eq!(media("text/event-stream"), Some(EventStream));
        assert_eq!(media("text/*"), None);
        assert_eq!(media("image/png"), None);
        assert_eq!(media("application/json;q=0"), None);
        assert_eq!(media(""), Some(Json));
    }

    #[test]
    fn clients_that_read_everything_can_be_streamed_to() {
        let accept =
            "application/graphql-response+json, application/json, text/event-stream, multipart/mixed";
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        assert_eq!(
            negotiate(&headers, false),
            Some(Accepted { media: Media::GraphqlResponse, streams: true })
        );
    }

    #[test]
    fn a_streaming_endpoint_streams_by_default() {
        assert_eq!(negotiate(&HeaderMap::new(), true).unwrap().media, Media::EventStream);
        let any = HeaderMap::from_iter([(header::ACCEPT, "*/*".parse().unwrap())]);
        assert_eq!(negotiate(&any, true).unwrap().media, Media::EventStream);
        assert_eq!(negotiate(&any, false).unwrap(), Accepted { media: Media::Json, streams: false });
    }

    #[test]
    fn browsers_are_told_by_html() {
        let headers = |accept: &str| HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        assert!(prefers_html(&headers("text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(prefers_html(&headers("text/html, application/json")));
        assert!(prefers_html(&headers("application/json;q=0.5, text/html")));
        assert!(!prefers_html(&headers("*/*")));
        assert!(!prefers_html(&headers("application/json, text/html")));
        assert!(!prefers_html(&headers("text/html;q=0.1, application/graphql-response+json")));
        assert!(!prefers_html(&headers("text/html;q=0.5, */*")));
        assert!(!prefers_html(&headers("text/html;q=0, */*;q=0.1")));
    }
}
