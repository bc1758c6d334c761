//! Parses a page as a browser does, and lists its elements.

use std::collections::BTreeSet;

use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{NodeData, RcDom};

/// An element of a page.
pub(crate) struct Element {
    pub(crate) parent: String,
    pub(crate) tag: String,
    /// Names and values, sorted by name.
    pub(crate) attributes: Vec<(String, String)>,
    /// The texts directly below the element.
    pub(crate) text: String,
}

/// The tags of an element's parent and of the element, and the names of its attributes.
pub(crate) type Shape = (String, String, Vec<String>);

impl Element {
    fn shape(&self) -> Shape {
        let names = self.attributes.iter().map(|(name, _)| name.clone());
        (self.parent.clone(), self.tag.clone(), names.collect())
    }
}

/// Returns the elements of a page in their order.
///
/// # Panics
/// The page has a comment, which no page of mockfleet has.
pub(crate) fn elements(html: &str) -> Vec<Element> {
    let page = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default());
    let page = page.one(html);
    let mut found = Vec::new();
    // The end of a document empties all its nodes: it is kept until all are read.
    let mut open = vec![(String::new(), page.document.clone())];
    while let Some((parent, node)) = open.pop() {
        let children = node.children.borrow();
        let tag = match &node.data {
            NodeData::Element { name, attrs, .. } => {
                let attributes = attrs.borrow();
                let attributes = attributes.iter();
                let mut attributes: Vec<_> = attributes
                    .map(|one| (one.name.local.to_string(), one.value.to_string()))
                    .collect();
                attributes.sort();
                let texts = children.iter().filter_map(|child| match &child.data {
                    NodeData::Text { contents } => Some(contents.borrow().to_string()),
                    _ => None,
                });
                found.push(Element {
                    parent,
                    tag: name.local.to_string(),
                    attributes,
                    text: texts.collect(),
                });
                name.local.to_string()
            }
            NodeData::Comment { contents } => panic!("a comment is in the page: {contents}"),
            _ => String::new(),
        };
        let below = children.iter().rev();
        open.extend(below.map(|child| (tag.clone(), child.clone())));
    }
    found
}

/// Returns the shapes of elements.
pub(crate) fn shapes(elements: &[Element]) -> BTreeSet<Shape> {
    elements.iter().map(Element::shape).collect()
}
