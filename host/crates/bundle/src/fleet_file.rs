//! Replaces paths of a fleet file with parts of its bundle.
//!
//! The rest of the text stays unchanged, comments too.

use toml_edit::{DocumentMut, Item, TableLike, Value};

/// The keys with paths, and their parts.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Number of the group, path of the key in it, and part.
    pub(super) groups: Vec<(usize, Vec<String>, String)>,
    /// Name of the target, and the part with its `tls.ca`.
    pub(super) targets: Vec<(String, String)>,
}

/// Returns the text with its paths replaced.
pub(super) fn linked(text: &str, links: &Links) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let lost = |key: &str| format!("{key} was not found again in the file");
    for (number, path, part) in &links.groups {
        let group = match document.get_mut("groups") {
            Some(Item::ArrayOfTables(groups)) => groups
                .get_mut(*number)
                .map(|group| group as &mut dyn TableLike),
            Some(Item::Value(Value::Array(groups))) => groups
                .get_mut(*number)
                .and_then(Value::as_inline_table_mut)
                .map(|group| group as &mut dyn TableLike),
            _ => None,
        };
        let item = match (group, path.split_first()) {
            (Some(group), Some((first, rest))) => rest
                .iter()
                .try_fold(group.get_mut(first), |item, key| Some(step(item?, key))),
            _ => None,
        };
        set(item.flatten(), part).ok_or_else(|| lost(&path.join(".")))?;
    }
    for (target, part) in &links.targets {
        let path = ["targets", target, "tls", "ca"];
        let item = path
            .iter()
            .try_fold(document.as_item_mut(), |item, key| step(item, key));
        set(item, part).ok_or_else(|| lost(&path.join(".")))?;
    }
    Ok(document.to_string())
}

fn step<'a>(item: &'a mut Item, key: &str) -> Option<&'a mut Item> {
    item.as_table_like_mut()?.get_mut(key)
}

/// Replaces a value with a text, and keeps the spaces and comments around it.
fn set(item: Option<&mut Item>, part: &str) -> Option<()> {
    let value = item?.as_value_mut()?;
    let decor = value.decor().clone();
    *value = part.into();
    *value.decor_mut() = decor;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_replaced_and_the_rest_stands() {
        let text = "# of ours\n[targets]\nb.url = \"mqtts://x\"\nb.tls = { ca = '/etc/ca.pem' } # trust\n\n[[groups]]\nname = \"a\"\nplugin   =  \"../a.wasm\"   # built there\ndata = { w = \"w.csv\" }\n[[groups]]\nplugin = \"builtin:meter\"\n[groups.data]\n\"odd name\" = \"x.csv\"\n";
        let key = |path: &[&str]| path.iter().map(|key| (*key).to_owned()).collect();
        let links = Links {
            groups: vec![
                (0, key(&["plugin"]), "plugins/a.wasm".into()),
                (0, key(&["data", "w"]), "data/w.csv".into()),
                (1, key(&["plugin"]), "plugins/meter.wasm".into()),
                (1, key(&["data", "odd name"]), "data/x.csv".into()),
            ],
            targets: vec![("b".into(), "tls/ca.pem".into())],
        };
        let wanted = text
            .replace("'/etc/ca.pem'", "\"tls/ca.pem\"")
            .replace("../a.wasm", "plugins/a.wasm")
            .replace("\"w.csv\"", "\"data/w.csv\"")
            .replace("builtin:meter", "plugins/meter.wasm")
            .replace("\"x.csv\"", "\"data/x.csv\"");
        assert_eq!(linked(text, &links).unwrap(), wanted);
        let inline = "groups = [{ name = \"a\", plugin = \"a.wasm\" }]\n";
        let links = Links {
            groups: vec![(0, key(&["plugin"]), "plugins/a.wasm".into())],
            ..Links::default()
        };
        assert_eq!(
            linked(inline, &links).unwrap(),
            "groups = [{ name = \"a\", plugin = \"plugins/a.wasm\" }]\n"
        );
    }
}
