//! WP-CLI's commands that show aliases, answered from the inventory.

use kickout::inventory::{Alias, Inventory, Members, Overrides, Place, Selection, Setting};
use serde_json::{Map, Value, json};

/// The commands that show aliases.
pub(crate) fn about_aliases(
    inventory: &Inventory,
    words: &[&str],
    expect: &Value,
) -> Result<(), String> {
    let stdout = expect["stdout"].as_str().unwrap_or_default();
    let named = |name: &str| {
        inventory
            .aliases()
            .iter()
            .find(|alias| format!("@{}", alias.name) == name)
    };
    let (found, observed) = match words {
        ["is-group", name] => {
            let is_group = named(name).is_some_and(Alias::is_group);
            (json!(u8::from(!is_group)), expect["exit"].clone())
        }
        ["get", name] => {
            let lines = stdout.lines().filter_map(|line| line.split_once(": "));
            let observed: Map<_, _> = lines.map(|(k, v)| (k.to_owned(), v.into())).collect();
            (
                named(name).map_or(Value::Null, |alias| shown(inventory, alias)),
                observed.into(),
            )
        }
        ["list", "--format=json"] => {
            let mut observed: Value = serde_json::from_str(stdout).map_err(|e| e.to_string())?;
            observed.as_object_mut().and_then(|all| all.remove("@all"));
            let all = inventory
                .aliases()
                .iter()
                .map(|a| (format!("@{}", a.name), shown(inventory, a)));
            (all.collect::<Map<_, _>>().into(), observed)
        }
        other => return Err(format!("{other:?}")),
    };
    (found == observed)
        .then_some(())
        .ok_or(format!("{found}; WP-CLI: {observed}"))
}

/// An alias as JSON, with the path it resolves to.
fn shown(inventory: &Inventory, alias: &Alias) -> Value {
    let place: &Place = match &alias.members {
        Members::Group(members) => {
            return members.iter().map(|member| member.text.clone()).collect();
        }
        Members::Site(place) => place,
    };
    let sites = inventory.resolve(Selection::At(&alias.name), &Overrides::default());
    let path = sites.ok().and_then(|sites| sites.into_iter().next()?.path);
    let text = |setting: &Option<Setting>| setting.as_ref().map(|setting| setting.text.clone());
    let keys = [
        ("user", text(&place.user)),
        ("url", text(&place.url)),
        ("path", path.map(|path| path.to_string())),
        ("ssh", text(&place.ssh)),
        ("http", text(&place.http)),
        ("proxyjump", text(&place.proxyjump)),
        ("key", text(&place.key)),
        ("ssh_config", text(&place.ssh_config)),
    ];
    let keys = keys
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.into())));
    keys.collect::<Map<_, _>>().into()
}
