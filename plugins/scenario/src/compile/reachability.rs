//! Checks that a device can reach each status.

use crate::compile::context::CompileContext;

impl CompileContext<'_> {
    /// Reports the statuses that no transition leads to from the first one.
    pub(crate) fn check_reach(&mut self, names: &[String], start: Option<usize>) {
        let Some(start) = start.and_then(|start| names.get(start)) else {
            return;
        };
        let mut reached: Vec<&str> = vec![start];
        let mut next = 0;
        while let Some(status) = reached.get(next).copied() {
            next += 1;
            let own = self.config.statuses.get(status);
            let own = own.map_or(&[][..], |status| status.transitions.as_slice());
            for transition in own.iter().chain(&self.config.transitions) {
                // The target of a broken transition is unknown.
                let Ok(transition) = &transition.0 else {
                    return;
                };
                if !reached.contains(&transition.to.as_str()) {
                    reached.push(&transition.to);
                }
            }
        }
        for name in names
            .iter()
            .filter(|name| !reached.contains(&name.as_str()))
        {
            self.report(
                &format!("statuses.{name}"),
                format!(
                    "no way leads here from {start:?}; give another status a transition to {name:?}, or take it out"
                ),
            );
        }
    }
}
