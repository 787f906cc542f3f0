//! Template archives: checked under the archive guard before a byte is kept, addressed by content.

use std::fs::File;
use std::io::{Read as _, Seek as _};

use data_encoding::HEXLOWER;
use futures_util::Stream;
use guildhall_entity::id::FileId;
use guildhall_entity::kind::AclRole;
use sha2::{Digest as _, Sha256};

use super::store::file as store;
use super::{FileRow, access};
use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Denied, Object, Permission, Permit, Resource};
use crate::db::Db;
use crate::error::{Error, Refusal, Result};

/// The largest archive, in bytes.
pub(crate) const ARCHIVE_MAX: u64 = 100 * 1024 * 1024;
/// Bytes of a chunk.
const CHUNK: usize = 256 * 1024;

/// Keeps an uploaded archive, which stands complete in a temporary file.
///
/// # Errors
/// FORBIDDEN for those who may create templates nowhere; a refusal that says what is wrong with the archive.
pub(crate) async fn keep(db: &Db, actor: &Actor, archive: File) -> Result<FileRow> {
    let creator = actor.user_id().ok_or(Denied::Lacking(Permission::TemplateCreate))?;
    let permit = may_upload(db, actor).await?;
    let checked = tokio::task::spawn_blocking(move || check(archive)).await.map_err(Error::internal)??;
    if let Some(kept) = store::of_user(db, creator, &checked.sha256).await? {
        return Ok(kept);
    }
    let row = FileRow {
        id: db.clock().id(),
        sha256: checked.sha256,
        mimetype: checked.mimetype.to_owned(),
        size: checked.size,
        created_by: creator,
        created_at: db.clock().now(),
    };
    let tx = db.begin(permit).await?;
    if store::insert_content_in(&tx, &row.sha256, row.size).await? {
        let mut archive = checked.archive;
        for number in 0.. {
            let (returned, bytes) = tokio::task::spawn_blocking(move || next_chunk(archive))
                .await
                .map_err(Error::internal)?
                .map_err(Error::internal)?;
            if bytes.is_empty() {
                break;
            }
            archive = returned;
            store::insert_chunk_in(&tx, &row.sha256, number, bytes).await?;
        }
    }
    store::insert_in(&tx, &row).await?;
    let after = facts(
        serde_json::json!({ "sha256": HEXLOWER.encode(&row.sha256), "size": row.size, "mimetype": row.mimetype }),
    );
    let change = Change::new(
        Action::Create,
        Resource::Template,
        None,
        row.id,
        HEXLOWER.encode(&row.sha256),
        &Facts::new(),
        &after,
    );
    tx.commit(change).await?;
    // Two uploads of one content at once: the row that is there is the one that counts.
    store::of_user(db, creator, &row.sha256)
        .await?
        .ok_or_else(|| Error::internal("a file that was kept is not there"))
}

/// Archives are for those who may create or change templates somewhere, by a role or by a template's access list.
///
/// # Errors
/// FORBIDDEN for everybody else.
pub(crate) async fn may_upload(db: &Db, actor: &Actor) -> Result<Permit> {
    let somewhere = std::iter::once(Object::SITE).chain(actor.organizations().map(Object::in_organization));
    let by_role = somewhere.flat_map(|object| {
        [Permission::TemplateCreate, Permission::TemplateUpdate]
            .map(|permission| actor.authorize(permission, object))
    });
    if let Some(permit) = by_role.flatten().next() {
        return Ok(permit);
    }
    let Some(organization) = access::administered_organization(db, actor).await? else {
        return Ok(actor.authorize(Permission::TemplateCreate, Object::SITE)?);
    };
    let listed = Object { listed: Some(AclRole::Admin), ..Object::in_organization(organization) };
    Ok(actor.authorize(Permission::TemplateUpdate, listed)?)
}

struct Checked {
    archive: File,
    sha256: Vec<u8>,
    size: i64,
    mimetype: &'static str,
}

fn check(mut archive: File) -> Result<Checked> {
    let refuse = |message: String| Refusal::invalid(&["file"], message);
    let limits = guildhall_archive::Limits::default();
    archive.rewind().map_err(Error::internal)?;
    let mut hasher = Sha256::new();
    let size = std::io::copy(&mut archive, &mut HashWriter(&mut hasher)).map_err(Error::internal)?;
    archive.rewind().map_err(Error::internal)?;
    let summary =
        guildhall_archive::inspect(&mut archive, &limits).map_err(|error| refuse(error.to_string()))?;
    if !summary.has_terraform {
        return Err(
            refuse("the archive has no .tf file at its top: it is not a Terraform module".into()).into()
        );
    }
    archive.rewind().map_err(Error::internal)?;
    let mimetype = match summary.format {
        guildhall_archive::Format::Tar => "application/x-tar",
        guildhall_archive::Format::TarGz => "application/gzip",
        guildhall_archive::Format::Zip => "application/zip",
    };
    let size = i64::try_from(size).map_err(Error::internal)?;
    Ok(Checked { archive, sha256: hasher.finalize().to_vec(), size, mimetype })
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn next_chunk(archive: File) -> std::io::Result<(File, Vec<u8>)> {
    let mut bytes = Vec::with_capacity(CHUNK);
    let mut limited = archive.take(CHUNK as u64);
    limited.read_to_end(&mut bytes)?;
    Ok((limited.into_inner(), bytes))
}

/// A file that the actor can see.
pub(crate) async fn find(db: &Db, actor: &Actor, file: FileId) -> Result<Option<FileRow>> {
    store::find(db, actor, file).await
}

/// A file that a job's task names, for the daemon that holds the job.
pub(crate) async fn referred(db: &Db, file: FileId) -> Result<Option<FileRow>> {
    store::referred(db, file).await
}

/// # Errors
/// A refusal when the file is not the actor's own.
pub(super) async fn require_own(db: &Db, actor: &Actor, file: FileId, field: &[&str]) -> Result<()> {
    let row = store::find(db, actor, file).await?;
    match row {
        Some(row) if actor.user_id() == Some(row.created_by) => Ok(()),
        _ => Err(Refusal::not_found(field, "file").into()),
    }
}

/// The bytes of a file, chunk by chunk.
pub(crate) fn stream(db: Db, row: FileRow) -> impl Stream<Item = Result<Vec<u8>>> + Send {
    futures_util::stream::try_unfold((db, row, 0), |(db, row, number)| async move {
        let chunk = store::chunk(&db, &row.sha256, number).await?;
        Ok(chunk.map(|bytes| (bytes, (db, row, number + 1))))
    })
}
