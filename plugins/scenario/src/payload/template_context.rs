//! Carries names and problems while a template is read.

use mockfleet_sdk::Problem;
use mockfleet_sdk::generate::PartPath;

/// Resolves names to the positions of their values.
pub(crate) trait NameResolver {
    /// The position of a name, or a sentence with the known names.
    fn position(&self, name: &str) -> Result<usize, String>;

    /// Explains which part of a value never exists, if that is known.
    fn missing_part(&self, position: usize, path: &PartPath) -> Option<String>;
}

/// The names that a template refers to, and its problems.
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
