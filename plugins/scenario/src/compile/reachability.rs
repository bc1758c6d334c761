//! Whether a device can come to each status: one that it cannot is a slip of the pen.

use crate::compile::context::CompileContext;

impl CompileContext<'_> {
    /// Says which statuses no way leads to from the first one.
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
                // Where that one leads, nobody knows.
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
