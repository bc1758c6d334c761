//! What injected faults do to a connection: it is cut, it is half open, it is slow.
//! Knows nothing of when; it is told.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::Shared;
use super::link::{Command, Link, Open};
use super::stream::Stream;
use crate::{Cut, INJECTED, Inbox, LinkAction, Outcome, Settled};

/// What a link suffers.
#[derive(Default)]
pub(super) struct Hurt {
    /// How it is cut, for as long as it is.
    cut: Option<Cut>,
    /// The fault that last cut it, until the connection is up again: what ends badly in
    /// between is its doing.
    fault: Option<&'static str>,
    /// How the device found out that a half-open connection is none.
    noticed: Option<String>,
    /// It comes back past the connect rate.
    rush: bool,
    /// Bytes a second that may go out.
    bandwidth: Option<u64>,
    /// A connection that the device has given up, and the broker has not.
    stale: Option<Stream>,
}

impl std::fmt::Debug for Hurt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hurt").field(&self.cut).finish()
    }
}

impl Hurt {
    /// The connection is up again.
    pub(super) fn healed(&mut self) {
        self.fault = None;
        self.noticed = None;
        self.rush = false;
        self.stale = None;
    }
}

impl Link {
    /// Does what an injected fault asks for; false if it is something else.
    pub(super) fn injure(&mut self, action: LinkAction) -> bool {
        match action {
            LinkAction::Cut { how, fault } => {
                let hurt = self.hurt.get_or_insert_default();
                hurt.cut = Some(how);
                hurt.fault = Some(fault);
                hurt.rush = false;
            }
            LinkAction::Restore { rush } => {
                if let Some(hurt) = &mut self.hurt {
                    hurt.cut = None;
                    hurt.rush = rush;
                }
            }
            LinkAction::Slow(bandwidth) => {
                if bandwidth.is_some() || self.hurt.is_some() {
                    self.hurt.get_or_insert_default().bandwidth = bandwidth;
                }
            }
            LinkAction::Reconnect | LinkAction::Vanish(_) => return false,
        }
        true
    }

    pub(super) fn cut(&self) -> Option<Cut> {
        self.hurt.as_ref()?.cut
    }

    pub(super) fn bandwidth(&self) -> Option<u64> {
        self.hurt.as_ref()?.bandwidth
    }

    /// Whether it is cut with a goodbye.
    pub(super) fn is_closed_on_purpose(&self) -> bool {
        self.cut() == Some(Cut::Closed)
    }

    /// Whether it comes back past the connect rate, this one time.
    pub(super) fn is_in_a_rush(&mut self) -> bool {
        let hurt = self.hurt.as_mut();
        hurt.is_some_and(|hurt| std::mem::take(&mut hurt.rush))
    }

    /// The device has found out that the connection is half open.
    pub(super) fn noticed(&mut self, why: String) {
        if let Some(hurt) = &mut self.hurt {
            hurt.noticed = Some(why);
        }
    }

    pub(super) fn keep_stale(&mut self, stream: Stream) {
        if let Some(hurt) = &mut self.hurt {
            hurt.stale = Some(stream);
        }
    }

    /// Why the connection is gone, which a fault has taken.
    pub(super) fn why_cut(&self) -> Rc<str> {
        let hurt = self.hurt.as_ref();
        let how = match hurt.and_then(|hurt| hurt.noticed.as_deref()) {
            Some(noticed) => noticed,
            None if self.is_closed_on_purpose() => "closed by the device",
            None => "the connection was lost",
        };
        format!("{}{how}", self.blame()).into()
    }

    /// How the reason begins of what ends badly now; empty where no fault is to blame.
    pub(super) fn blame(&self) -> String {
        let fault = self.hurt.as_ref().and_then(|hurt| hurt.fault);
        fault.map_or_else(String::new, |fault| format!("{INJECTED}{fault}: "))
    }
}

/// Waits for as long as the link is cut, unless all is over.
pub(super) async fn wait(shared: &Shared, link: &RefCell<Link>) {
    std::future::poll_fn(|cx| {
        let mut link = link.borrow_mut();
        link.listen(cx);
        let leaves = link.command == Some(Command::Leave) && link.is_idle(shared);
        match link.cut() {
            Some(_) if !leaves => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

/// Waits until the link is cut.
pub(super) async fn cut(link: &RefCell<Link>) {
    std::future::poll_fn(|cx| {
        let mut link = link.borrow_mut();
        link.listen(cx);
        match link.cut() {
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        }
    })
    .await;
}

/// A message that a fault has made unfit for its broker ends the connection each time
/// that it is sent: it is not tried again, and its neighbours are.
pub(super) fn fail_unfit(link: &mut Link, why: &str, inbox: &Inbox) {
    let unfit = |open: &Open| {
        let fault = open.envelope.fault.as_deref().unwrap_or_default();
        fault.contains("oversize") || fault.contains("wrong-topic")
    };
    let mut failed = Vec::new();
    // Of what is being written, only the first may have been seen by the broker.
    if link.writing.front().is_some_and(unfit) {
        failed.extend(link.writing.pop_front());
    }
    let waiting = std::mem::take(&mut link.waiting);
    for open in waiting {
        if unfit(&open) {
            failed.push(open);
        } else {
            link.waiting.push_back(open);
        }
    }
    for open in failed {
        let fault = open.envelope.fault.as_deref().unwrap_or_default();
        let text = format!("{INJECTED}{fault}: the connection was lost while it was open: {why}");
        inbox.put(crate::Report::Settled(Settled {
            sent_at: open.sent_at.map(Instant::into_std),
            ..Settled::unsent(open.envelope, Outcome::Failed, text.into())
        }));
    }
}

/// Bytes go out in so many portions a second: fine enough to look even, coarse enough
/// to cost little.
const PORTIONS: u32 = 20;

/// What may go out over a slow link.
pub(super) struct Budget {
    /// Bytes a second.
    rate: u64,
    /// Nothing more goes out before this moment.
    free: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Budget {
    /// Has the budget of a session be what the link may send.
    pub(super) fn follow(budget: &mut Option<Self>, rate: Option<u64>) {
        let known = budget.as_ref().map(|budget| budget.rate);
        if known != rate {
            *budget = rate.map(|rate| Self {
                rate,
                free: Instant::now(),
                sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            });
        }
    }

    /// As much of these bytes as may go out now; none wakes the task when some may.
    pub(super) fn of<'a>(&mut self, cx: &mut Context<'_>, bytes: &'a [u8]) -> &'a [u8] {
        if Instant::now() < self.free {
            self.sleep.as_mut().reset(self.free);
            if self.sleep.as_mut().poll(cx).is_pending() {
                return &[];
            }
        }
        let portion = usize::try_from(self.rate / u64::from(PORTIONS)).unwrap_or(usize::MAX);
        bytes.get(..portion.max(1)).unwrap_or(bytes)
    }

    /// So many bytes went out.
    pub(super) fn spend(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a bandwidth is far below 2^53 bytes a second"
        )]
        let seconds = f64::from(bytes) / self.rate.max(1) as f64;
        let from = self.free.max(Instant::now());
        self.free = from + Duration::from_secs_f64(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Envelope, Report};
    use mockfleet_config::Qos;

    fn open(seq: u64, fault: Option<&str>) -> Open {
        Open {
            envelope: Envelope {
                slot: 0,
                route: 0,
                seq,
                copy: 0,
                attempt: 1,
                due: 0,
                payload: bytes::Bytes::new(),
                content_type: None,
                properties: Vec::new(),
                status: None,
                topic: None,
                fault: fault.map(Into::into),
            },
            qos: Qos::AtLeastOnce,
            issue: seq,
            end: 0,
            sent_at: Some(Instant::now()),
            received: false,
        }
    }

    #[test]
    fn what_a_fault_made_unfit_fails_with_the_first_connection_and_its_neighbours_do_not() {
        let mut link = Link::new("c".into(), None, 0);
        for (seq, fault) in [
            (0, None),
            (1, Some("oversize from 9 bytes")),
            (2, Some("corrupt")),
        ] {
            link.waiting.push_back(open(seq, fault));
        }
        let inbox = Inbox::default();
        link.down(&"closed by the broker".into(), false, &inbox);
        let left: Vec<u64> = link.queue.iter().map(|envelope| envelope.seq).collect();
        assert_eq!(left, [0, 2]);
        let mut reports = Vec::new();
        inbox.take(&mut reports);
        let [Report::Settled(settled)] = reports.as_slice() else {
            panic!("{reports:?}");
        };
        let why = settled.error.as_deref().unwrap();
        assert!(
            why.starts_with("injected fault: oversize from 9 bytes: "),
            "{why}"
        );
    }

    #[test]
    fn a_cut_is_to_blame_until_the_connection_is_up_again_and_counts_as_no_try() {
        let mut link = Link::new("c".into(), None, 0);
        let mut worn = open(0, None);
        worn.envelope.attempt = 100;
        link.waiting.push_back(worn);
        let fault = "reconnect-storm";
        let how = Cut::Lost;
        assert!(link.injure(LinkAction::Cut { how, fault }));
        let why = link.why_cut();
        assert_eq!(
            &*why,
            "injected fault: reconnect-storm: the connection was lost"
        );
        let inbox = Inbox::default();
        link.down(&why, false, &inbox);
        assert!(inbox.is_empty() && link.queue.len() == 1);
        assert!(link.injure(LinkAction::Restore { rush: true }));
        assert_eq!(link.blame(), "injected fault: reconnect-storm: ");
        assert!(link.is_in_a_rush() && !link.is_in_a_rush(), "once");
        link.up(&inbox);
        assert_eq!((link.blame().as_str(), link.cut()), ("", None));
    }
}
