//! Tests that damaged, altered and malicious bundles are refused.

use std::io::{Cursor, Write};
use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Bundle, Plugin, is_bundle, pack};
use mockfleet_config::{Fleet, PluginSource};
use mockfleet_files::sha256;

const FLEET: &str = r#"
[targets.b]
url = "mqtt://127.0.0.1"
[targets.b.channels]
t = { topic = "x" }
[[groups]]
name = "a"
plugin = "builtin:meter"
count = 1
every = "1s"
data = { w = "w.csv", same = "copy.csv", other = "sub/w.csv" }
"#;

fn packed() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("sub")).unwrap();
    std::fs::write(at("w.csv"), "t\n1\n").unwrap();
    std::fs::write(at("copy.csv"), "t\n1\n").unwrap();
    std::fs::write(at("sub/w.csv"), "t\n2\n").unwrap();
    let fleet = Fleet::parse(FLEET, "dir/ware house.toml", folder.path(), &[]).unwrap();
    let plugin = Plugin {
        from: "meter".into(),
        name: "meter 0.1.0".into(),
        inputs: Some("0f".repeat(32)),
        bytes: Bytes::from_static(b"component"),
    };
    pack(&fleet, FLEET, &[plugin], "mockfleet:device@0.1.0")
        .unwrap()
        .1
}

fn refused(bytes: &[u8]) -> String {
    Bundle::open("w.bundle", bytes).unwrap_err().to_string()
}

/// Creates an archive with these entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Creates a manifest with the fleet file and one further part.
fn manifest(path: &str, content: &[u8], size: usize) -> String {
    format!(
        r#"{{ "format": 1, "mockfleet": "0.1.0", "contract": "c", "fleet": "f.toml", "parts": [
            {{ "path": "f.toml", "kind": "fleet", "size": 1, "sha256": "{}" }},
            {{ "path": {path:?}, "kind": "data", "size": {size}, "sha256": "{}" }}
        ] }}"#,
        sha256::hex(b"#"),
        sha256::hex(content)
    )
}

#[test]
fn bundle_has_all_files_of_the_fleet_and_the_same_bytes() {
    let bytes = packed();
    assert_eq!(bytes, packed());
    assert!(is_bundle(&bytes) && !is_bundle(FLEET.as_bytes()));
    let bundle = Bundle::open("w.bundle", &bytes).unwrap();
    let paths: Vec<&str> = bundle
        .manifest()
        .parts
        .iter()
        .map(|part| part.path.as_str())
        .collect();
    let wanted = [
        "ware_house.toml",
        "data/copy.csv",
        "data/w-2.csv",
        "data/w.csv",
        "plugins/meter.wasm",
    ];
    assert_eq!(paths, wanted);
    let fleet = bundle.fleet(&[]).unwrap();
    assert_eq!(fleet.plan.name, "ware_house");
    assert_eq!(fleet.rerun_argument(), "w.bundle");
    let group = &fleet.plan.groups[0];
    let PluginSource::File(plugin) = &group.plugin else {
        panic!("the built-in plugin is a part")
    };
    assert_eq!(plugin.read(1 << 20).unwrap(), "component");
    assert_eq!(group.data["other"].read(1 << 20).unwrap(), "t\n2\n");
    assert_eq!(
        group.data["w"].read(1 << 20).unwrap(),
        group.data["same"].read(1 << 20).unwrap()
    );
}

#[test]
fn inputs_of_a_plugin_are_in_the_manifest() {
    let bundle = Bundle::open("w.bundle", &packed()).unwrap();
    let parts = &bundle.manifest().parts;
    let inputs: Vec<_> = parts
        .iter()
        .filter_map(|part| part.inputs.as_ref())
        .collect();
    assert_eq!(inputs, [&"0f".repeat(32)]);
    let altered = manifest("data/a", b"x", 1).replace(
        "\"kind\": \"data\"",
        "\"kind\": \"data\", \"inputs\": \"\\u001b[2J\"",
    );
    let parts: [(&str, &[u8]); 3] = [
        ("manifest.json", altered.as_bytes()),
        ("f.toml", b"#"),
        ("data/a", b"x"),
    ];
    assert!(refused(&archive(&parts)).contains("the inputs of part data/a are no SHA-256"));
}

#[test]
fn a_private_key_and_its_place_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["c.pem", "c.key"] {
        std::fs::write(folder.path().join(name), "x").unwrap();
    }
    let text = "[targets.b]\nurl = \"mqtts://h\"\ntls = { cert = \"c.pem\", key = \"c.key\" }\n[targets.b.channels]\nt = { topic = \"x\" }\n[[groups]]\nname = \"a\"\nplugin = \"builtin:meter\"\ncount = 1\nevery = \"1s\"\n";
    let fleet = Fleet::parse(text, "f.toml", folder.path(), &[]).unwrap();
    let said = pack(&fleet, text, &[], "c").unwrap_err().to_string();
    assert!(
        said.starts_with("f.toml:3: a private key is a secret"),
        "{said}"
    );
    assert!(said.contains("--set targets.b.tls.key=client.key"));
}

#[test]
fn a_cut_bundle_is_refused_wherever_it_was_cut() {
    let bytes = packed();
    for length in (4..bytes.len()).step_by(7) {
        assert!(
            refused(&bytes[..length]).contains("cut short or damaged"),
            "{length}"
        );
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let tricks = ["../up", "/etc/cron.d/x", "a/../../b", "a\\..\\b", ".bashrc"];
    for name in tricks {
        let list = manifest(name, b"x", 1);
        let bytes = archive(&[
            ("manifest.json", list.as_bytes()),
            ("f.toml", b"#"),
            (name, b"x"),
        ]);
        let said = refused(&bytes);
        assert!(
            said.contains("has a name that leads elsewhere"),
            "{name}: {said}"
        );
    }
}

#[test]
fn everything_that_was_altered_is_said_at_once() {
    let list = manifest("data/a.csv", b"what it was", 11);
    let bytes = archive(&[
        ("manifest.json", list.as_bytes()),
        ("f.toml", b"?"),
        ("data/a.csv", b"what it is!"),
        ("more", b""),
    ]);
    let said = refused(&bytes);
    assert_eq!(said.lines().count(), 3, "{said}");
    for part in [
        "part f.toml is not what",
        "part data/a.csv is not what",
        "\"more\" is in the archive and not",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let missing = archive(&[("manifest.json", list.as_bytes()), ("f.toml", b"#")]);
    assert!(refused(&missing).contains("data/a.csv is in the manifest and not in the archive"));
}

#[test]
fn a_part_is_never_larger_than_it_says() {
    let zeros = vec![0; 50 << 20];
    let bytes = {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let list = manifest("data/a", &zeros, 10);
        for (name, content) in [
            ("manifest.json", list.as_bytes()),
            ("f.toml", b"#"),
            ("data/a", &zeros),
        ] {
            let options =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
            zip.start_file(name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    assert!(bytes.len() < 1 << 20);
    assert!(refused(&bytes).contains("part data/a has more than 10 bytes"));
    let list = manifest("data/a", b"x", 1).replacen("\"size\": 1", "\"size\": 300000000", 1);
    let long = archive(&[("manifest.json", list.as_bytes()), ("f.toml", b"#")]);
    assert!(refused(&long).contains("its kind (fleet) has at most 67108864"));
    let list = manifest("data/a", b"x", usize::MAX >> 1);
    let huge = archive(&[("manifest.json", list.as_bytes())]);
    assert!(refused(&huge).contains("at most 2147483648 are read"));
}

#[test]
fn a_later_form_and_other_archives_are_told_apart() {
    let later = archive(&[("manifest.json", br#"{ "format": 7, "news": [] }"#)]);
    assert!(refused(&later).contains("a bundle of form 7, and this mockfleet"));
    assert!(refused(&archive(&[("x", b"")])).contains("so no bundle"));
    let odd = archive(&[("manifest.json", br#"{ "format": 1, "news": [] }"#)]);
    assert!(refused(&odd).contains("not what mockfleet writes"));
}

#[test]
fn a_bundle_reads_and_writes_nowhere_else() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.csv");
    std::fs::write(&secret, "s").unwrap();
    let fleet = FLEET.replace("\"w.csv\"", &format!("{:?}", secret.display().to_string()))
        + "[log]\nstore = \"../../elsewhere\"\n";
    let digest = sha256::hex(fleet.as_bytes());
    let list = format!(
        r#"{{ "format": 1, "mockfleet": "0.1.0", "contract": "c", "fleet": "f.toml", "parts": [
            {{ "path": "f.toml", "kind": "fleet", "size": {}, "sha256": "{digest}" }} ] }}"#,
        fleet.len()
    );
    let bytes = archive(&[
        ("manifest.json", list.as_bytes()),
        ("f.toml", fleet.as_bytes()),
    ]);
    let bundle = Bundle::open("w.bundle", &bytes).unwrap();
    let said = bundle.fleet(&[]).unwrap_err().problems.to_string();
    let of_file = format!("{} is no part of w.bundle", secret.display());
    assert!(said.contains(&of_file), "{said}");
    assert!(
        said.contains("leads out of the folder that the bundle is run in"),
        "{said}"
    );
    assert!(!Path::new("../../elsewhere").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn one_altered_byte_never_passes_as_the_bundle(at in 0.0..1.0f64, flip in 1u8..) {
        let whole = packed();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
        let at = (whole.len() as f64 * at) as usize;
        let mut bytes = whole.clone();
        bytes[at] ^= flip;
        // Some bytes of an archive have no effect (times, versions). Its parts are then
        // unchanged.
        if let Ok(bundle) = Bundle::open("w.bundle", &bytes) {
            let original = Bundle::open("w.bundle", &whole).unwrap();
            prop_assert_eq!(bundle.manifest().fleet.clone(), original.manifest().fleet.clone());
            prop_assert_eq!(bundle.fleet_text(), original.fleet_text());
            prop_assert_ne!(bundle.digest(), original.digest());
        }
    }
}
