//! `templates init`, `pull` and `diff`: modules on the way in, out and side by side.

use std::path::{Path, PathBuf};

use guildhall_archive::Limits;
use guildhall_client::template_version_change::{TemplateChangeKind, TemplateVersionComparison};
use serde_json::json;
use tempfile::NamedTempFile;

use super::{find, version_called};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::names::{InOrganization, Scoped};
use crate::untrusted;

/// A module to start from: names and texts.
const STARTER: [(&str, &str); 3] = [
    ("main.tf", include_str!("starter/main.tf")),
    ("guildhall.toml", include_str!("starter/guildhall.toml")),
    ("README.md", include_str!("starter/README.md")),
];

/// Writes a module to start from into a folder that is new or empty.
pub(super) fn init(context: &Context, directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::local(format!("write to {}", directory.display()), error);
    free(directory)?;
    std::fs::create_dir_all(directory).map_err(failed)?;
    for (name, text) in STARTER {
        std::fs::write(directory.join(name), text).map_err(failed)?;
    }
    let names = STARTER.map(|(name, _)| name);
    let sentence = format!(
        "Wrote {} to {}. Push it with `guildhall templates push NAME --directory {1}`.",
        names.join(", "),
        quoted(directory)
    );
    context.output.done(&json!({ "directory": directory, "files": names }), &sentence)
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).expect("no folder that was just written to has a NUL in its name").into_owned()
}

fn free(directory: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(directory) {
        Ok(mut listing) => match listing.next() {
            Some(_) => Err(Failure::usage(format!("{} is not empty", directory.display()))
                .hint("name a folder that does not exist yet with --directory")),
            None => Ok(()),
        },
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::local(format!("read {}", directory.display()), error))
        }
        _ => Ok(()),
    }
}

/// Downloads the source of a version and unpacks it, behind the guard that all archives pass.
pub(super) async fn pull(
    context: &Context,
    name: &Scoped,
    version: Option<&str>,
    directory: Option<PathBuf>,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let directory = directory.unwrap_or_else(|| PathBuf::from(&name.name));
    free(&directory)?;
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    let (id, version) = match (version, &template.active_version) {
        (Some(version), _) => {
            let version = version_called(&client, &template, version).await?;
            (version.id, version.name)
        }
        (None, Some(active)) => (active.id.clone(), active.name.clone()),
        (None, None) => {
            return Err(Failure::new(Exit::Refused, format!("{} has no active version yet", template.name))
                .hint("name one: `guildhall templates versions` lists them"));
        }
    };
    let failed = |error: &dyn std::fmt::Display| Failure::local("unpack the template", error);
    let url = client.template_version_source(&id).await?;
    let archive = NamedTempFile::new().map_err(|error| failed(&error))?;
    let limits = Limits::default();
    let copy = archive.reopen().map_err(|error| failed(&error))?;
    let mut sink = tokio::fs::File::from_std(copy);
    client.download(&url, None, limits.max_archive_bytes, &mut sink).await?;
    let place = directory.clone();
    let unpacking = tokio::task::spawn_blocking(move || {
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        }
        let file = archive.reopen().map_err(|error| error.to_string())?;
        guildhall_archive::unpack(file, &place, &limits).map_err(|error| error.to_string())
    });
    let unpacked = unpacking.await.map_err(|error| failed(&error))?;
    let summary = unpacked.map_err(|error| failed(&error))?;
    let sentence = format!("Unpacked {} {version} to {}.", template.name, directory.display());
    let answer = json!({
        "template": template.name, "version": version, "directory": directory, "entries": summary.entries,
        "bytes": summary.total_bytes,
    });
    context.output.done(&answer, &sentence)
}

/// Shows what differs between two versions; the later one is the active one where it is not named.
pub(super) async fn diff(
    context: &Context,
    name: &Scoped,
    from: &str,
    to: Option<&str>,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let template = find(&client, name, organization).await?;
    let from = version_called(&client, &template, from).await?.id;
    let to = match (to, &template.active_version) {
        (Some(to), _) => version_called(&client, &template, to).await?.id,
        (None, Some(active)) => active.id.clone(),
        (None, None) => return Err(Failure::usage("name the later version too: none is active yet")),
    };
    let compared = client.compare_template_versions(&from, &to).await?;
    if context.output.is_json() {
        return context.output.json(&compared);
    }
    if compared.files.is_empty() && compared.parameters.is_empty() {
        context.output.note("The two versions are the same.");
        return Ok(());
    }
    for line in lines(&compared) {
        context.output.line(&line)?;
    }
    Ok(())
}

fn lines(compared: &TemplateVersionComparison) -> Vec<String> {
    let kind = |kind: TemplateChangeKind| match kind {
        TemplateChangeKind::Added => "added",
        TemplateChangeKind::Removed => "removed",
        TemplateChangeKind::Changed => "changed",
    };
    let mut lines = Vec::new();
    for file in &compared.files {
        let what = if file.is_binary { "binary file" } else { "file" };
        match &file.diff {
            Some(diff) if !diff.is_empty() => lines.push(untrusted::lines(diff.trim_end())),
            _ => lines.push(format!("{what} {} {}", untrusted::one_line(&file.path), kind(file.kind))),
        }
    }
    for parameter in &compared.parameters {
        let breaks = if parameter.is_breaking { " (breaks workspaces)" } else { "" };
        let reasons = untrusted::one_line(&parameter.reasons.join(", "));
        lines.push(format!(
            "parameter {} {}{breaks}: {reasons}",
            untrusted::one_line(&parameter.name),
            kind(parameter.kind)
        ));
    }
    lines
}
