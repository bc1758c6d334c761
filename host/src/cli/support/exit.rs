//! Describes the end of a command: its success or failure.

use std::io::stderr;
use std::process::ExitCode;

use mockfleet_config::Problems;
use mockfleet_files::foreign_text::for_line;

use crate::cli::ui::out::line;

/// The end of a command without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The command succeeded.
    Done,
    /// The run failed.
    Failed,
    /// The user stopped it.
    Interrupted,
}

/// The error of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong input; exit code 2.
    Input(Problems),
    /// Anything else; exit code 1.
    Other(anyhow::Error),
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Input(problems)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl Failure {
    /// Prints the failure to standard error. Further lines of an error are indented: a text of
    /// others begins no line.
    pub(crate) fn print(&self) {
        match self {
            Self::Input(problems) => print_problems("", problems),
            Self::Other(error) => {
                let text = format!("mockfleet: {error:#}");
                line(stderr(), format_args!("{}", text.replace('\n', "\n  ")));
            }
        }
    }
}

/// Prints each problem on a line of its own. Further lines of a problem are indented: a text of
/// others begins no line.
pub(crate) fn print_problems(before: &str, problems: &Problems) {
    for problem in problems.iter() {
        let problem = problem.to_string();
        let lines: Vec<_> = problem.split("\n  ").map(for_line).collect();
        line(stderr(), format_args!("{before}{}", lines.join("\n  ")));
    }
}

/// Returns the exit code of a command, and prints its failure.
pub(crate) fn exit_code(result: Result<Ending, Failure>) -> ExitCode {
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::from(1),
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(failure) => {
            failure.print();
            match failure {
                Failure::Input(_) => ExitCode::from(2),
                Failure::Other(_) => ExitCode::from(1),
            }
        }
    }
}

/// Returns the failure of one argument.
pub(crate) fn refused(place: &str, text: String) -> Failure {
    Failure::Input(Problems::one(place, text))
}
