//! What the process says of itself while it runs: log lines, and traces where a collector is named.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;
use crate::trace;

/// How long a collector may take for one delivery.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is being said.
#[must_use = "traces that have not been sent are sent at its end"]
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Begins to log to the standard error and, with an endpoint, to send traces there.
    ///
    /// # Errors
    /// When the filter does not parse or the endpoint can't be used.
    pub fn start(filter: &str, format: LogFormat, otlp_endpoint: Option<&str>) -> anyhow::Result<Self> {
        let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?;
        let traces = match otlp_endpoint {
            Some(endpoint) => {
                Some(exporting(endpoint).with_context(|| format!("--otlp-endpoint {endpoint}"))?)
            }
            None => None,
        };
        let spans = traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("guildhall"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_filter(Targets::new().with_target(trace::TARGET, LevelFilter::TRACE))
        });
        tracing_subscriber::registry().with(lines(format).with_filter(filter)).with(spans).init();
        Ok(Self { traces })
    }

    /// Sends what has not been sent.
    pub async fn end(self) {
        let Some(traces) = self.traces else { return };
        // It waits for the delivery, which needs this runtime.
        let ended = tokio::task::spawn_blocking(move || traces.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    // Colours are for people: a file or a journal would keep their escape codes.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

fn exporting(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let client = Client {
        client: reqwest::Client::builder().timeout(PATIENCE).build()?,
        runtime: tokio::runtime::Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()?;
    let resource = Resource::builder()
        .with_service_name("guildhall")
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Sends from the server's runtime what is put together on a thread of the exporter's own.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), reqwest::Request::try_from(request)?);
        let sending = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        sending.await?
    }
}
