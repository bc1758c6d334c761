//! Answers the questions of the summary.

use crate::bottleneck::MAX_ON_TIME_DELAY_US;
use crate::counters::worker_counters::Counters;
use crate::format::{count, micros, percent};
use crate::summary::run_summary::Summary;

impl Summary {
    /// Returns whether all messages arrived, with the losses.
    pub(crate) fn arrived(&self) -> String {
        let c = &self.counters;
        let lost = c.failed + c.dropped + c.unconfirmed;
        if c.messages == 0 {
            return "there was nothing to send: no device returned a message".into();
        }
        if c.written > 0 {
            let rest = match lost {
                0 => String::new(),
                lost => format!(", and {} more would not have arrived", count(lost)),
            };
            return format!(
                "nothing was sent: {} messages were written to the log{rest}",
                count(c.written)
            );
        }
        let all = c.messages - c.injected.lost().min(c.messages);
        let known = delivered(c);
        if lost == 0 && all < c.messages {
            let injected = count(c.injected.lost());
            return match c.unproven {
                0 => format!(
                    "yes, as far as faults let it: {known}, and {injected} were lost to faults on purpose"
                ),
                _ => format!(
                    "{}; {known}, and {injected} were lost to faults on purpose",
                    unknown(c, all)
                ),
            };
        }
        if lost == 0 && c.unproven > 0 {
            return format!("{}; {known}", unknown(c, all));
        }
        if lost == 0 {
            return format!("yes: {known}");
        }
        let parts = [
            (c.failed, "failed"),
            (c.dropped, "dropped"),
            (c.unconfirmed, "unconfirmed"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, outcome)| format!("{} {outcome}", count(*n)))
            .collect();
        let more = match c.unproven {
            0 => String::new(),
            _ => format!("; {}", unknown(c, all)),
        };
        format!(
            "no: {} of {} messages did not ({}); {} did{more}",
            count(lost),
            count(all),
            parts.join(", "),
            percent(all - (lost + c.unproven).min(all), all)
        )
    }

    /// Returns the number of devices that were never connected; `None` if there are none.
    pub(crate) fn connections(&self) -> Option<String> {
        let never = self.counters.never_connected().filter(|never| *never > 0)?;
        Some(format!(
            "{} of {} devices never connected",
            count(never),
            count(self.counters.to_connect)
        ))
    }

    /// Returns whether all ticks ran on time.
    pub(crate) fn kept(&self) -> String {
        let c = &self.counters;
        if self.is_at_full_speed() {
            let missed = match c.missed_ticks {
                0 => String::new(),
                missed => format!(
                    "; {} were missed while cells were down or the run was stopped",
                    count(missed)
                ),
            };
            return format!(
                "there was no time to keep up with: the clock waited for each of the {} ticks that ran{missed}",
                count(c.ticks)
            );
        }
        let times = self.times();
        let with_times = |text: String| match &times {
            Some(times) => format!("{text}; {times}"),
            None => text,
        };
        if c.missed_ticks > 0 {
            let all = c.ticks + c.missed_ticks;
            return with_times(format!(
                "no: {} of {} ticks were missed",
                count(c.missed_ticks),
                count(all)
            ));
        }
        if let Some(times) = times
            .as_ref()
            .filter(|_| c.delay.quantile(0.99) > MAX_ON_TIME_DELAY_US)
        {
            return format!("late: every tick ran, but {times}");
        }
        with_times(match c.ticks {
            0 => "no tick was due".into(),
            ticks => format!("yes: all {} ticks ran", count(ticks)),
        })
    }

    /// Returns the times from due to called and from due to sent, as far as they were measured.
    fn times(&self) -> Option<String> {
        let called = self.counters.delay.measured(0.99);
        let left = self.counters.lag.measured(0.99);
        let called = called.map(|delay| format!("devices were called p99 {}", micros(delay)));
        let left = left.map(|lag| format!("messages left p99 {}", micros(lag)));
        let measured: Vec<String> = called.into_iter().chain(left).collect();
        (!measured.is_empty()).then(|| format!("{} after they were due", measured.join(" and ")))
    }

    /// Returns the number of connections that were opened again.
    pub(crate) fn reconnects(&self) -> String {
        let words = match self.counters.reconnects {
            1 => "a connection that was lost was opened again",
            _ => "connections that were lost were opened again",
        };
        let times = count(self.counters.reconnects);
        format!("{times}: {words} (the table `events` has each)")
    }

    /// Returns the failed calls, restarts and retirements.
    pub(crate) fn plugin_errors(&self) -> String {
        let c = &self.counters;
        let parts = [
            (c.failed_calls, "calls returned an error"),
            (c.cell_restarts, "cells crashed and were restarted"),
            (c.retired, "devices retired"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, event)| format!("{} {event}", count(*n)))
            .collect();
        format!("{} (the table `events` has each)", parts.join(", "))
    }
}

/// Returns how many messages arrived, and by which evidence.
fn delivered(c: &Counters) -> String {
    let read = c.sent.saturating_sub(c.unproven);
    let all = match c.unproven {
        0 if c.got_through() == c.messages => "all ",
        _ => "",
    };
    match (c.acked, read) {
        (0, 0) => "the backend confirmed none".into(),
        (acked, 0) => format!("the backend confirmed {all}{} messages", count(acked)),
        (0, read) => format!("the broker has read {all}{} messages (QoS 0)", count(read)),
        (acked, read) => format!(
            "the backend confirmed {} messages, and the broker has read {} more (QoS 0)",
            count(acked),
            count(read)
        ),
    }
}

/// Names the messages of which nothing shows that they arrived.
fn unknown(c: &Counters, all: u64) -> String {
    format!(
        "unknown for {} of {} messages: they were sent (QoS 0), and their connection ended before the broker showed that it had read them",
        count(c.unproven),
        count(all)
    )
}
