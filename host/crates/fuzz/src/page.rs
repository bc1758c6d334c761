//! Shows any text as a part of a run.
//!
//! It is on the page, in JUnit XML and in plots.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use mockfleet_report::{PageData, junit, page, svg, terminal};
use mockfleet_sendlog::Timeline;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::dom::{Element, Shape, elements, shapes};
use crate::honest;

/// The elements of honest pages, and their script and style.
struct HonestPages {
    shapes: BTreeSet<Shape>,
    script: String,
    style: String,
}

/// Elements of JUnit XML.
const JUNIT_TAGS: [&str; 8] = [
    "testsuites",
    "testsuite",
    "properties",
    "property",
    "testcase",
    "failure",
    "skipped",
    "system-out",
];

/// Shows the bytes as each text of a run, and as the metadata of a run.
///
/// # Panics
/// A page has an element or an attribute that no honest page has, or another script. XML or a
/// plot has more than its text.
pub fn report(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    check_page(&honest::timeline(&text), Some(&honest::metadata(&text)));
    if let Ok(metadata) = serde_json::from_slice(bytes) {
        check_page(&honest::timeline("x"), Some(&metadata));
    }
    let xml = junit(&honest::summary(&text), &text);
    let tags = xml_tags(&xml);
    let foreign = tags.iter().find(|tag| !JUNIT_TAGS.contains(&tag.as_str()));
    assert_eq!(foreign, None, "{xml}");
    let plot = honest::plot(&text);
    let shown = terminal(&plot, true);
    let uncoloured = without_colours(&shown);
    let is_obeyed = |c: char| c.is_control() && !"\n\t".contains(c);
    assert!(!uncoloured.contains(is_obeyed), "{shown:?}");
    assert_eq!(
        xml_tags(&svg(&[plot])).len(),
        xml_tags(&svg(&[honest::plot("x")])).len()
    );
}

/// Compares the page of a run with honest ones.
///
/// # Panics
/// As [`report`].
pub(crate) fn check_page(timeline: &Timeline, metadata: Option<&Value>) {
    static HONEST: OnceLock<HonestPages> = OnceLock::new();
    let honest = HONEST.get_or_init(honest_pages);
    let html = html(timeline, metadata);
    let elements = elements(&html);
    let foreign = shapes(&elements);
    let foreign: Vec<_> = foreign.difference(&honest.shapes).collect();
    assert!(foreign.is_empty(), "no honest page has {foreign:?}: {html}");
    let text_of = |tag: &str| -> Vec<&str> {
        let found = elements.iter().filter(|element| element.tag == tag);
        found.map(|element| element.text.as_str()).collect()
    };
    let [data, script] = text_of("script")[..] else {
        panic!("a page has its data and its script: {html}");
    };
    let data: Result<Value, _> = serde_json::from_str(data);
    assert!(data.is_ok(), "{data:?}");
    assert_eq!(script, honest.script);
    assert_eq!(text_of("style"), [&honest.style]);
    let fleet = metadata.and_then(|metadata| metadata.get("fleet")?.as_str());
    if let Some(fleet) = fleet {
        assert_eq!(text_of("h1"), [as_parsed(fleet)]);
    }
}

fn html(timeline: &Timeline, metadata: Option<&Value>) -> String {
    let text = timeline.run.as_str();
    page(&PageData {
        timeline,
        note: metadata,
        location: text,
        made: text,
        spooled: Some(text),
    })
}

fn honest_pages() -> HonestPages {
    let states = honest::states();
    let states = states.iter().map(Some).chain([None]);
    let pages = states.flat_map(|state| {
        [honest::timeline("x"), Timeline::default()].map(|timeline| html(&timeline, state))
    });
    let pages: Vec<Vec<Element>> = pages.map(|html| elements(&html)).collect();
    let last = |tag: &str| {
        let mut found = pages[0].iter().filter(|element| element.tag == tag);
        let last = found.next_back().expect("each page has one");
        last.text.clone()
    };
    let found = HonestPages {
        script: last("script"),
        style: last("style"),
        shapes: pages.iter().flat_map(|page| shapes(page)).collect(),
    };
    let mut names = found.shapes.iter().flat_map(|(_, _, names)| names);
    let loads = |name: &&String| {
        name.starts_with("on") || ["src", "href", "style", "action"].contains(&name.as_str())
    };
    assert_eq!(names.find(loads), None, "a page loads and runs nothing");
    found
}

/// Returns a text as it is after parsing (HTML Living Standard, 13.2.3.5 and 13.2.5.1): line ends
/// are line feeds, and there is no NUL.
fn as_parsed(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\0', "")
}

/// Returns the tags of an XML text.
///
/// # Panics
/// The text is no XML.
fn xml_tags(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut tags = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                let broken = tag.attributes().find(Result::is_err);
                assert!(broken.is_none(), "{broken:?}: {xml}");
                tags.push(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
            }
            Ok(Event::Eof) => return tags,
            Ok(Event::Comment(_) | Event::CData(_) | Event::PI(_) | Event::DocType(_)) => {
                panic!("an XML text has elements and texts only: {xml}")
            }
            Ok(_) => {}
            Err(error) => panic!("{error}: {xml}"),
        }
    }
}

/// Removes the colours of a terminal (ECMA-48, 8.3.117).
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain.push_str(rest.strip_prefix('m').unwrap_or("\u{1b}"));
    }
    plain
}
