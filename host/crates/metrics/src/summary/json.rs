//! Writes the summary as JSON.

use serde_json::{Value, json};

use crate::check;
use crate::counters::histogram::LatencyHistogram;
use crate::counters::warnings::Warnings;
use crate::progress::stages::StageResult;
use crate::search_step::BreakpointResult;
use crate::summary::run_summary::Summary;

impl Summary {
    /// Returns the summary as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let c = &self.counters;
        let evidence = self.evidence();
        let (bottleneck, evidence_text) = evidence.verdict();
        let mut all = json!({
            "event": "summary",
            "fleet": self.fleet,
            "run": self.run,
            "devices": self.devices,
            "ticks": c.ticks,
            "messages": c.messages,
            "acked": c.acked,
            "sent": c.sent,
            "unproven": c.unproven,
            "failed": c.failed,
            "dropped": c.dropped,
            "unconfirmed": c.unconfirmed,
            "written": c.written,
            "received": c.received,
            "connect": self.connect.map(|connect| connect.json()),
            "never_connected": c.never_connected(),
            "missed_ticks": c.missed_ticks,
            "failed_calls": c.failed_calls,
            "reconnects": c.reconnects,
            "retired": c.retired,
            "cell_restarts": c.cell_restarts,
            "guest_memory": c.guest_memory,
            "delay_us": quantiles(&c.delay),
            "lag_us": quantiles(&c.lag),
            "latency_us": quantiles(&c.latency),
            "words": {
                "arrived": self.arrived(),
                "connections": self.connections(),
                "schedule": self.kept(),
            },
            "bottleneck": { "who": bottleneck.word(), "words": evidence_text },
            "busy": evidence.busy(),
            "held_up": evidence.log_blocked(),
            "open_most": c.max_open,
            "outbox": {
                "most": c.fullest_outbox.open,
                "of": c.fullest_outbox.of,
                "found_full": c.outbox_full,
            },
            "limit": self.breakpoint.as_ref().map(BreakpointResult::json),
            "checks": check::list(&self.checks),
            "stages": self.stages.iter().map(StageResult::json).collect::<Vec<_>>(),
            "injected": c.injected.json(ranked(&c.injected.causes)),
            "causes": ranked(&c.causes),
            "notices": ranked(&c.warnings),
            "clock": self.clock.map(|clock| clock.json(self.ran)),
            "seconds": self.took.as_secs_f64(),
        });
        if let (Value::Object(all), Value::Object(log)) = (&mut all, self.log.json()) {
            all.extend(log);
        }
        all
    }
}

/// Returns the quantiles of a time in microseconds, which are null if it was never measured.
fn quantiles(histogram: &LatencyHistogram) -> Value {
    json!({
        "p50": histogram.measured(0.5),
        "p99": histogram.measured(0.99),
        "max": histogram.measured(1.0).map(|_| histogram.max()),
    })
}

fn ranked(warnings: &Warnings) -> Value {
    warnings
        .ranked()
        .into_iter()
        .map(|(text, times)| json!({ "text": text, "times": times }))
        .collect()
}
