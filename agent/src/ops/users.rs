//! `user list`

use kickout_shared::event::{Event, Verdict};
use kickout_shared::request::UserList;

use crate::engine::Engine;
use crate::ops::{Desk, PAGE, Stop, Tally};

/// Lists the users of the addressed blog, ordered by login, as WP-CLI does.
pub(super) async fn list<E: Engine>(
    desk: &mut Desk<'_, E>,
    list: UserList,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    let mut last = None;
    loop {
        desk.out.cancelled()?;
        let page = desk.engine.next_users(last.as_ref(), PAGE).await?;
        let Some(end) = page.last().cloned() else {
            return Ok(Verdict::Answered);
        };
        last = Some(end);
        for user in page {
            let holds = |role: &String| user.roles.iter().any(|held| held.0 == role.as_bytes());
            if list.roles.is_empty() || list.roles.iter().any(holds) {
                tally.users += 1;
                desk.out.event(Event::User(user)).await?;
            }
        }
    }
}
