//! What people type: the examples of a command's manual.

/// Those of a command, each below a line that says what it is for.
pub(super) fn examples(words: &str) -> &'static str {
    match words {
        "" => {
            "# Who is logged in as admin?
$ kickout user session list admin

# Log admin out everywhere.
$ kickout user session destroy admin --all
Success: Destroyed all sessions.

# Log everybody out.
$ kickout user session destroy --all-users

# What does Kickout see here?
$ kickout doctor
"
        }
        "user session destroy" => {
            "# Destroy the most recent session of the given user.
$ kickout user session destroy admin
Success: Destroyed session. 3 sessions remaining.

# Destroy a specific session of the given user.
$ kickout user session destroy admin e073ad8540a9c2...
Success: Destroyed session. 2 sessions remaining.

# Destroy all the sessions of the given user.
$ kickout user session destroy admin --all
Success: Destroyed all sessions.

# Destroy all sessions for all users.
$ kickout user list --field=ID | xargs kickout user session destroy --all
Success: Destroyed all sessions.
Success: Destroyed all sessions.

# The same for any number of users, in one go. Asks first.
$ kickout user session destroy --all-users
Success: Destroyed 312 sessions of 240 users.

# How many subscribers would be logged out?
$ kickout user session destroy --role=subscriber --dry-run
Success: Would destroy 280 sessions of 221 users.

# The token from a stolen cookie, without showing it to other users of this machine.
$ kickout user session destroy admin - < token.txt
Success: Destroyed session. 1 session remaining.
"
        }
        "user session list" => {
            "# List a user's sessions.
$ kickout user session list admin@example.com --format=csv
token,login_time,expiration_time,ip,ua
3f9a0125...,\"2026-01-01 12:34:56\",\"2026-01-15 12:34:56\",127.0.0.1,\"Mozilla/5.0 ...\"

# Who is logged in, with what, since when?
$ kickout user session list --all-users --fields=user_login,ip,browser,age

# How many sessions has the whole site?
$ kickout user session list --all-users --format=count
"
        }
        "user list" => {
            "# List the ids of all users.
$ kickout user list --field=ID

# List the administrators.
$ kickout user list --role=administrator --fields=user_login,user_email
"
        }
        "doctor" => {
            "# Says what stands where, and what is wrong with it.
$ kickout doctor --path=/var/www/html
"
        }
        "agent where" => {
            "# On which hosts of the group does an agent lie?
$ kickout @all agent where
"
        }
        "agent remove" => {
            "# Leave nothing behind.
$ kickout --ssh=deploy@web1.example.com agent remove
"
        }
        "bridge install" => {
            "# As root on the host of the site; the token is shown this once.
$ kickout --ssh=root@web1 bridge install --site=/var/www/shop --url=https://shop.example

# A token that may only log out users who are named.
$ kickout --ssh=root@web1 bridge install --site=/var/www/shop --url=https://shop.example \\
    --scope=sessions.destroy.user
"
        }
        "bridge status" => {
            "# On every host of the group.
$ kickout @shops bridge status
"
        }
        "bridge upgrade" => {
            "# After kickout itself was brought up to date.
$ kickout --ssh=root@web1 bridge upgrade
"
        }
        "bridge remove" => {
            "# Leave nothing behind.
$ kickout --ssh=root@web1 bridge remove --purge
"
        }
        "config show" => {
            "# Where does each setting come from?
$ kickout config show --origin
"
        }
        "completions" => {
            "# bash
$ kickout completions bash > ~/.local/share/bash-completion/completions/kickout

# zsh, in a folder of $fpath
$ kickout completions zsh > ~/.zfunc/_kickout

# fish
$ kickout completions fish > ~/.config/fish/completions/kickout.fish
"
        }
        _ => "",
    }
}
