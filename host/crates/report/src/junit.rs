//! Writes JUnit XML for GitLab, GitHub and Jenkins.
//!
//! Each scope of checks is a `testsuite`, and each check a `testcase`. One more suite has the
//! verdicts of the run. The file has a failure if, and only if, the exit code is 1.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::escape::escaped;
use mockfleet_metrics::{CheckResult, Summary, Verdict};

/// The end of a test case.
enum End<'a> {
    Held,
    Failed(&'a str),
    Skipped(String),
}

struct Case<'a> {
    name: String,
    words: &'a str,
    end: End<'a>,
}

/// Renders the verdicts of a run. `at` is the start of the run, in ISO 8601.
#[must_use]
pub fn junit(summary: &Summary, at: &str) -> String {
    let own = summary.own_verdicts();
    let mut suites: Vec<(String, Vec<Case<'_>>)> =
        vec![("run".into(), own.iter().map(of_run).collect())];
    let mut scopes: BTreeMap<String, usize> = BTreeMap::new();
    for check in &summary.checks {
        let scope = check.scope();
        let place = *scopes.entry(scope.clone()).or_insert_with(|| {
            suites.push((scope, Vec::new()));
            suites.len() - 1
        });
        if let Some((_, cases)) = suites.get_mut(place) {
            cases.push(of_check(check));
        }
    }
    let seconds = summary.took.as_secs_f64();
    let all = suites.iter().flat_map(|(_, cases)| cases);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"mockfleet {}\" {} time=\"{seconds:.3}\">\n",
        escaped(&summary.fleet),
        counts(all),
    );
    for (suite, cases) in &suites {
        write_suite(&mut xml, summary, suite, cases, at);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn write_suite(xml: &mut String, summary: &Summary, suite: &str, cases: &[Case<'_>], at: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" {} timestamp=\"{}\" time=\"{:.3}\">",
        escaped(suite),
        counts(cases.iter()),
        escaped(at),
        summary.took.as_secs_f64(),
    );
    let _ = writeln!(
        xml,
        "    <properties>\n      <property name=\"run\" value=\"{}\"/>\n    </properties>",
        escaped(&summary.run)
    );
    for case in cases {
        let head = format!(
            "    <testcase classname=\"{}.{}\" name=\"{}\" time=\"0.000\">",
            escaped(&summary.fleet),
            escaped(suite),
            escaped(&case.name)
        );
        let _ = writeln!(xml, "{head}");
        match &case.end {
            End::Held => {}
            End::Failed(why) => {
                let why = escaped(why);
                let _ = writeln!(
                    xml,
                    "      <failure type=\"failed\" message=\"{why}\">{}: {why}</failure>",
                    escaped(&case.name)
                );
            }
            End::Skipped(why) => {
                let _ = writeln!(xml, "      <skipped message=\"{}\"/>", escaped(why));
            }
        }
        let _ = writeln!(
            xml,
            "      <system-out>{}</system-out>\n    </testcase>",
            escaped(case.words)
        );
    }
    xml.push_str("  </testsuite>\n");
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case<'a>>) -> String {
    let (mut all, mut failed, mut skipped) = (0, 0, 0);
    for case in cases {
        all += 1;
        match case.end {
            End::Held => {}
            End::Failed(_) => failed += 1,
            End::Skipped(_) => skipped += 1,
        }
    }
    format!("tests=\"{all}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\"")
}

/// Returns a condition of the run as a case. A condition that fails no run is a skipped case.
fn of_run(verdict: &Verdict) -> Case<'_> {
    let end = match (verdict.failed, verdict.doubtful) {
        (true, _) => End::Failed(&verdict.answer),
        (false, true) => End::Skipped(format!(
            "{} (this alone does not fail the run; checks such as \"missed == 0\" or \"lag.p99 <= 50ms\" do)",
            verdict.answer
        )),
        (false, false) => End::Held,
    };
    Case {
        name: verdict.condition.to_owned(),
        words: &verdict.answer,
        end,
    }
}

fn of_check(check: &CheckResult) -> Case<'_> {
    Case {
        name: check.text.clone(),
        words: &check.shown,
        end: match check.held {
            true => End::Held,
            false => End::Failed(&check.shown),
        },
    }
}
