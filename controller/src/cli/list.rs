//! `user session list` as meant.

use kickout_shared::request::{Request, SessionList, Who};

use super::args::{self, BARE};
use super::destroy::selector;
use super::flags::flag;
use super::parse::{Answer, Task};
use super::usage::UsageError;
use super::{Meaning, token};
use crate::render::{Format, InvalidFormat};

/// How a listing is to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// `--format`
    pub format: Format,
    /// `--fields`, as typed
    pub fields: Option<String>,
    /// `--field`
    pub field: Option<String>,
    /// Whether rows of more than one user may come.
    pub several_users: bool,
}

pub(super) fn read(
    typed: args::SessionList,
    meaning: Meaning,
    warnings: &mut Vec<String>,
) -> Result<Task, UsageError> {
    let all_users = flag("all-users", typed.all_users.as_deref())?;
    let mut shape = shape(typed.shape, warnings)?;
    let who = match selector(all_users, typed.select, &typed.users, meaning)? {
        Some(selector) => Who::Selected(selector),
        None if typed.users.is_empty() => {
            return Err(UsageError::Incomplete {
                what: "Which user's sessions? Name one, or add --all-users.".to_owned(),
                command: ["user", "session", "list"].map(str::to_owned).to_vec(),
            });
        }
        None => Who::Named(
            typed
                .users
                .iter()
                .map(|user| token::user(user, meaning))
                .collect(),
        ),
    };
    shape.several_users = match &who {
        Who::Named(users) => users.len() > 1,
        Who::Selected(_) => true,
    };
    Ok(Task::Ask(
        Request::SessionList(SessionList { who }),
        Answer::Sessions(shape),
    ))
}

/// Reads `--format`, `--fields` and `--field`. Without their values they warn and change nothing,
/// as in WP-CLI.
pub(super) fn shape(typed: args::Shape, warnings: &mut Vec<String>) -> Result<Shape, UsageError> {
    let mut given = |name: &str, typed: Option<String>| {
        typed.filter(|value| {
            let bare = value == BARE;
            if bare {
                warnings.push(format!("--{name} parameter needs a value"));
            }
            !bare
        })
    };
    let field = given("field", typed.field);
    let fields = given("fields", typed.fields);
    let format = given("format", typed.format);
    let json = flag("json", typed.json.as_deref())?;
    let format = match format {
        Some(name) => name.parse().map_err(|error| match error {
            InvalidFormat::Several(names) => UsageError::SeveralFormats(names),
            InvalidFormat::Unknown => UsageError::Value {
                name: "format".to_owned(),
                hint: "Render output in a particular format.".to_owned(),
            },
        })?,
        None if json => Format::Json,
        None => Format::default(),
    };
    Ok(Shape {
        format,
        fields,
        field,
        several_users: false,
    })
}
