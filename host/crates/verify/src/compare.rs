//! Compares a run of a log with received rows.

use mockfleet_config::Problems;
use mockfleet_files::foreign_text::shell_word;
use mockfleet_sendlog::{LogFiles, SpoolState};
use mockfleet_tables::Table;

use crate::findings::collected::Findings;
use crate::join;
use crate::key::options::VerifyOptions;
use crate::key::resolution;
use crate::messages::{list_some, problem, single};
use crate::progress::ProgressFn;
use crate::rows::received;
use crate::rows::sent;

/// Compares a run of a log with received rows.
///
/// # Errors
/// All problems of the options, the log and the received rows.
pub fn verify(
    options: &VerifyOptions,
    report_progress: &mut ProgressFn<'_>,
) -> Result<Findings, Problems> {
    let mut problems = Problems::default();
    let mut keep = |found: Problems| found.into_iter().for_each(|one| problems.push(one));
    let log = open_log(options).map_err(&mut keep).ok();
    let received = Table::open(&options.received, options.query.as_deref(), "--received")
        .map_err(&mut keep)
        .ok();
    let (Some(log), Some(received)) = (log, received) else {
        return Err(problems);
    };
    let keys = resolution::resolve(options, &log.table, &received)?;
    let mut notes = log.notes;
    notes.extend(keys.notes.iter().cloned());
    let sent = sent::read(&log.table, options, &keys, report_progress)?;
    let received_rows = received::read(&received, &keys, &sent, report_progress)?;
    notes.extend(received_rows.unreadable_note(&received, &keys));
    let mut findings = Findings::new(log.run, received.shown().to_owned(), &keys);
    findings.notes = notes;
    join::join(
        sent,
        received_rows,
        options,
        &keys,
        &mut findings,
        report_progress,
    )?;
    Ok(findings)
}

struct Log {
    run: String,
    table: Table,
    notes: Vec<String>,
}

/// Opens the run that the options select.
fn open_log(options: &VerifyOptions) -> Result<Log, Problems> {
    let wrong = |text: String| single(problem("LOG", text));
    let location = mockfleet_sendlog::location(&options.log);
    let files = LogFiles::find(&options.log).map_err(|error| wrong(error.to_string()))?;
    let runs = files.runs();
    let Some(newest) = runs.last() else {
        return Err(wrong(format!(
            "{location} holds no rows of mockfleet; give the folder or the bucket that [log] of the fleet file names in `store`"
        )));
    };
    let mut notes = Vec::new();
    let run = match &options.run {
        Some(run) if runs.contains(&run.as_str()) => run.clone(),
        Some(run) => {
            return Err(single(problem(
                "--run",
                format!(
                    "{location} has no run {run}; it has {}",
                    list_some(
                        &runs
                            .iter()
                            .rev()
                            .map(|run| (*run).to_owned())
                            .collect::<Vec<_>>()
                    )
                ),
            )));
        }
        None => {
            if runs.len() > 1 {
                notes.push(format!(
                    "{location} holds {} runs, and the newest is taken: --run {newest}",
                    runs.len()
                ));
            }
            (*newest).to_owned()
        }
    };
    for left in mockfleet_sendlog::spool_folders(&options.log) {
        if left.run == run && matches!(left.state, SpoolState::UnderWay | SpoolState::Unfinished) {
            notes.push(match left.state {
                SpoolState::UnderWay => format!("run {run} goes on, and its last rows are not in the log yet"),
                _ => format!("rows of run {run} are still in the spool; `mockfleet logs recover {}` brings them to the log", shell_word(&location)),
            });
        }
    }
    let table = Table::from_log(&location, files.of_run(&run))?;
    Ok(Log { run, table, notes })
}
