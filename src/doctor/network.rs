//! What the server runs and where it listens.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use guildhall_provisionerd::engine::Terraform;
use guildhall_provisionerd::engine::terraform::{DiscoveryError, Options};
use tokio::net::TcpListener;

use super::Finding;
use crate::config::{self, Serving};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the built-in provisioners run.
pub(super) async fn terraform(serving: &Serving) -> Finding {
    const CHECK: &str = "terraform";
    let configured = serving.terraform_path.as_deref();
    if serving.builtin_provisioners == 0 {
        return Finding::ok(CHECK, "no provisioner runs inside the server");
    }
    match Terraform::discover(configured, &Options::default()).await {
        Ok(found) => Finding::ok(CHECK, format!("{} {}", found.program().display(), found.version())),
        Err(error) if configured.is_some() => Finding::fail(CHECK, "TERRAFORM_UNUSABLE", error.to_string())
            .next("name one that runs with --terraform-path, or leave that out"),
        Err(DiscoveryError::NotFound) => Finding::warn(
            CHECK,
            "TERRAFORM_MISSING",
            "neither `terraform` nor `tofu` is on the PATH: the built-in provisioners make nothing",
        )
        .next("install one, name its path with --terraform-path, or set --builtin-provisioners 0"),
        Err(error) => Finding::warn(CHECK, "TERRAFORM_UNUSABLE", error.to_string())
            .next("the built-in provisioners make nothing until it runs"),
    }
}

/// Whether the address is free, or a server of ours is there.
pub(super) async fn address(address: SocketAddr) -> Finding {
    const CHECK: &str = "address";
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(CHECK, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match ready(address).await {
            Some(200) => Finding::ok(CHECK, format!("a server answers at {address}")),
            Some(503) => {
                Finding::warn(CHECK, "SERVER_NOT_READY", format!("the server at {address} is not ready"))
                    .next("wait while it starts or shuts down; else its log says why")
            }
            _ => Finding::fail(CHECK, "ADDRESS_IN_USE", format!("another program is at {address}"))
                .next("choose another with --address, or end that program"),
        },
        Err(error) => unusable(CHECK, address, &error, "--address"),
    }
}

/// The same of the address for metrics.
pub(super) async fn metrics_address(address: SocketAddr) -> Finding {
    const CHECK: &str = "metrics address";
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(CHECK, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match told(address, "/metrics").await {
            Some((200, text)) if text.contains("guildhall_") => {
                Finding::ok(CHECK, format!("a server answers at {address}"))
            }
            _ => Finding::fail(CHECK, "ADDRESS_IN_USE", format!("another program is at {address}"))
                .next("choose another with --metrics-address, or end that program"),
        },
        Err(error) => unusable(CHECK, address, &error, "--metrics-address"),
    }
}

fn unusable(check: &'static str, address: SocketAddr, error: &std::io::Error, option: &str) -> Finding {
    Finding::fail(check, "ADDRESS_UNUSABLE", format!("{address}: {error}"))
        .next(format!("choose one of this machine with {option}; ports below 1024 need a right"))
}

/// The status with which a server there says whether it is ready; `None` when that is no server of ours.
async fn ready(address: SocketAddr) -> Option<u16> {
    match told(address, "/healthz").await? {
        (_, text) if text == "ok" => told(address, "/readyz").await.map(|(status, _)| status),
        _ => None,
    }
}

/// What is answered there; `None` when that is nothing of HTTP.
async fn told(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let host = config::local(address);
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().ok()?;
    let answer = client.get(format!("http://{host}{path}")).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[tokio::test]
    async fn an_address_is_free_or_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let taken = listener.local_addr().expect("it listens");
        drop(listener);
        assert_eq!(address(taken).await.status, Status::Ok);
        let listener = TcpListener::bind(taken).await.expect("it is free");
        // Somebody who hangs up.
        let stranger = async move {
            loop {
                drop(listener.accept().await);
            }
        };
        let (found, metrics) = tokio::select! {
            found = async { (address(taken).await, metrics_address(taken).await) } => found,
            () = stranger => unreachable!("it listens for ever"),
        };
        assert_eq!((found.status, found.code), (Status::Fail, "ADDRESS_IN_USE"));
        assert_eq!((metrics.status, metrics.code), (Status::Fail, "ADDRESS_IN_USE"));
        let found = address("192.0.2.1:80".parse().expect("an address")).await;
        assert_eq!((found.status, found.code), (Status::Fail, "ADDRESS_UNUSABLE"));
    }
}
