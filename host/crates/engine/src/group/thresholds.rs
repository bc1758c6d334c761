//! Counts messages and ticks for checks, and evaluates the checks.
//!
//! Each message and tick counts for the checks that match it. A run without checks has no
//! collector.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use crate::group::device_group::Group;
use crate::time::clock::{Micros, micros};
use mockfleet_config::{FULL_SHARE, Metric, Plan, Scope, ThresholdValue};
use mockfleet_metrics::as_f64;
use mockfleet_metrics::{
    CheckCounters, Counters, LatencyHistogram, count, micros as words, plural,
};
use mockfleet_transport::{Cause, Completion, Outcome};

/// Maps messages and ticks to their counters in [`Counters::checks`]. All workers share it.
#[derive(Debug, Default)]
pub(crate) struct ThresholdCollector {
    /// End of the warm-up: messages and ticks that were due before do not count.
    warm_up: Micros,
    scopes: Vec<Scope>,
    fleet: Option<usize>,
    /// Indices of counters, by number of the group.
    groups: Vec<Option<usize>>,
    /// Indices of counters, by number of the route in the log's directory.
    routes: Vec<Option<usize>>,
}

/// The checks of a run, with the collector that counted for them.
pub(crate) struct ThresholdEvaluator {
    pub(crate) thresholds: Arc<ThresholdCollector>,
    pub(crate) checks: mockfleet_config::Checks,
}

impl ThresholdCollector {
    /// Creates the collector for the checks of a plan. Returns `None` for a plan without
    /// checks.
    pub(crate) fn new(plan: &Plan) -> Option<Arc<Self>> {
        let checks = &plan.checks;
        let mut scopes: Vec<Scope> = checks
            .list
            .iter()
            .map(|check| check.scope.clone())
            .collect();
        scopes.sort();
        scopes.dedup();
        if scopes.is_empty() {
            return None;
        }
        let place = |wanted: &Scope| scopes.binary_search(wanted).ok();
        let groups = plan.groups.iter();
        let groups = groups.map(|group| place(&Scope::Group(group.name.clone())));
        let routes = plan.targets.iter().flat_map(|target| {
            let routes = mockfleet_transport::Routes::new(target);
            let names: Vec<String> = routes.names().map(str::to_owned).collect();
            names
        });
        let routes = routes.map(|channel| place(&Scope::Channel(channel)));
        Some(Arc::new(Self {
            warm_up: micros(checks.warm_up),
            fleet: place(&Scope::Fleet),
            groups: groups.collect(),
            routes: routes.collect(),
            scopes,
        }))
    }

    /// Calls `count` for each counter that a group's message or tick, due at `due`, counts
    /// for.
    fn each(
        &self,
        counters: &mut Counters,
        due: Micros,
        group: u32,
        route: Option<u16>,
        count: impl Fn(&mut CheckCounters),
    ) {
        if due < self.warm_up {
            return;
        }
        counters
            .checks
            .resize_with(self.scopes.len(), CheckCounters::default);
        let at = |places: &[Option<usize>], number: usize| places.get(number).copied().flatten();
        let group = at(&self.groups, usize::try_from(group).unwrap_or(usize::MAX));
        let route = route.and_then(|route| at(&self.routes, usize::from(route)));
        for place in [self.fleet, group, route].into_iter().flatten() {
            if let Some(tally) = counters.checks.get_mut(place) {
                count(tally);
            }
        }
    }

    /// Counts a message with its outcome. `lag` is set if it was sent, `latency` if it was
    /// acknowledged.
    pub(crate) fn settled(
        &self,
        counters: &mut Counters,
        number: u32,
        group: &Group,
        settled: &Completion,
        (lag, latency): (Option<Micros>, Option<Micros>),
    ) {
        let route = group.route_base + settled.envelope.route;
        let due = settled.envelope.due;
        self.each(counters, due, number, Some(route), |tally| {
            *match settled.outcome {
                _ if is_injected(settled) => &mut tally.injected,
                Outcome::Acked => &mut tally.acked,
                // A run that sends nothing has no checks.
                Outcome::Sent | Outcome::Written => &mut tally.sent,
                Outcome::Failed => &mut tally.failed,
                Outcome::Dropped => &mut tally.dropped,
                Outcome::Unconfirmed => &mut tally.unconfirmed,
            } += 1;
            if let Some(lag) = lag {
                tally.lag.record(lag);
            }
            if let Some(latency) = latency {
                tally.latency.record(latency);
            }
        });
    }

    /// Counts a tick that was run and due at `due`.
    pub(crate) fn ticked(&self, counters: &mut Counters, due: Micros, group: u32) {
        self.each(counters, due, group, None, |tally| tally.ticks += 1);
    }

    /// Counts missed ticks that were found at `now`.
    pub(crate) fn missed(&self, counters: &mut Counters, now: Micros, group: u32, ticks: u64) {
        self.each(counters, now, group, None, |tally| tally.missed += ticks);
    }

    /// Counts a failed call.
    pub(crate) fn call_failed(&self, counters: &mut Counters, now: Micros, group: u32) {
        self.each(counters, now, group, None, |tally| tally.failed_calls += 1);
    }

    /// Counts a restart of a cell.
    pub(crate) fn restarted(&self, counters: &mut Counters, now: Micros, group: u32) {
        self.each(counters, now, group, None, |tally| tally.restarts += 1);
    }

    /// Counts a connection that was opened at `now`, for the first time or `again`.
    pub(crate) fn connected(&self, counters: &mut Counters, now: Micros, group: u32, again: bool) {
        // Most connections are opened during the warm-up, and can be lost after it.
        let open = now.max(self.warm_up);
        self.each(counters, open, group, None, |tally| tally.connections += 1);
        if again {
            self.each(counters, now, group, None, |tally| tally.reconnects += 1);
        }
    }

    /// Evaluates the checks of a plan. No tick was due from `end` on.
    pub(crate) fn evaluate(
        &self,
        checks: &mockfleet_config::Checks,
        counters: &Counters,
        end: Micros,
    ) -> Vec<mockfleet_metrics::CheckResult> {
        let none = CheckCounters::default();
        let span = Duration::from_micros(end.saturating_sub(self.warm_up));
        let judged = checks.list.iter().map(|check| {
            let place = self.scopes.binary_search(&check.scope).ok();
            let tally = place.and_then(|place| counters.checks.get(place));
            let figures = Figures {
                tally: tally.unwrap_or(&none),
                unproven: counters.unproven,
                span,
                warm_up: self.warm_up > 0,
            };
            judge(check, &figures)
        });
        judged.collect()
    }
}

/// Returns whether a fault of the fleet file stopped a message. Only here do checks tell such
/// messages from those that the host or the backend lost.
fn is_injected(settled: &Completion) -> bool {
    !matches!(settled.outcome, Outcome::Acked | Outcome::Sent)
        && settled.error.as_ref().is_some_and(Cause::is_injected)
}

/// The measured value of a metric.
enum Measured {
    /// A count, and the total that it is part of.
    Part(u64, u64),
    /// A time in microseconds.
    Time(u64),
    /// A rate a second.
    Rate(f64),
    /// No value, with the reason.
    Nothing(String),
}

/// The counts by which a check is judged.
struct Figures<'a> {
    tally: &'a CheckCounters,
    /// Messages of QoS 0 that the broker may not have read, also those of the warm-up. Their
    /// connection can be that of several groups: only the fleet has the figure.
    unproven: u64,
    /// Time from the end of the warm-up to the end.
    span: Duration,
    warm_up: bool,
}

fn judge(check: &mockfleet_config::Check, figures: &Figures<'_>) -> mockfleet_metrics::CheckResult {
    let bound = &check.threshold;
    let found = find(bound, figures);
    let order = match (&found, bound.value) {
        (Measured::Part(part, _), ThresholdValue::Count(limit)) => Some(part.cmp(&limit)),
        (Measured::Part(part, all), ThresholdValue::Share(share)) => {
            let exact = |a: u64, b: u64| u128::from(a) * u128::from(b);
            Some(exact(*part, FULL_SHARE).cmp(&exact(*all, share)))
        }
        (Measured::Time(time), ThresholdValue::Time(limit)) => Some(time.cmp(&limit)),
        (Measured::Rate(rate), ThresholdValue::PerSecond(limit)) => Some(rate.total_cmp(&limit)),
        _ => None,
    };
    let (kind, name) = match &check.scope {
        Scope::Fleet => ("fleet", ""),
        Scope::Group(name) => ("group", name.as_str()),
        Scope::Channel(name) => ("channel", name.as_str()),
    };
    mockfleet_metrics::CheckResult {
        kind,
        name: name.to_owned(),
        text: bound.to_string(),
        figure: number(&found, bound.value),
        shown: shown(&found, bound),
        held: order.is_some_and(|order: Ordering| bound.comparison.is_met_by(order)),
    }
}

fn find(bound: &mockfleet_config::Threshold, figures: &Figures<'_>) -> Measured {
    let Figures { tally, span, .. } = figures;
    let since = if figures.warm_up {
        " after the warm-up"
    } else {
        ""
    };
    let messages = tally.messages();
    let of_messages = |part: u64| match messages {
        0 => Measured::Nothing(format!(
            "no message was due{since}, so nothing was measured"
        )),
        all => Measured::Part(part, all),
    };
    let time = |spread: &LatencyHistogram, share: f64, what: &str| match spread.count() {
        0 => Measured::Nothing(format!(
            "no message that was due{since} was {what}, so nothing was measured"
        )),
        _ if share >= 1.0 => Measured::Time(spread.max()),
        _ => Measured::Time(spread.quantile(share)),
    };
    let ticks = tally.ticks + tally.missed;
    let of_ticks = |part: u64| match ticks {
        0 => Measured::Nothing(format!("no tick was due{since}, so nothing was measured")),
        all => Measured::Part(part, all),
    };
    match bound.metric {
        Metric::Messages => Measured::Part(messages, messages),
        Metric::Acked => of_messages(tally.acked),
        Metric::Sent => of_messages(tally.sent),
        Metric::Unproven => of_messages(figures.unproven),
        Metric::Delivered => of_messages(tally.acked + tally.sent),
        Metric::Failed => of_messages(tally.failed),
        Metric::Dropped => of_messages(tally.dropped),
        Metric::Unconfirmed => of_messages(tally.unconfirmed),
        Metric::Rate => Measured::Rate(as_f64(tally.got_through()) / span.as_secs_f64().max(0.001)),
        Metric::Missed => of_ticks(tally.missed),
        Metric::FailedCalls => of_ticks(tally.failed_calls),
        Metric::Restarts => of_ticks(tally.restarts),
        Metric::Reconnects if tally.connections == 0 => {
            Measured::Nothing("no device opened a connection, so nothing was measured".into())
        }
        Metric::Reconnects => Measured::Part(tally.reconnects, tally.connections),
        Metric::Latency(share) => time(&tally.latency, share, "confirmed"),
        Metric::Lag(share) => time(&tally.lag, share, "sent"),
    }
}

fn number(found: &Measured, limit: ThresholdValue) -> Option<f64> {
    match (found, limit) {
        (Measured::Part(part, all), ThresholdValue::Share(_)) => {
            Some(as_f64(*part) * 100.0 / as_f64(*all).max(1.0))
        }
        (Measured::Part(part, _), _) => Some(as_f64(*part)),
        (Measured::Time(micros), _) => Some(as_f64(*micros)),
        (Measured::Rate(rate), _) => Some(*rate),
        (Measured::Nothing(_), _) => None,
    }
}

fn shown(found: &Measured, bound: &mockfleet_config::Threshold) -> String {
    match found {
        Measured::Part(part, all) if matches!(bound.value, ThresholdValue::Share(_)) => {
            format!(
                "{} ({} of {})",
                percent(*part, *all),
                count(*part),
                count(*all)
            )
        }
        Measured::Part(part, all) => match bound.metric.share_base() {
            Some(noun) => format!("{} of {}", count(*part), plural(*all, noun)),
            None => count(*part),
        },
        Measured::Time(micros) => words(*micros),
        Measured::Rate(rate) => format!("{rate:.1}/s"),
        Measured::Nothing(why) => why.clone(),
    }
}

/// Formats a share with enough digits to differ from 100 % and from 0 %.
fn percent(part: u64, all: u64) -> String {
    let share = as_f64(part) * 100.0 / as_f64(all).max(1.0);
    let plain = format!("{share:.2}");
    match plain.as_str() {
        "100.00" if part == all => "100 %".into(),
        "0.00" if part == 0 => "0 %".into(),
        "100.00" | "0.00" => format!("{share:.6} %"),
        _ => format!("{plain} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, tally: &CheckCounters) -> (bool, String) {
        let check = mockfleet_config::Check::parse(&Scope::Fleet, text).unwrap();
        let judged = judge(&check, &figures(tally, 0));
        (judged.held, judged.shown)
    }

    fn figures(tally: &CheckCounters, unproven: u64) -> Figures<'_> {
        Figures {
            tally,
            unproven,
            span: Duration::from_secs(10),
            warm_up: false,
        }
    }

    fn tally() -> CheckCounters {
        let mut tally = CheckCounters {
            acked: 999,
            failed: 1,
            injected: 500,
            ticks: 990,
            missed: 10,
            ..CheckCounters::default()
        };
        for micros in 1..=1000 {
            tally.latency.record(micros * 100);
        }
        tally
    }

    #[test]
    fn shares_are_compared_exactly() {
        let tally = tally();
        let figure = "99.90 % (999 of 1,000)".to_owned();
        assert_eq!(said("acked >= 99.9%", &tally), (true, figure.clone()));
        assert_eq!(said("acked > 99.9%", &tally), (false, figure.clone()));
        assert_eq!(said("acked >= 99.9000001%", &tally), (false, figure));
    }

    #[test]
    fn what_a_fault_dropped_is_no_loss_of_the_backend() {
        assert_eq!(said("messages == 1000", &tally()), (true, "1,000".into()));
        assert_eq!(
            said("dropped == 0", &tally()),
            (true, "0 of 1,000 messages".into())
        );
    }

    #[test]
    fn figures_have_their_own_units() {
        let tally = tally();
        assert_eq!(
            said("failed == 0", &tally),
            (false, "1 of 1,000 messages".into())
        );
        assert_eq!(
            said("latency.p50 <= 51ms", &tally),
            (true, "50.0 ms".into())
        );
        assert_eq!(
            said("latency.max < 100ms", &tally),
            (false, "100.0 ms".into())
        );
        assert_eq!(
            said("missed <= 1%", &tally),
            (true, "1.00 % (10 of 1,000)".into())
        );
        assert_eq!(said("rate >= 99.9/s", &tally), (true, "99.9/s".into()));
    }

    #[test]
    fn rate_has_no_message_that_did_not_get_through() {
        let lost = CheckCounters {
            dropped: 2_400,
            ..CheckCounters::default()
        };
        assert_eq!(said("rate >= 240/s", &lost), (false, "0.0/s".into()));
        let got_through = CheckCounters {
            acked: 1_400,
            sent: 1_000,
            ..CheckCounters::default()
        };
        assert_eq!(
            said("rate >= 240/s", &got_through),
            (true, "240.0/s".into())
        );
    }

    #[test]
    fn unproven_messages_break_a_check_of_the_fleet() {
        let tally = CheckCounters {
            sent: 10,
            ..CheckCounters::default()
        };
        assert_eq!(said("unproven == 0", &tally), (true, "0".into()));
        let check = mockfleet_config::Check::parse(&Scope::Fleet, "unproven == 0").unwrap();
        let judged = judge(&check, &figures(&tally, 3));
        assert_eq!((judged.held, judged.shown), (false, "3".into()));
        let (held, _) = said("unproven == 0", &CheckCounters::default());
        assert!(!held, "no message was sent");
        let group = Scope::Group("a".into());
        let refused = mockfleet_config::Check::parse(&group, "unproven == 0");
        assert_eq!(
            refused.unwrap_err().to_string(),
            "check \"unproven == 0\" of group a: unproven is a figure of the fleet: a connection can be that of several groups"
        );
    }

    #[test]
    fn where_nothing_was_measured_nothing_held() {
        let (held, why) = said("failed == 0", &CheckCounters::default());
        assert!(!held && why.contains("no message was due"), "{why}");
        let (held, why) = said("lag.p99 <= 50ms", &CheckCounters::default());
        assert!(!held && why.contains("was sent"), "{why}");
        let (held, why) = said("restarts == 0", &CheckCounters::default());
        assert!(!held && why.contains("no tick was due"), "{why}");
        assert!(said("messages == 0", &CheckCounters::default()).0);
    }

    #[test]
    fn reconnects_are_counted_where_connections_are() {
        let tally = CheckCounters {
            connections: 12,
            reconnects: 2,
            ..CheckCounters::default()
        };
        assert_eq!(said("reconnects <= 2", &tally), (true, "2".into()));
        assert_eq!(said("reconnects == 0", &tally), (false, "2".into()));
        let (held, why) = said("reconnects == 0", &CheckCounters::default());
        assert!(
            !held && why.contains("no device opened a connection"),
            "{why}"
        );
    }

    #[test]
    fn nearly_all_is_not_shown_as_all() {
        assert_eq!(percent(999_999, 1_000_000), "99.999900 %");
        assert_eq!(percent(1, 1_000_000), "0.000100 %");
        assert_eq!(percent(0, 5), "0 %");
    }
}
