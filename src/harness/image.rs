//! The image that children execute, put where it can be executed from.

use std::io;
use std::path::PathBuf;

use super::cache::{self, Refused, is_executable};
use crate::mechanism::{Image, OWN_IMAGE};
use crate::server::ANSWERING_IMAGE;

/// Why there is no image to execute.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No folder would take it.
    #[error(
        "the program that children execute could not be put into {}: {source}; set XDG_CACHE_HOME to a \
         folder that is yours and not mounted noexec",
        folder.display()
    )]
    Write {
        /// The last folder tried.
        folder: PathBuf,
        /// What it answered.
        source: io::Error,
    },
    /// The named program is not there.
    #[error("--exec `{program}`: no such program, in {searched}; name another")]
    Missing {
        /// What was given.
        program: String,
        /// Where it was looked for.
        searched: String,
    },
    /// The named program cannot be executed.
    #[error("--exec `{program}`: {} is not an executable file", path.display())]
    NotExecutable {
        /// What was given.
        program: String,
        /// What it names.
        path: PathBuf,
    },
}

/// Puts forkbench's own image into the user's cache folder, once for each version of it, and returns it.
///
/// # Errors
/// [`ImageError::Write`].
pub fn own() -> Result<Image, ImageError> {
    place("child", OWN_IMAGE)
}

/// The same of the image that answers a request on its standard input and output.
///
/// # Errors
/// [`ImageError::Write`].
pub fn answering() -> Result<Image, ImageError> {
    place("answer", ANSWERING_IMAGE)
}

fn place(name: &str, bytes: &[u8]) -> Result<Image, ImageError> {
    let stem = format!("{name}-{}", std::env::consts::ARCH);
    match cache::place(&stem, "", bytes, true) {
        Ok(path) => Ok(Image {
            path: path.display().to_string(),
            foreign: None,
        }),
        Err(Refused { folder, source }) => Err(ImageError::Write { folder, source }),
    }
}

/// A foreign program with its arguments, separated by blanks, as `--exec` takes it.
///
/// # Errors
/// [`ImageError::Missing`] and [`ImageError::NotExecutable`]: a missing program must never look like a
/// fast one.
pub fn foreign(command: &str) -> Result<Image, ImageError> {
    let mut words = command.split_whitespace().map(str::to_owned);
    let program = words.next().unwrap_or_default();
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![PathBuf::from(&program)]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join(&program))
            .collect()
    };
    let Some(path) = candidates
        .iter()
        .find(|path| path.exists() && !program.is_empty())
    else {
        let searched = if program.contains('/') {
            "that place"
        } else {
            "the folders of PATH"
        };
        return Err(ImageError::Missing {
            program,
            searched: searched.to_owned(),
        });
    };
    if !is_executable(path) {
        return Err(ImageError::NotExecutable {
            program,
            path: path.clone(),
        });
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.clone());
    Ok(Image {
        path: path.display().to_string(),
        foreign: Some(words.collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        for program in ["no-such-program", "/no/such/program", ""] {
            let error = foreign(program).unwrap_err().to_string();
            assert!(error.contains(&format!("`{program}`")), "{error}");
        }
        let error = foreign("/etc/passwd").unwrap_err().to_string();
        assert!(error.contains("not an executable file"), "{error}");
    }

    #[test]
    fn arguments_stay_with_their_program() {
        let image = foreign("sleep 999").unwrap();
        assert!(image.path.starts_with('/'));
        assert_eq!(image.foreign, Some(vec!["999".to_owned()]));
    }
}
