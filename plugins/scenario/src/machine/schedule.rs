//! Schedules the next call of a device.

use std::rc::Rc;
use std::time::Duration;

use mockfleet_sdk::{Error, Instant, Start, Turn};

use crate::compile::{DurationPlan, Status, Trigger};
use crate::machine::state_machine::{MAX_TRANSITIONS_PER_CALL, StateMachine};

impl StateMachine {
    /// Starts the timers of a status that begins now.
    pub(crate) fn start_timers(&mut self, status: &Status, now: Instant) -> Result<(), Error> {
        let mut timers = Vec::new();
        for (number, transition) in status.transitions.iter().enumerate() {
            match &transition.trigger {
                Trigger::After(length) => timers.push((now + self.draw(length, now)?, number)),
                Trigger::Cron(cron) => timers.extend(cron.after(now).map(|at| (at, number))),
                _ => {}
            }
        }
        self.timers = timers;
        Ok(())
    }

    /// Moves the timers of times of day to now, if that is such a time.
    pub(crate) fn include_times_at(&mut self, now: Instant) {
        let plan = Rc::clone(&self.plan);
        let Some(status) = plan.statuses.get(self.status) else {
            return;
        };
        for (at, number) in &mut self.timers {
            let transition = status.transitions.get(*number);
            if let Some(Trigger::Cron(cron)) = transition.map(|transition| &transition.trigger)
                && let Some(first) = cron.at_or_after(now)
            {
                *at = first;
            }
        }
    }

    /// The time of the first sending: the first tick on schedule. A status whose own interval
    /// is shorter has the same phase within that interval, so that devices stay apart.
    pub(crate) fn first_sending(&mut self, start: Start) -> Result<Option<Instant>, Error> {
        let plan = Rc::clone(&self.plan);
        let status = plan.statuses.get(self.status);
        let every = status.and_then(|status| status.every.as_ref());
        let (Some(every), Some(interval), Some(first)) = (every, plan.interval, start.first_tick)
        else {
            return Ok(start.first_tick);
        };
        let phase = first.since(start.at);
        if phase.is_zero() || interval.is_zero() {
            return Ok(Some(first));
        }
        let length = self.draw(every, start.at)?;
        let share = length.as_micros() * phase.as_micros() / interval.as_micros();
        let share = Duration::from_micros(u64::try_from(share).unwrap_or(u64::MAX));
        Ok(Some(first.min(start.at + share)))
    }

    /// Runs the transitions whose timers are due, the earliest first.
    pub(crate) fn run_timers(&mut self, now: Instant, turn: &mut Turn) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        for _ in 0..MAX_TRANSITIONS_PER_CALL {
            let due = self.timers.iter().filter(|(at, _)| *at <= now).min();
            let Some((_, number)) = due.copied() else {
                return Ok(());
            };
            self.timers.retain(|(_, other)| *other != number);
            let status = plan.statuses.get(self.status);
            let Some(transition) = status.and_then(|status| status.transitions.get(number)) else {
                return Ok(());
            };
            self.run_transition(transition, now, turn)?;
            if self.ending.is_some() {
                return Ok(());
            }
        }
        Err(Error::failed(format_args!(
            "{MAX_TRANSITIONS_PER_CALL} transitions followed one another in the same moment; give one of them some time"
        )))
    }

    /// Schedules the next sending after this tick.
    pub(crate) fn schedule_next(&mut self, now: Instant) -> Result<(), Error> {
        let plan = Rc::clone(&self.plan);
        let every = plan
            .statuses
            .get(self.status)
            .and_then(|status| status.every.as_ref());
        self.due = match every {
            Some(every) => {
                let length = self.draw(every, now)?;
                // Counted from the due time, so that late calls do not accumulate.
                let from = self.due.filter(|due| now.since(*due) < length);
                Some(from.filter(|due| *due <= now).unwrap_or(now) + length)
            }
            None => None,
        };
        Ok(())
    }

    /// The time of the next call, if it differs from the fleet file's schedule.
    pub(crate) fn next_call(&mut self, now: Instant) -> Option<Instant> {
        let kept = if self.up { self.store.next } else { None };
        let timers = self.timers.iter().map(|(at, _)| *at);
        let timer = timers.chain(kept).min();
        let Some(due) = self.due else {
            let interval = self.plan.interval?;
            let expected = self.sent.filter(|sent| *sent + interval > now);
            let expected = expected.unwrap_or(now) + interval;
            // The fleet's own tick is earlier, and computes this again.
            let timer = timer.filter(|timer| *timer < expected || self.sent != Some(now))?;
            self.due = Some(expected);
            return Some(timer.min(expected).max(now));
        };
        Some(timer.map_or(due, |timer| timer.min(due)).max(now))
    }

    pub(crate) fn draw(&mut self, length: &DurationPlan, now: Instant) -> Result<Duration, Error> {
        let mut rng = self.rng.clone();
        let drawn = length.draw(&mut rng, &self.context(now));
        self.rng = rng;
        drawn
    }
}
