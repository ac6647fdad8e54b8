//! A session made to be asked for, with the cookies that only WordPress can sign.

use kickout_shared::canary::{CANARY_SECONDS, Canary, Cookie, Secret};
use kickout_shared::user::UserRef;
use kickout_shared::value::{Key, Value};

use super::{Php, named, wire, wpdb};
use crate::engine::EngineError;

/// The longest text that is passed on, in bytes: far more than a cookie has.
const LONGEST: usize = 4096;

impl Php {
    /// Makes one for this user, or for whoever may do least; `None` when there is nobody.
    pub async fn canary(&mut self, user: Option<&UserRef>) -> Result<Option<Canary>, EngineError> {
        let request = wire::map([
            ("ask", wire::text("canary")),
            ("user", user.map_or(Value::Null, named)),
            ("seconds", wire::int(CANARY_SECONDS)),
        ]);
        let made = self.rows.sql_mut().ask(request, true).await?;
        match made {
            Value::Null => Ok(None),
            made => read(&made).map(Some).ok_or_else(wpdb::forged),
        }
    }

    /// Removes the one that was made: nobody heard of it.
    pub async fn no_canary(&mut self) -> Result<(), EngineError> {
        let request = wire::map([("ask", wire::text("no_canary"))]);
        self.rows.sql_mut().ask(request, true).await.map(drop)
    }
}

fn read(made: &Value) -> Option<Canary> {
    let short = |value: &Value| {
        let text = String::from_utf8(wire::bytes(value)?.to_vec()).ok()?;
        (text.len() <= LONGEST).then_some(text)
    };
    let token = match wire::at(made, 1)? {
        Value::Int(number) => Key::Int(*number),
        text => Key::Text(short(text)?.as_str().into()),
    };
    let cookie = |cookie: &Value| {
        Some(Cookie {
            name: short(wire::at(cookie, 0)?)?,
            value: Secret(short(wire::at(cookie, 1)?)?),
        })
    };
    let cookies: Option<Vec<Cookie>> = wire::items(wire::at(made, 4)?).map(cookie).collect();
    Some(Canary {
        user: wire::number(wire::at(made, 0))?,
        token,
        expires: wire::at(made, 2)?.as_int()?,
        url: short(wire::at(made, 3)?)?,
        cookies: cookies.filter(|cookies| cookies.len() == 3)?,
    })
}
