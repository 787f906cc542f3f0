//! Bundles `web/` with npm and esbuild and embeds the result, compressed.
//!
//! The bundle is made in Cargo's output folder, so the source tree stays clean. A machine without npm, or without a
//! package registry, still builds the server: the page then says how to get the editor.

use std::{
    env,
    error::Error,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    iter,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, GzBuilder};

/// What the bundle is made of; the rest of `web/` (its tests) is not.
const SOURCES: [&str; 7] =
    ["package.json", "package-lock.json", ".npmrc", "build.mjs", "index.html", "src", "examples"];

/// npm and esbuild together take some 20 seconds; a registry that does not answer must not hold a build for ever.
const PATIENCE: Duration = Duration::from_secs(300);

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-env-changed=GUILDHALL_IDE_DIST");
    for source in SOURCES {
        println!("cargo::rerun-if-changed=web/{source}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let generated = match bundle(&out) {
        Ok(dist) => embed(&dist, &out)?,
        Err(error) => {
            println!("cargo::warning=the GraphQL editor is not bundled: {error}");
            format!("{DECLARATION}&[];\n{PAGE}None;\n")
        }
    };
    fs::write(out.join("bundle.rs"), generated)?;
    Ok(())
}

const DECLARATION: &str = "pub(crate) static FILES: &[(&str, &[u8])] = ";
const PAGE: &str = "pub(crate) static PAGE: Option<&str> = ";

/// The folder with the bundle: a prebuilt one where `GUILDHALL_IDE_DIST` names it, else built here.
fn bundle(out: &Path) -> Result<PathBuf> {
    if let Some(dist) = env::var_os("GUILDHALL_IDE_DIST").filter(|dist| !dist.is_empty()) {
        let dist = PathBuf::from(dist);
        println!("cargo::rerun-if-changed={}", dist.display());
        if !dist.join("index.html").is_file() {
            return Err(format!("GUILDHALL_IDE_DIST={} holds no index.html", dist.display()).into());
        }
        return Ok(dist);
    }
    let web = out.join("web");
    for source in SOURCES {
        copy(&Path::new("web").join(source), &web.join(source))?;
    }
    install(&web)?;
    run(Command::new("node").args(["build.mjs", "dist"]).current_dir(&web))?;
    Ok(web.join("dist"))
}

/// Runs `npm ci`, unless the packages of this lock file are there already.
fn install(web: &Path) -> Result<()> {
    let lock = fs::read(web.join("package-lock.json"))?;
    let stamp = web.join("installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    run(Command::new(npm).args(["ci", "--no-update-notifier"]).current_dir(web))?;
    fs::write(stamp, lock)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let words: Vec<&OsStr> = iter::once(command.get_program()).chain(command.get_args()).collect();
    let shown = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
    let log = command.get_current_dir().unwrap_or(Path::new(".")).join("last-command.log");
    let output = fs::File::create(&log)?;
    let mut child =
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn().map_err(|error| {
            format!("`{shown}` could not be started ({error}); is Node.js 20 or later installed?")
        })?;
    let status = wait(&mut child).map_err(|error| format!("`{shown}`: {error}"))?;
    if status {
        return Ok(());
    }
    let said = fs::read_to_string(&log).unwrap_or_default();
    let last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).rev().take(3).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(format!("`{shown}` failed: {}", last.join(" / ")).into())
}

/// Whether the child succeeded.
fn wait(child: &mut Child) -> io::Result<bool> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            let message = format!("gave no result within {} s", PATIENCE.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Copies a file or a folder, replacing what is there.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::copy(from, to).map(|_| ());
    }
    // A file that was removed from the sources must not live on in the bundle.
    remove(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Compresses the bundle and writes the list of its files as Rust.
fn embed(dist: &Path, out: &Path) -> Result<String> {
    let compressed = out.join("compressed");
    remove(&compressed)?;
    fs::create_dir_all(&compressed)?;
    let mut names: Vec<String> = fs::read_dir(dist)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    names.sort();
    let mut files = format!("{DECLARATION}&[\n");
    for name in names.iter().filter(|name| *name != "index.html") {
        let place = compressed.join(format!("{name}.gz"));
        let mut gzip = GzBuilder::new().write(fs::File::create(&place)?, Compression::best());
        gzip.write_all(&fs::read(dist.join(name))?)?;
        gzip.finish()?;
        writeln!(files, "    ({name:?}, include_bytes!({:?})),", place.display().to_string())?;
    }
    let page = dist.join("index.html").canonicalize()?.display().to_string();
    Ok(format!("{files}];\n{PAGE}Some(include_str!({page:?}));\n"))
}
