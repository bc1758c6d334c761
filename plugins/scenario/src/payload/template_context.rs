//! Carries the names and the problems of a template while it is read.

use mockfleet_sdk::Problem;

/// Which names there are, and where the value of each is.
pub(crate) trait NameResolver {
    /// The position of a name, or which names there are instead.
    fn position(&self, name: &str) -> Result<usize, String>;
}

/// A template that is being read: what it refers to, and what is wrong with it.
pub(crate) struct TemplateContext<'a> {
    pub(crate) names: &'a dyn NameResolver,
    pub(crate) reads: &'a mut Vec<usize>,
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl TemplateContext<'_> {
    pub(crate) fn report(&mut self, path: &str, text: impl std::fmt::Display) {
        self.problems.push(Problem::new(path, text));
    }
}
