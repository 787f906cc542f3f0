//! What the server tells of itself: log lines, metrics, traces.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tracing_subscriber::EnvFilter;

/// What the server tells of itself.
#[derive(Debug, Clone, Args)]
pub struct Observing {
    /// Address and port to answer GET /metrics on, for Prometheus; nowhere if absent. Without a token: keep it private
    #[arg(long, env = "GUILDHALL_METRICS_ADDRESS", value_name = "IP:PORT", value_parser = super::address)]
    pub metrics_address: Option<SocketAddr>,

    /// Where to send traces to, by OTLP over HTTP, e.g. `http://127.0.0.1:4318`; nowhere if absent
    #[arg(long, env = "GUILDHALL_OTLP_ENDPOINT", value_name = "URL", value_parser = super::site)]
    pub otlp_endpoint: Option<String>,

    /// Milliseconds from which on a request is logged as slow, with the hash of its document; 0 for never
    #[arg(long, env = "GUILDHALL_SLOW_REQUEST_MS", value_name = "MS", default_value_t = 1000)]
    pub slow_request_ms: u64,

    /// What to log, e.g. `info` or `guildhall=debug,warn`
    #[arg(long, env = "GUILDHALL_LOG", value_name = "FILTER", default_value = "info,sea_orm_migration=warn",
          value_parser = filter)]
    pub log: String,

    /// How to log
    #[arg(long, env = "GUILDHALL_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The text of a filter that can be used.
fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

impl Observing {
    /// From when on a request is slow, if ever.
    pub fn slow_request(&self) -> Option<Duration> {
        (self.slow_request_ms > 0).then(|| Duration::from_millis(self.slow_request_ms))
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line, for programs.
    Json,
}
