//! Answers the questions of the summary.

use crate::bottleneck::MAX_ON_TIME_DELAY_US;
use crate::counters::worker_counters::Counters;
use crate::format::{micros, percent};
use crate::summary::run_summary::Summary;
use mockfleet_files::counted::{agree, all as all_of, count, plural};

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
                "nothing was sent: {} {} written to the log{rest}",
                plural(c.written, "message"),
                agree(c.written, "was", "were")
            );
        }
        let all = c.messages - c.injected.lost().min(c.messages);
        let known = delivered(c);
        if lost == 0 && all < c.messages {
            let injected = format!(
                "{} {} lost to faults on purpose",
                count(c.injected.lost()),
                agree(c.injected.lost(), "was", "were")
            );
            return match c.unproven {
                0 => format!("yes, as far as faults let it: {known}, and {injected}"),
                _ => format!("{}; {known}, and {injected}", unknown(c, all)),
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
            "no: {} of {} did not ({}); {} did{more}",
            count(lost),
            plural(all, "message"),
            parts.join(", "),
            percent(all - (lost + c.unproven).min(all), all)
        )
    }

    /// Returns the number of devices that were never connected; `None` if there are none.
    pub(crate) fn connections(&self) -> Option<String> {
        let never = self.counters.never_connected().filter(|never| *never > 0)?;
        Some(format!(
            "{} of {} never connected",
            count(never),
            plural(self.counters.to_connect, "device")
        ))
    }

    /// Returns whether all ticks ran on time.
    pub(crate) fn kept(&self) -> String {
        let c = &self.counters;
        if self.is_at_full_speed() {
            let missed = match c.missed_ticks {
                0 => String::new(),
                missed => format!(
                    "; {} {} missed while cells were down or the run was stopped",
                    count(missed),
                    agree(missed, "was", "were")
                ),
            };
            return format!(
                "there was no time to keep up with: the clock waited for {} that ran{missed}",
                match c.ticks {
                    1 => "the 1 tick".to_owned(),
                    ticks => format!("each of the {}", plural(ticks, "tick")),
                }
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
                "no: {} of {} {} missed",
                count(c.missed_ticks),
                plural(all, "tick"),
                agree(c.missed_ticks, "was", "were")
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
            ticks => format!("yes: {} ran", all_of(ticks, "tick")),
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
            (c.failed_calls, "call", "returned an error"),
            (
                c.cell_restarts,
                "cell",
                agree(
                    c.cell_restarts,
                    "crashed and was restarted",
                    "crashed and were restarted",
                ),
            ),
            (c.retired, "device", "retired"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(n, ..)| *n > 0)
            .map(|(n, noun, event)| format!("{} {event}", plural(*n, noun)))
            .collect();
        format!("{} (the table `events` has each)", parts.join(", "))
    }
}

/// Returns how many messages arrived, and by which evidence.
fn delivered(c: &Counters) -> String {
    let read = c.sent.saturating_sub(c.unproven);
    let is_all = c.unproven == 0 && c.got_through() == c.messages;
    let messages = |number: u64| match is_all {
        true => all_of(number, "message"),
        false => plural(number, "message"),
    };
    match (c.acked, read) {
        (0, 0) => "the backend confirmed none".into(),
        (acked, 0) => format!("the backend confirmed {}", messages(acked)),
        (0, read) => format!("the broker has read {} (QoS 0)", messages(read)),
        (acked, read) => format!(
            "the backend confirmed {}, and the broker has read {} more (QoS 0)",
            plural(acked, "message"),
            count(read)
        ),
    }
}

/// Names the messages of which nothing shows that they arrived.
fn unknown(c: &Counters, all: u64) -> String {
    format!(
        "unknown for {} of {}: {} sent (QoS 0), and nothing shows that the broker has read {}",
        count(c.unproven),
        plural(all, "message"),
        agree(c.unproven, "it was", "they were"),
        agree(c.unproven, "it", "them")
    )
}
