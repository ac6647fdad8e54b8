//! WordPress's users and user meta, asked through one little SQL whatever the server.

use kickout_shared::bytes::Bytes;
use kickout_shared::user::{User, UserKey};

use super::splice;
use super::sql::{Arg, Columns, Sql, marks, quoted};
use super::stored::{Tables, highest, roles_in};
use crate::engine::{Engine, EngineError, Entry, Row, RowHead, Survivor, Written};

/// The user-meta key of the default session manager.
const KEY: &str = "session_tokens";

/// Rows named in one statement.
const BATCH_ROWS: usize = 1_000;

/// An engine over one connection.
pub struct Native<S> {
    pub(super) sql: S,
    pub(super) tables: Tables,
    /// `wp_user_roles` of the addressed blog: the names that are roles; `None` when unknown.
    pub(super) roles: Option<Vec<Vec<u8>>>,
}

impl<S: Sql> Native<S> {
    /// Over a connection whose tables are known to be there.
    pub fn new(sql: S, tables: Tables) -> Self {
        Self {
            sql,
            tables,
            roles: None,
        }
    }

    /// Gives the connection back.
    pub fn into_sql(self) -> S {
        self.sql
    }

    /// The connection.
    pub fn sql(&self) -> &S {
        &self.sql
    }

    /// The connection, for what is no question about rows.
    pub fn sql_mut(&mut self) -> &mut S {
        &mut self.sql
    }

    fn user_columns(&self) -> String {
        let meta = quoted(&self.tables.usermeta);
        format!(
            "u.ID, u.user_login, u.display_name, u.user_email, CAST(u.user_registered AS CHAR), \
             (SELECT m.meta_value FROM {meta} m WHERE m.user_id = u.ID AND m.meta_key = ? ORDER BY \
             m.umeta_id LIMIT 1)"
        )
    }

    fn capabilities_key(&self) -> Arg {
        Arg::Text(format!("{}capabilities", self.tables.blog_prefix))
    }

    async fn fetch_users(&mut self, sql: &str, args: &[Arg]) -> Result<Vec<User>, EngineError> {
        let roles = self.roles.clone();
        let read = |columns: &dyn Columns| {
            let text = |index| Bytes(columns.bytes(index).unwrap_or_default());
            User {
                id: columns.int(0).unwrap_or(0),
                login: text(1),
                display_name: text(2),
                email: text(3),
                registered: text(4),
                roles: roles_in(&text(5).0, roles.as_deref()),
            }
        };
        self.sql.fetch(sql, args, read).await
    }

    async fn heads(&mut self, condition: &str, args: &[Arg]) -> Result<Vec<RowHead>, EngineError> {
        let meta = quoted(&self.tables.usermeta);
        let sql = format!(
            "SELECT umeta_id, user_id, OCTET_LENGTH(meta_value) FROM {meta} WHERE {condition}"
        );
        let read = |columns: &dyn Columns| RowHead {
            id: columns.int(0).unwrap_or(0),
            user: columns.int(1).unwrap_or(0),
            size: columns.int(2).unwrap_or(0),
        };
        self.sql.fetch(&sql, args, read).await
    }

    async fn load_batch(&mut self, heads: &[RowHead]) -> Result<Vec<Row>, EngineError> {
        let meta = quoted(&self.tables.usermeta);
        let largest = self.sql.largest_value();
        let sql = format!(
            "SELECT umeta_id, user_id, OCTET_LENGTH(meta_value), meta_key, CASE WHEN \
             OCTET_LENGTH(meta_value) <= ? THEN {} END, meta_value IS NULL FROM {meta} WHERE \
             umeta_id IN ({}) AND meta_key = ? ORDER BY umeta_id",
            self.sql.dialect().value(),
            marks(heads.len())
        );
        let mut args = vec![Arg::Int(largest)];
        args.extend(heads.iter().map(|head| Arg::Int(head.id)));
        args.push(Arg::Text(KEY.to_owned()));
        let read = |columns: &dyn Columns| {
            let null = columns.int(5) == Some(1);
            Row {
                id: columns.int(0).unwrap_or(0),
                user: columns.int(1).unwrap_or(0),
                size: columns.int(2).unwrap_or(0),
                exact: columns.bytes(3).as_deref() == Some(KEY.as_bytes()),
                // Core reads NULL as the empty string.
                value: if null {
                    Some(Vec::new())
                } else {
                    columns.bytes(4)
                },
            }
        };
        self.sql.fetch(&sql, &args, read).await
    }

    async fn remove_batch(&mut self, rows: &[Row]) -> Result<u64, EngineError> {
        let meta = quoted(&self.tables.usermeta);
        // The hash stands for the bytes. That any row of the batch matches any hash of the batch
        // is no loophole: equal bytes are equal sessions.
        let sql = format!(
            "DELETE FROM {meta} WHERE umeta_id IN ({0}) AND meta_key = ? AND {1} IN ({0})",
            marks(rows.len()),
            self.sql.dialect().fingerprint_column(),
        );
        let mut args: Vec<Arg> = rows.iter().map(|row| Arg::Int(row.id)).collect();
        args.push(Arg::Text(KEY.to_owned()));
        let value = |row: &Row| row.value.clone().unwrap_or_default();
        args.extend(
            rows.iter()
                .map(|row| self.sql.dialect().fingerprint(&value(row))),
        );
        self.sql.execute(&sql, &args).await
    }

    /// A value too large to be read is removed by its size: nobody edits it meanwhile without
    /// changing that.
    async fn remove_unread(&mut self, row: &Row) -> Result<u64, EngineError> {
        let meta = quoted(&self.tables.usermeta);
        let sql = format!(
            "DELETE FROM {meta} WHERE umeta_id = ? AND meta_key = ? AND OCTET_LENGTH(meta_value) \
             = ?"
        );
        let args = [
            Arg::Int(row.id),
            Arg::Text(KEY.to_owned()),
            Arg::Int(row.size),
        ];
        self.sql.execute(&sql, &args).await
    }
}

impl<S: Sql> Engine for Native<S> {
    fn describe(&self) -> String {
        format!("native: {}", self.sql.describe())
    }

    fn caveat(&self) -> Option<String> {
        self.sql.caveat()
    }

    async fn writable(&mut self) -> Result<(), EngineError> {
        self.sql.barred().map_or(Ok(()), Err)
    }

    async fn survivors(
        &mut self,
        of: Option<&[u64]>,
        limit: usize,
    ) -> Result<Vec<Survivor>, EngineError> {
        super::survivors::find(&mut self.sql, &self.tables, of, limit).await
    }

    async fn user(&mut self, by: UserKey, text: &str) -> Result<Option<User>, EngineError> {
        let (column, arg) = match by {
            UserKey::Id => match text.parse() {
                Ok(id) => ("ID", Arg::Int(id)),
                Err(_) => return Ok(None),
            },
            UserKey::Login | UserKey::Any => ("user_login", Arg::Text(text.to_owned())),
            UserKey::Email => ("user_email", Arg::Text(text.to_owned())),
        };
        let columns = self.user_columns();
        let users = quoted(&self.tables.users);
        let sql = format!("SELECT {columns} FROM {users} u WHERE u.{column} = ? LIMIT 1");
        let args = [self.capabilities_key(), arg];
        Ok(self.fetch_users(&sql, &args).await?.pop())
    }

    async fn users(&mut self, ids: &[u64]) -> Result<Vec<User>, EngineError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH_ROWS) {
            let columns = self.user_columns();
            let users = quoted(&self.tables.users);
            let marks = marks(ids.len());
            let sql = format!("SELECT {columns} FROM {users} u WHERE u.ID IN ({marks})");
            let mut args = vec![self.capabilities_key()];
            args.extend(ids.iter().map(|id| Arg::Int(*id)));
            found.extend(self.fetch_users(&sql, &args).await?);
        }
        Ok(found)
    }

    async fn logins(&mut self, ids: &[u64]) -> Result<Vec<(u64, Bytes)>, EngineError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH_ROWS) {
            let users = quoted(&self.tables.users);
            let sql = format!(
                "SELECT ID, user_login FROM {users} WHERE ID IN ({})",
                marks(ids.len())
            );
            let args: Vec<Arg> = ids.iter().map(|id| Arg::Int(*id)).collect();
            let read = |columns: &dyn Columns| {
                (
                    columns.int(0).unwrap_or(0),
                    Bytes(columns.bytes(1).unwrap_or_default()),
                )
            };
            found.extend(self.sql.fetch(&sql, &args, read).await?);
        }
        Ok(found)
    }

    async fn next_users(
        &mut self,
        last: Option<&User>,
        limit: usize,
    ) -> Result<Vec<User>, EngineError> {
        let columns = self.user_columns();
        let users = quoted(&self.tables.users);
        let meta = quoted(&self.tables.usermeta);
        let mut args = vec![self.capabilities_key()];
        let mut conditions = Vec::new();
        if self.tables.multisite {
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM {meta} c WHERE c.user_id = u.ID AND c.meta_key = ?)"
            ));
            args.push(self.capabilities_key());
        }
        if let Some(last) = last {
            conditions.push("(u.user_login > ? OR (u.user_login = ? AND u.ID > ?))".to_owned());
            let login = match std::str::from_utf8(&last.login.0) {
                Ok(text) => Arg::Text(text.to_owned()),
                Err(_) => Arg::Bytes(last.login.0.clone()),
            };
            args.extend([login.clone(), login, Arg::Int(last.id)]);
        }
        let condition = match conditions.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", conditions.join(" AND ")),
        };
        let sql = format!(
            "SELECT {columns} FROM {users} u {condition} ORDER BY u.user_login, u.ID LIMIT {limit}"
        );
        self.fetch_users(&sql, &args).await
    }

    async fn rows(&mut self, user: u64) -> Result<Vec<Row>, EngineError> {
        let key = self.sql.dialect().off_index("meta_key");
        let condition = format!("user_id = ? AND {key} = ? ORDER BY umeta_id");
        let heads = self
            .heads(&condition, &[Arg::Int(user), Arg::Text(KEY.to_owned())])
            .await?;
        self.load(&heads).await
    }

    async fn next_rows(&mut self, last: u64, limit: usize) -> Result<Vec<RowHead>, EngineError> {
        // No index is forced: with few session rows the key's is best, with many the primary one.
        let condition = format!("umeta_id > ? AND meta_key = ? ORDER BY umeta_id LIMIT {limit}");
        self.heads(&condition, &[Arg::Int(last), Arg::Text(KEY.to_owned())])
            .await
    }

    async fn previous_rows(
        &mut self,
        first: u64,
        limit: usize,
    ) -> Result<Vec<RowHead>, EngineError> {
        let condition =
            format!("umeta_id < ? AND meta_key = ? ORDER BY umeta_id DESC LIMIT {limit}");
        self.heads(&condition, &[Arg::Int(first), Arg::Text(KEY.to_owned())])
            .await
    }

    async fn last_row(&mut self) -> Result<u64, EngineError> {
        highest(&mut self.sql, "umeta_id", &self.tables.usermeta).await
    }

    async fn effective_rows(&mut self, users: &[u64]) -> Result<Vec<(u64, u64)>, EngineError> {
        let mut found = Vec::with_capacity(users.len());
        for users in users.chunks(BATCH_ROWS) {
            let sql = format!(
                "SELECT user_id, umeta_id, meta_key FROM {} WHERE {} = ? AND user_id IN ({}) ORDER \
                 BY umeta_id DESC",
                quoted(&self.tables.usermeta),
                self.sql.dialect().off_index("meta_key"),
                marks(users.len())
            );
            let mut args = vec![Arg::Text(KEY.to_owned())];
            args.extend(users.iter().map(|user| Arg::Int(*user)));
            let read = |columns: &dyn Columns| {
                let exact = columns.bytes(2).as_deref() == Some(KEY.as_bytes());
                exact.then(|| (columns.int(0).unwrap_or(0), columns.int(1).unwrap_or(0)))
            };
            // Descending, so that the lowest row of a user is the one that stays in the map.
            let rows = self.sql.fetch(&sql, &args, read).await?;
            let lowest: std::collections::HashMap<u64, u64> = rows.into_iter().flatten().collect();
            found.extend(lowest);
        }
        Ok(found)
    }

    async fn load(&mut self, heads: &[RowHead]) -> Result<Vec<Row>, EngineError> {
        let mut rows = Vec::with_capacity(heads.len());
        for batch in heads.chunks(BATCH_ROWS) {
            rows.extend(self.load_batch(batch).await?);
        }
        Ok(rows)
    }

    async fn rewrite(
        &mut self,
        row: &Row,
        now: i64,
        drop: &dyn Fn(&Entry) -> bool,
    ) -> Result<Written, EngineError> {
        let user = row.user;
        let uneditable = |why: String| EngineError::Uneditable { user, why };
        let old = row.value.as_deref().ok_or_else(|| {
            uneditable(format!(
                "its {} bytes are more than one answer may carry",
                row.size
            ))
        })?;
        let new = match splice::remove(old, now, drop).map_err(|e| uneditable(e.to_string()))? {
            splice::Edit::Rewrite(new) => new,
            splice::Edit::Empty => return Ok(Written::Empty),
            splice::Edit::Unchanged => return Ok(Written::Done),
        };
        let sql = format!(
            "UPDATE {} SET meta_value = {} WHERE umeta_id = ? AND meta_key = ? AND {} = ?",
            quoted(&self.tables.usermeta),
            self.sql.dialect().new_value(),
            self.sql.dialect().fingerprint_column(),
        );
        let args = [
            Arg::Bytes(new),
            Arg::Int(row.id),
            Arg::Text(KEY.to_owned()),
            self.sql.dialect().fingerprint(old),
        ];
        match self.sql.execute(&sql, &args).await? {
            0 => Ok(Written::Changed),
            _ => Ok(Written::Done),
        }
    }

    async fn remove(&mut self, rows: &[Row]) -> Result<u64, EngineError> {
        let mut removed = 0;
        let (read, unread): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|r| r.value.is_some());
        for batch in read.chunks(BATCH_ROWS) {
            let batch: Vec<Row> = batch.iter().map(|row| (*row).clone()).collect();
            removed += self.remove_batch(&batch).await?;
        }
        for row in unread {
            removed += self.remove_unread(row).await?;
        }
        Ok(removed)
    }
}
