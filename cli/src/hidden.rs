//! Reading what is typed without showing it.

use std::io;

use secrecy::SecretString;

/// Asks at the terminal of this process; `None` is Ctrl-C.
#[cfg(unix)]
pub(crate) fn ask(question: &str) -> io::Result<Option<SecretString>> {
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    terminal::ask(&terminal, question)
}

/// Asks at the terminal of this process; `None` is Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn ask(question: &str) -> io::Result<Option<SecretString>> {
    match rpassword::prompt_password(question) {
        Ok(answer) => Ok(Some(answer.into())),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

/// While a secret is typed, Ctrl-C is no signal but the end of a line: a process that a signal ended could not make its
/// terminal show again what is typed.
#[cfg(unix)]
mod terminal {
    use std::fs::File;
    use std::io::{self, Read, Write};

    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use secrecy::SecretString;
    use secrecy::zeroize::Zeroizing;

    /// More than a terminal takes for a line.
    const LINE: usize = 8192;

    /// A terminal that shows nothing of what is typed until this is dropped.
    struct Silent<'a> {
        terminal: &'a File,
        before: Termios,
        /// What Ctrl-C writes.
        interrupt: u8,
    }

    impl<'a> Silent<'a> {
        fn make(terminal: &'a File) -> io::Result<Self> {
            let before = tcgetattr(terminal)?;
            let interrupt = before.special_codes[SpecialCodeIndex::VINTR];
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
            silent.special_codes[SpecialCodeIndex::VEOL] = interrupt;
            tcsetattr(terminal, OptionalActions::Now, &silent)?;
            Ok(Self { terminal, before, interrupt })
        }
    }

    impl Drop for Silent<'_> {
        fn drop(&mut self) {
            // A terminal that has gone needs nothing.
            let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
        }
    }

    pub(super) fn ask(terminal: &File, question: &str) -> io::Result<Option<SecretString>> {
        let silent = Silent::make(terminal)?;
        write(terminal, question)?;
        let answer = line(terminal, silent.interrupt);
        drop(silent);
        // The end of the line was not shown either.
        write(terminal, "\n")?;
        answer
    }

    fn write(mut terminal: &File, text: &str) -> io::Result<()> {
        terminal.write_all(text.as_bytes())?;
        terminal.flush()
    }

    /// A line without what is no text, such as Ctrl-Z; `None` when `interrupt` ends it.
    fn line(mut terminal: &File, interrupt: u8) -> io::Result<Option<SecretString>> {
        // Never moved by growing, so that no copy of it stays behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LINE));
        let mut next = Zeroizing::new([0]);
        loop {
            if bytes.len() == LINE {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the line is too long"));
            }
            match terminal.read(&mut *next) {
                Ok(0) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(0) => break,
                Ok(_) if next[0] == b'\n' => break,
                // Where nothing is set to interrupt, it is NUL.
                Ok(_) if next[0] == interrupt && interrupt != 0 => return Ok(None),
                Ok(_) => bytes.push(next[0]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is no UTF-8"))?;
        Ok(Some(text.chars().filter(|letter| !letter.is_control()).collect::<String>().into()))
    }

    #[cfg(test)]
    mod tests {
        #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

        use std::fs::OpenOptions;

        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use secrecy::ExposeSecret as _;

        use super::*;

        /// A terminal, and the side of whoever types.
        fn pair() -> (File, File) {
            let typist = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
            grantpt(&typist).unwrap();
            unlockpt(&typist).unwrap();
            let name = ptsname(&typist, Vec::new()).unwrap().into_string().unwrap();
            (OpenOptions::new().read(true).write(true).open(name).unwrap(), File::from(typist))
        }

        /// What is answered when `typed` is typed after the question, and all that the terminal showed.
        fn typed(typed: &[u8]) -> (Option<SecretString>, String, bool) {
            let (terminal, mut typist) = pair();
            let asking = terminal.try_clone().unwrap();
            let asked = std::thread::spawn(move || ask(&asking, "Password: ").unwrap());
            let mut shown = vec![0; "Password: ".len()];
            typist.read_exact(&mut shown).unwrap();
            typist.write_all(typed).unwrap();
            let answer = asked.join().unwrap();
            let mut rest = [0; 256];
            let count = typist.read(&mut rest).unwrap();
            shown.extend(&rest[..count]);
            let modes = tcgetattr(&terminal).unwrap().local_modes;
            let as_before = modes.contains(LocalModes::ECHO | LocalModes::ISIG);
            (answer, String::from_utf8(shown).unwrap(), as_before)
        }

        #[test]
        fn what_is_typed_is_read_and_not_shown() {
            let (answer, shown, as_before) = typed(b"hunteR2\x7f3\x1a\n");
            assert_eq!(answer.unwrap().expose_secret(), "hunteR3");
            assert_eq!(shown, "Password: \r\n");
            assert!(as_before);
        }

        #[test]
        fn an_interrupt_leaves_a_terminal_that_shows_what_is_typed() {
            let (answer, shown, as_before) = typed(b"hunt\x03");
            assert!(answer.is_none());
            assert_eq!(shown, "Password: \r\n");
            assert!(as_before);
        }
    }
}
