//! `user list` as meant.

use kickout_shared::request::{Request, UserList};

use super::args;
use super::flags::values;
use super::list::shape;
use super::parse::{Answer, Task};
use super::usage::UsageError;

pub(super) fn read(typed: args::UserList, warnings: &mut Vec<String>) -> Result<Task, UsageError> {
    let roles = values("role", typed.role)?;
    let shape = shape(typed.shape, warnings)?;
    Ok(Task::Ask(
        Request::UserList(UserList { roles }),
        Answer::Users(shape),
    ))
}
