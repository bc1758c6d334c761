//! Plans the generators of fields, and orders dependent fields.

use std::collections::BTreeMap;

use mockfleet_sdk::Problem;
use mockfleet_sdk::generate::{KnownParts, PartRead, Plan, Scope};

use crate::compile::names::Names;
use crate::config::{Config, FieldSetting};
use crate::problems::{extend_within, suggestion};

/// One generator: a field's own, or the one that replaces it in a status.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The name of the field.
    pub(crate) name: String,
    /// The name of its random stream, which no other slot has.
    pub(crate) stream: String,
    /// The position of the field's value.
    pub(crate) position: usize,
    pub(crate) plan: Plan,
}

/// All generators of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) slots: Vec<Slot>,
    /// The slots that replace a field's own, by status and position.
    replaced: BTreeMap<String, BTreeMap<usize, usize>>,
    /// The field's own slot by position; `None` where its specification is wrong.
    own: Vec<Option<usize>>,
}

impl Fields {
    pub(crate) fn read(config: &Config, names: &mut Names, problems: &mut Vec<Problem>) -> Self {
        let mut paths = Vec::new();
        let mut fields = Self::default();
        for (position, (name, spec)) in config.fields.iter().enumerate() {
            let path = format!("fields.{name}");
            let scope = names.scope();
            let slot = fields.slot(spec, name, name.clone(), position, scope, &path, problems);
            paths.extend(slot.map(|_| path));
            fields.own.push(slot);
        }
        for (status, settings) in &config.statuses {
            for (name, spec) in &settings.fields {
                let path = format!("statuses.{status}.fields.{name}");
                let Some(position) = config.fields.keys().position(|known| known == name) else {
                    let hint = suggestion(name, config.fields.keys().map(String::as_str));
                    problems.push(Problem::new(
                        path,
                        format_args!("there is no field {name:?} to replace{hint}"),
                    ));
                    continue;
                };
                let stream = format!("{name}@{status}");
                let scope = names.scope();
                let slot = fields.slot(spec, name, stream, position, scope, &path, problems);
                paths.extend(slot.map(|_| path));
                if let Some(slot) = slot {
                    let replaced = fields.replaced.entry(status.clone()).or_default();
                    replaced.insert(position, slot);
                }
            }
        }
        fields.check_parts(&paths, names, problems);
        let statuses = config.statuses.keys().map(String::as_str);
        for status in std::iter::once("").chain(statuses) {
            fields.find_cycles(status, problems);
        }
        fields
    }

    /// Notes the parts of all fields, and reports those that a slot reads and that never
    /// exist. `paths` has the path of each slot's settings.
    fn check_parts(&self, paths: &[String], names: &mut Names, problems: &mut Vec<Problem>) {
        for position in 0..self.own.len() {
            let slots = self.slots.iter().filter(|slot| slot.position == position);
            let mut shapes: Vec<KnownParts> = slots.map(|slot| slot.plan.known_parts()).collect();
            if self.own.get(position).copied().flatten().is_none() {
                shapes.push(KnownParts::Unknown);
            }
            let shape = match shapes.as_slice() {
                [shape] => shape.clone(),
                _ => KnownParts::OneOf(shapes.into()),
            };
            names.set_known_parts(position, shape);
        }
        for (slot, path) in self.slots.iter().zip(paths) {
            let within = |read: &PartRead| format!("{path}.{}", read.path);
            names.check_parts(slot.plan.part_reads(), within, problems);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call a generator")]
    fn slot(
        &mut self,
        spec: &FieldSetting,
        name: &str,
        stream: String,
        position: usize,
        scope: &Scope,
        path: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<usize> {
        match spec.0.clone().and_then(|spec| spec.plan(scope)) {
            Ok(plan) => {
                self.slots.push(Slot {
                    name: name.to_owned(),
                    stream,
                    position,
                    plan,
                });
                Some(self.slots.len() - 1)
            }
            Err(found) => {
                extend_within(path, found.into_iter().collect(), problems);
                None
            }
        }
    }

    /// The slot that makes a field in a status.
    fn slot_of(&self, status: &str, position: usize) -> Option<usize> {
        let replaced = self.replaced.get(status);
        let replaced = replaced.and_then(|replaced| replaced.get(&position).copied());
        replaced.or_else(|| self.own.get(position).copied().flatten())
    }

    /// The slots that make these positions in a status, and the slots that they refer to,
    /// each after its references. Positions that are no fields have no slot.
    pub(crate) fn order(&self, status: &str, positions: &[usize]) -> Vec<u16> {
        let mut order = Vec::new();
        let mut way = Vec::new();
        for position in positions {
            self.visit(status, *position, &mut order, &mut way, &mut |_| {});
        }
        order
    }

    fn visit(
        &self,
        status: &str,
        position: usize,
        order: &mut Vec<u16>,
        way: &mut Vec<usize>,
        cycle: &mut dyn FnMut(&[usize]),
    ) {
        let Some(slot) = self.slot_of(status, position) else {
            return;
        };
        let number = u16::try_from(slot).unwrap_or(u16::MAX);
        if order.contains(&number) {
            return;
        }
        if let Some(start) = way.iter().position(|known| *known == position) {
            cycle(way.get(start..).unwrap_or_default());
            return;
        }
        way.push(position);
        let reads = self
            .slots
            .get(slot)
            .map_or(&[][..], |slot| slot.plan.reads());
        // A field's own name is its value from before.
        for read in reads.iter().filter(|read| **read != position) {
            self.visit(status, *read, order, way, cycle);
        }
        way.pop();
        order.push(number);
    }

    /// Reports fields that refer to one another in a cycle and can never be made.
    fn find_cycles(&self, status: &str, problems: &mut Vec<Problem>) {
        if !status.is_empty() && !self.replaced.contains_key(status) {
            return;
        }
        let mut cycles: Vec<Vec<usize>> = Vec::new();
        let mut order = Vec::new();
        for position in 0..self.own.len() {
            self.visit(
                status,
                position,
                &mut order,
                &mut Vec::new(),
                &mut |cycle| {
                    let mut members = cycle.to_vec();
                    members.sort_unstable();
                    let known = cycles.iter().any(|known| {
                        let mut known = known.clone();
                        known.sort_unstable();
                        known == members
                    });
                    if !known {
                        cycles.push(cycle.to_vec());
                    }
                },
            );
        }
        for cycle in cycles {
            let Some(first) = cycle.first() else { continue };
            let round = cycle.iter().chain([first]);
            let names: Vec<&str> = round
                .filter_map(|position| self.slot_of(status, *position))
                .filter_map(|slot| self.slots.get(slot))
                .map(|slot| slot.name.as_str())
                .collect();
            let name = names.first().copied().unwrap_or_default();
            let replaced = self.replaced.get(status);
            let path = match replaced.filter(|replaced| replaced.contains_key(first)) {
                Some(_) => format!("statuses.{status}.fields.{name}"),
                None => format!("fields.{name}"),
            };
            let text = format!(
                "it needs itself to be made: {}; a field may use its own name alone, for the value it had before",
                names.join(" needs ")
            );
            let problem = Problem::new(path, text);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
}
