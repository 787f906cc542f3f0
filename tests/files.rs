//! Template archives: what is refused, how early, that nothing is left of it, and who may download what.

mod zip;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, GzBuilder};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use rstest::rstest;
use serde_json::{Value, json};
use tar::{EntryType, Header};
use tower::ServiceExt as _;

use crate::support::upload::docker_dev;
use crate::support::{Backend, Org, Person, TestApp};

/// A tar as an attacker writes it: every field is set by hand, because honest writers refuse most of it.
#[derive(Default)]
struct Forged(Vec<u8>);

impl Forged {
    /// A module that would be fine.
    fn module() -> Self {
        Self::default().file("main.tf", b"variable \"size\" { default = 1 }\n")
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name, EntryType::Regular, "", content)
    }

    fn entry(mut self, name: &str, kind: EntryType, target: &str, content: &[u8]) -> Self {
        self.0.extend_from_slice(entry(name, kind, target, content.len() as u64).as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn tar(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }

    fn gzip(self) -> Vec<u8> {
        let mut encoder = GzBuilder::new().write(Vec::new(), Compression::fast());
        encoder.write_all(&self.tar()).unwrap();
        encoder.finish().unwrap()
    }
}

fn entry(name: &str, kind: EntryType, target: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    let fields = header.as_old_mut();
    fields.name[..name.len()].copy_from_slice(name.as_bytes());
    fields.linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_mtime(0);
    header.set_cksum();
    header
}

/// Less than a MiB that holds 297 MiB: three files of zeros, each as large as a file may be at most. The zeros are
/// compressed once, and repeated.
fn bomb() -> Vec<u8> {
    const MIB: usize = 1024 * 1024;
    let deflate = |bytes: &[u8]| {
        let mut block = Vec::with_capacity(64 * 1024);
        let mut compress = Compress::new(Compression::best(), false);
        // A full flush ends on a byte and forgets what was before: such blocks can be put together as one likes.
        compress.compress_vec(bytes, &mut block, FlushCompress::Full).unwrap();
        block
    };
    let zeros = deflate(&vec![0; MIB]);
    let mut archive = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    archive.extend(deflate(&Forged::module().0));
    for name in ["a", "b", "c"] {
        archive.extend(deflate(entry(name, EntryType::Regular, "", 99 * MIB as u64).as_bytes()));
        archive.extend((0..99).flat_map(|_| zeros.clone()));
    }
    archive
}

/// The owner, a template administrator, a plain member and a stranger.
struct Scene {
    app: TestApp,
    owner: Person,
    org: Org,
    author: Person,
    member: Person,
    stranger: Person,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let author = app.member_of(&owner, &org, "author", &["organization-template-admin"]).await;
        let member = app.member_of(&owner, &org, "member", &[]).await;
        let stranger = app.user(&owner, "stranger", &[]).await;
        Some(Self { app, owner, org, author, member, stranger })
    }

    /// `PUT /files` of an archive that must be refused; answers why.
    async fn refused(&self, archive: Vec<u8>) -> String {
        let (status, body) = self.app.put_file(Some(&self.author.token), archive).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body:#}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        body["errors"][0]["message"].as_str().unwrap().to_owned()
    }

    /// `GET` of a file; answers status and body.
    async fn get(&self, token: Option<&str>, file: &str) -> (StatusCode, Vec<u8>) {
        let mut request = Request::get(format!("/files/{file}"));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.app.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn whatever_is_refused_says_why_under_the_requests_id() {
    let Some(app) = TestApp::start(Backend::Sqlite).await else { return };
    for (method, path, status, code) in [
        ("POST", "/healthz", 405, "BAD_REQUEST"),
        ("DELETE", "/schema.graphql", 405, "BAD_REQUEST"),
        ("GET", "/files", 405, "BAD_REQUEST"),
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("GET", "/files/x", 401, "UNAUTHENTICATED"),
        ("GET", "/states/x", 401, "UNAUTHENTICATED"),
        ("PUT", "/files", 401, "UNAUTHENTICATED"),
        ("GET", "/provisioner-jobs/x/state", 401, "UNAUTHENTICATED"),
    ] {
        let request = Request::builder().method(method).uri(path).header("x-request-id", "mine-1");
        let response = app.app.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        assert_eq!(response.headers()["x-request-id"], "mine-1", "{method} {path}");
        assert_eq!(response.headers()["content-type"], "application/json", "{method} {path}");
        assert_eq!(response.headers().contains_key("allow"), status == 405, "{method} {path}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401, "{method} {path}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let extensions = &body["errors"][0]["extensions"];
        assert_eq!(*extensions, json!({ "code": code, "requestId": "mine-1" }), "{method} {path}");
    }
}

#[rstest]
#[tokio::test]
async fn hostile_archives_are_refused_and_leave_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let before = scene.app.tables().counts().await;
    let module = Forged::module;
    let mut cut = docker_dev();
    cut.truncate(cut.len() / 2);
    let crowd = (0..10_001).fold(module(), |tar, number| tar.file(&format!("f{number}"), b""));
    let cases = [
        (module().file("../x", b"x").gzip(), "\"..\""),
        (module().file("a/../../x", b"x").gzip(), "\"..\""),
        (module().file("/etc/cron.d/x", b"x").gzip(), "absolute path"),
        (module().file("C:x", b"x").gzip(), "colon"),
        (module().file("a\\..\\x", b"x").gzip(), "backslash"),
        (module().entry("passwd", EntryType::Symlink, "/etc/passwd", b"").gzip(), "only regular files"),
        (module().entry("passwd", EntryType::Link, "/etc/passwd", b"").gzip(), "only regular files"),
        (module().entry("pipe", EntryType::Fifo, "", b"").gzip(), "only regular files"),
        (module().entry("disk", EntryType::Block, "", b"").gzip(), "only regular files"),
        (module().file("MAIN.tf", b"x").tar(), "there twice"),
        (Forged::default().file("README.md", b"# No module").gzip(), "no .tf file"),
        (Forged::default().file("deep/main.tf", b"").gzip(), "no .tf file"),
        (Forged::default().gzip(), "no .tf file"),
        (Vec::new(), "0 bytes"),
        (b"#!/bin/sh\nrm -rf /\n".to_vec(), "not a tar, tar.gz or zip"),
        (vec![0; 4096], ""),
        (cut, "damaged or cut short"),
        (crowd.gzip(), "more than 10000 files"),
    ];
    for (archive, why) in cases {
        let message = scene.refused(archive).await;
        assert!(message.contains(why), "expected `{why}`, got `{message}`");
    }
    assert_eq!(scene.app.tables().counts().await, before);
    // The same scene takes one that is fine.
    let (status, body) = scene.app.put_file(Some(&scene.author.token), module().gzip()).await;
    assert_eq!(status, StatusCode::CREATED, "{body:#}");
}

#[rstest]
#[tokio::test]
async fn a_bomb_is_put_out_while_it_unfolds(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let before = scene.app.tables().counts().await;
    let bomb = bomb();
    assert!(bomb.len() < 1024 * 1024, "{} bytes", bomb.len());
    let message = scene.refused(bomb).await;
    assert!(message.contains("when decompressed"), "{message}");
    assert_eq!(scene.app.tables().counts().await, before);
}

/// A body of 200 MiB that is made while it is read, and how many MiB of it were.
fn endless() -> (Body, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = read.clone();
    let chunk = Bytes::from(vec![0x5a; 1024 * 1024]);
    let chunks = (0..200).map(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(chunk.clone())
    });
    (Body::from_stream(futures_util::stream::iter(chunks)), read)
}

#[tokio::test]
async fn a_header_that_is_no_token_is_told_so() {
    let Some(scene) = Scene::new(Backend::Sqlite).await else { return };
    let token = format!("Bearer {}", scene.author.token);
    for (headers, why) in [
        (vec!["Basic eDp5"], "the form \"Bearer <token>\""),
        (vec![token.as_str(), token.as_str()], "more than one"),
    ] {
        let request = headers.into_iter().fold(Request::get("/files/file_x"), |request, value| {
            request.header(header::AUTHORIZATION, value)
        });
        let (status, body) = scene.app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(body["errors"][0]["message"].as_str().unwrap().contains(why), "{body}");
    }
}

#[tokio::test]
async fn two_hundred_mebibytes_are_refused_early() {
    let Some(scene) = Scene::new(Backend::Sqlite).await else { return };
    let before = scene.app.tables().counts().await;
    let put = |token: Option<&str>, announced: bool| {
        let (body, read) = endless();
        let mut request = Request::put("/files");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if announced {
            request = request.header(header::CONTENT_LENGTH, 200 * 1024 * 1024);
        }
        (request.body(body).unwrap(), read)
    };
    let author = scene.author.token.as_str();
    for (token, announced, status, most) in [
        (Some(author), true, StatusCode::PAYLOAD_TOO_LARGE, 0),
        (Some(author), false, StatusCode::PAYLOAD_TOO_LARGE, 101),
        // Who may not upload sends nothing at all.
        (Some(scene.member.token.as_str()), false, StatusCode::FORBIDDEN, 0),
        (Some(scene.stranger.token.as_str()), false, StatusCode::FORBIDDEN, 0),
        (Some("nonsense"), false, StatusCode::UNAUTHORIZED, 0),
        (None, false, StatusCode::UNAUTHORIZED, 0),
    ] {
        let (request, read) = put(token, announced);
        let (answered, body) = scene.app.send(request).await;
        assert_eq!(answered, status, "{}", String::from_utf8_lossy(&body));
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(body["errors"][0]["message"].is_string(), "{body:#}");
        let read = read.load(Ordering::Relaxed);
        assert!(read <= most, "{read} MiB were read before {status}");
    }
    assert_eq!(scene.app.tables().counts().await, before);
}

#[rstest]
#[tokio::test]
async fn an_archive_is_kept_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, tables) = (&scene.app, scene.app.tables());
    let first = app.upload(&scene.author).await;
    assert_eq!(app.upload(&scene.author).await, first);
    let contents = (tables.count("file_content").await, tables.count("file_chunk").await);
    // Somebody else gets a file of their own, over the same content: neither learns of the other.
    let second = app.upload(&scene.owner).await;
    assert_ne!(second, first);
    assert_eq!((tables.count("file_content").await, tables.count("file_chunk").await), contents);
    assert_eq!(tables.count("file").await, 2);
    // Large enough for many chunks, and the same afterwards.
    let noise: Vec<u8> = (0_u32..700_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large = Forged::module().file("noise.bin", &noise).tar();
    let (status, body) = app.put_file(Some(&scene.author.token), large.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{body:#}");
    assert_eq!(body["size"], large.len());
    let (status, bytes) = scene.get(Some(&scene.author.token), body["id"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(bytes == large, "the archive came back as another one");
}

#[rstest]
#[tokio::test]
async fn who_may_download(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let file = app.upload(&scene.author).await;
    let missing = "file_01h455vb4pex5vsknk084sn02q";
    // Until a template is made of it, it is its author's alone.
    assert_eq!(scene.get(Some(&scene.author.token), &file).await, (StatusCode::OK, docker_dev()));
    let unseen = scene.get(Some(&scene.stranger.token), missing).await;
    assert_eq!(unseen.0, StatusCode::NOT_FOUND);
    for person in [&scene.owner, &scene.member, &scene.stranger] {
        assert_eq!(scene.get(Some(&person.token), &file).await, unseen, "{}", person.username);
    }
    // Nor can anybody else make a template of it.
    let version = json!({ "fileId": file });
    let stolen = json!({ "organizationId": scene.org.id, "name": "stolen", "version": version });
    let refused = app.refused(&scene.owner.token, "createTemplate", stolen).await;
    assert!(refused.is("NOT_FOUND", "input.version.fileId"), "{refused:?}");

    let template = app.template(&scene.author, &scene.org, "docker-dev").await;
    for person in [&scene.owner, &scene.member] {
        let (status, _) = scene.get(Some(&person.token), &file).await;
        assert_eq!(status, StatusCode::OK, "{} sees the template", person.username);
    }
    assert_eq!(scene.get(Some(&scene.stranger.token), &file).await, unseen);
    assert_eq!(scene.get(None, &file).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.get(Some("nonsense"), &file).await.0, StatusCode::UNAUTHORIZED);
    for id in ["nonsense", "", &template.id, "..%2f..%2fetc%2fpasswd"] {
        assert_eq!(scene.get(Some(&scene.author.token), id).await.0, StatusCode::NOT_FOUND, "{id:?}");
    }

    // A job's token opens its own archive, and a provisioner key none.
    let other = app.put_file(Some(&scene.author.token), Forged::module().gzip()).await.1;
    let key = app.provisioner_key(&scene.owner, &scene.org, "cluster", &[]).await;
    let daemon = app.daemon(&key, &scene.org, "cluster").await;
    let job = app.acquire(&daemon).await.unwrap();
    assert_eq!(job.task["archivePath"], format!("/files/{file}"));
    assert_eq!(scene.get(Some(&job.token), &file).await.0, StatusCode::OK);
    assert_eq!(scene.get(Some(&job.token), other["id"].as_str().unwrap()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(scene.get(Some(&key.secret), &file).await.0, StatusCode::NOT_FOUND);
    let forged = format!("{}x", &job.token[..job.token.len() - 1]);
    assert_eq!(scene.get(Some(&forged), &file).await.0, StatusCode::UNAUTHORIZED);
}
