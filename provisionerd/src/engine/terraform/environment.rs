//! What a program sees of this machine: an allow-list, because the daemon's own environment holds its key.

use std::ffi::OsString;
use std::path::Path;

use secrecy::ExposeSecret;

use super::Terraform;
use crate::engine::StateEndpoint;

/// Passed on as they are. Everything else that a program gets is set here.
const INHERITED: [&str; 8] = [
    "PATH",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
];

pub(super) type Environment = Vec<(OsString, OsString)>;

/// For every program: `home` is the job's private folder.
pub(super) fn base(terraform: &Terraform, home: &Path) -> Environment {
    let mut environment: Environment =
        std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|allowed| name == allowed)).collect();
    let mut set = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
        environment.push((name.into(), value.as_ref().to_owned()));
    };
    set("HOME", &home);
    set("TMPDIR", &home.join(super::TEMPORARY));
    set("LANG", &"C.UTF-8");
    set("TF_IN_AUTOMATION", &"1");
    set("TF_INPUT", &"0");
    set("CHECKPOINT_DISABLE", &"1");
    if let Some(folder) = &terraform.options.plugin_cache {
        set("TF_PLUGIN_CACHE_DIR", folder);
        // Without it, jobs that run at once would refuse a cached provider that no lock file vouches for.
        set("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE", &"1");
    }
    if let Some(file) = &terraform.options.cli_config {
        set("TF_CLI_CONFIG_FILE", file);
    }
    environment
}

/// Adds what the HTTP backend needs: in the environment, because arguments are visible to everyone.
pub(super) fn with_state(
    terraform: &Terraform,
    mut environment: Environment,
    state: &StateEndpoint,
) -> Environment {
    let url = state.url.as_str();
    let retries = terraform.options.state_retries.to_string();
    let settings = [
        ("TF_HTTP_ADDRESS", url),
        ("TF_HTTP_LOCK_ADDRESS", url),
        ("TF_HTTP_UNLOCK_ADDRESS", url),
        ("TF_HTTP_LOCK_METHOD", "LOCK"),
        ("TF_HTTP_UNLOCK_METHOD", "UNLOCK"),
        ("TF_HTTP_USERNAME", "guildhall"),
        ("TF_HTTP_PASSWORD", state.token.expose_secret()),
        ("TF_HTTP_RETRY_MAX", &retries),
        ("TF_HTTP_RETRY_WAIT_MIN", "1"),
        ("TF_HTTP_RETRY_WAIT_MAX", "10"),
    ];
    environment.extend(settings.map(|(name, value)| (name.into(), value.into())));
    environment
}
