//! Scans the files of a run and builds its timeline.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::read_error::ReadError;
use crate::format::file_name::FileName;
use crate::format::schema::LogTable;
use crate::read::footer::Footer;
use crate::read::stats::SkippedFile;
use crate::read::timeline::accumulator::Partial;
use crate::read::timeline::accumulator::columns;
use crate::read::timeline::bucket::BucketGrid;
use crate::read::timeline::model::Timeline;
use crate::store::store_reader::ObjectMeta;
use crate::store::store_reader::StoreReader;

/// Maximum number of buckets: as many as a wide screen can show.
const MAX_BUCKETS: i64 = 600;

/// Minimum mean number of rows in a bucket. Fewer would make an even rate look noisy.
const MIN_ROWS_PER_BUCKET: i64 = 20;

/// Widths of a bucket that people can name, in microseconds.
const BUCKET_WIDTHS: [i64; 27] = [
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    15_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    900_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    10_800_000_000,
    21_600_000_000,
    43_200_000_000,
    86_400_000_000,
    172_800_000_000,
    604_800_000_000,
    2_592_000_000_000,
];

/// Row groups that one job reads: enough to be worth reading the footer again.
const ROW_GROUPS_PER_JOB: usize = 8;

/// Returns the runs that have rows in a store, in the order of time.
///
/// # Errors
/// [`LogError::Read`] if the store cannot be read.
pub fn runs(store: &Store) -> Result<Vec<String>, LogError> {
    let reader = StoreReader::open(store)?;
    let mut runs: Vec<String> = files(&reader)?
        .into_iter()
        .map(|(_, name)| name.run)
        .collect();
    runs.sort();
    runs.dedup();
    Ok(runs)
}

fn files(reader: &StoreReader) -> Result<Vec<(ObjectMeta, FileName)>, LogError> {
    let mut files = reader.files(LogTable::Sends)?;
    files.extend(reader.files(LogTable::Events)?);
    let named = files.into_iter().filter_map(|file| {
        let name = FileName::parse(&file.key)?;
        Some((file, name))
    });
    Ok(named.collect())
}

/// A file whose footer has been read.
struct Opened {
    file: ObjectMeta,
    rows: u64,
    groups: usize,
    span: Option<(i64, i64)>,
}

/// A part of a file that one job reads.
struct Job<'a> {
    file: &'a ObjectMeta,
    groups: std::ops::Range<usize>,
}

/// Builds the timeline of a run.
///
/// Without `is_machine_clock`, the run had a clock of its own. Then due times and sending
/// times are by different clocks. The timeline has no lag then, and counts no sent messages by
/// bucket.
///
/// Several threads call `progress` with the number of rows that were read, and the number of
/// all rows.
///
/// # Errors
/// [`LogError::Read`] if the store cannot be read. A file that cannot be read is no error.
pub fn timeline(
    store: &Store,
    run: &str,
    is_machine_clock: bool,
    progress: impl Fn(u64, u64) + Sync,
) -> Result<Timeline, LogError> {
    let reader = StoreReader::open(store)?;
    let own = files(&reader)?
        .into_iter()
        .filter(|(_, name)| name.run == run);
    let (own, names): (Vec<ObjectMeta>, Vec<FileName>) = own.unzip();
    let mut timeline = Timeline {
        run: run.to_owned(),
        host: names
            .first()
            .map(|name| name.host.clone())
            .unwrap_or_default(),
        ..Timeline::default()
    };
    let mut opened = Vec::new();
    for (file, footer) in own
        .iter()
        .zip(reader.map_concurrently(&own, |file| open(&reader, file)))
    {
        match footer {
            Ok(file) => opened.push(file),
            Err(error) => timeline.skipped.push(skipped(&reader, file, &error)),
        }
    }
    for file in &opened {
        timeline.files += 1;
        timeline.bytes += file.file.size;
        match file.file.table {
            LogTable::Sends => timeline.rows += file.rows,
            LogTable::Events => timeline.events += file.rows,
        }
    }
    let spans = opened.iter().filter_map(|file| file.span);
    let span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (start, end) = span.unwrap_or((0, 0));
    let bucket_width = bucket_width(end - start, timeline.rows);
    let grid = BucketGrid::new(start, end, bucket_width, is_machine_clock);
    (timeline.start, timeline.end, timeline.bucket_width) = (start, end, grid.width);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<Mutex<Partial>> = (0..cores).map(|_| Mutex::new(Partial::new(grid))).collect();
    // The parts take turns: jobs that run at the same time rarely share one.
    let jobs: Vec<(Job<'_>, &Mutex<Partial>)> = opened
        .iter()
        .flat_map(jobs)
        .zip(parts.iter().cycle())
        .collect();
    let (all, done) = (timeline.rows + timeline.events, AtomicU64::new(0));
    let read = reader.map_concurrently(&jobs, |(job, part)| {
        let footer = Footer::read(&reader, job.file)?;
        footer.read_groups(job.groups.clone(), columns(job.file.table), |batch| {
            let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
            part.add(job.file.table, batch)?;
            drop(part);
            let rows = u64::try_from(batch.num_rows()).unwrap_or(0);
            progress(done.fetch_add(rows, Ordering::Relaxed) + rows, all);
            Ok(())
        })
    });
    for ((job, _), read) in jobs.iter().zip(read) {
        if let Err(error) = read {
            timeline.skipped.push(skipped(&reader, job.file, &error));
        }
    }
    let parts = parts
        .into_iter()
        .map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner));
    if let Some(sum) = parts.reduce(|mut sum, part| {
        sum.merge(part);
        sum
    }) {
        sum.finish(&mut timeline);
    }
    Ok(timeline)
}

fn open(reader: &StoreReader, file: &ObjectMeta) -> Result<Opened, ReadError> {
    let footer = Footer::read(reader, file)?;
    Ok(Opened {
        file: file.clone(),
        rows: footer.rows(),
        groups: footer.row_groups(),
        span: footer.span(file.table),
    })
}

fn skipped(reader: &StoreReader, file: &ObjectMeta, error: &ReadError) -> SkippedFile {
    SkippedFile {
        file: reader.display_name(&file.key),
        bytes: file.size,
        why: error.to_string(),
    }
}

fn jobs(opened: &Opened) -> impl Iterator<Item = Job<'_>> {
    let starts = (0..opened.groups).step_by(ROW_GROUPS_PER_JOB);
    starts.map(|start| Job {
        file: &opened.file,
        groups: start..(start + ROW_GROUPS_PER_JOB).min(opened.groups),
    })
}

/// Returns the width of a bucket. A screen can show all buckets, and each has rows on average.
fn bucket_width(span: i64, rows: u64) -> i64 {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX).max(1);
    let moments = MAX_BUCKETS.min(rows / MIN_ROWS_PER_BUCKET).max(12);
    let least = span / moments;
    let fits = BUCKET_WIDTHS
        .iter()
        .find(|bucket_width| **bucket_width >= least);
    fits.copied().unwrap_or(least.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_as_many_as_a_screen_shows_and_have_rows_in_them() {
        let second = 1_000_000;
        assert_eq!(bucket_width(600 * second, 1_000_000), second);
        assert_eq!(bucket_width(601 * second, 1_000_000), 2 * second);
        // A hundred rows are too few for 600 buckets.
        assert_eq!(bucket_width(600 * second, 100), 60 * second);
        assert_eq!(bucket_width(0, 0), 10_000);
        assert_eq!(
            bucket_width(365 * 86_400 * second, u64::MAX),
            86_400 * second
        );
    }
}
