-- The site of the quickstart: `sqlite3 data/quickstart.sqlite < data/quickstart.sql` makes the
-- database that quickstart.rs copies. Times stand as markers of ten digits, which it sets:
-- 10000000NN is the login of session NN, 20000000NN its expiration.
CREATE TABLE wp_users (ID INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_login TEXT NOT NULL DEFAULT '' COLLATE NOCASE, user_email TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    display_name TEXT NOT NULL DEFAULT '' COLLATE NOCASE, user_registered TEXT NOT NULL,
    user_activation_key TEXT NOT NULL DEFAULT '' COLLATE NOCASE);
CREATE TABLE wp_usermeta (umeta_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, user_id INTEGER NOT NULL,
    meta_key TEXT COLLATE NOCASE, meta_value TEXT COLLATE NOCASE);
CREATE INDEX wp_usermeta__user_id ON wp_usermeta (user_id);
CREATE INDEX wp_usermeta__meta_key ON wp_usermeta (meta_key);
CREATE TABLE wp_options (option_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    option_name TEXT NOT NULL UNIQUE COLLATE NOCASE, option_value TEXT NOT NULL COLLATE NOCASE);
INSERT INTO wp_options (option_name, option_value) VALUES ('active_plugins', 'a:0:{}'),
    ('wp_user_roles', 'a:3:{s:13:"administrator";a:0:{}s:6:"editor";a:0:{}s:10:"subscriber";a:0:{}}');
INSERT INTO wp_users (user_login, user_email, display_name, user_registered) VALUES
    ('admin', 'admin@example.com', 'Ada', '2024-01-01 00:00:00'),
    ('anna', 'anna@example.com', 'Anna', '2024-02-01 00:00:00'),
    ('bob', 'bob@example.com', 'Bob', '2024-03-01 00:00:00');
INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES
    (1, 'wp_capabilities', 'a:1:{s:13:"administrator";b:1;}'),
    (2, 'wp_capabilities', 'a:1:{s:6:"editor";b:1;}'),
    (3, 'wp_capabilities', 'a:1:{s:10:"subscriber";b:1;}');
INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES
    (1, 'session_tokens', 'a:3:{s:64:"b918b22a1581fedd39058065f00e6aad35bd561f20257151131a1ddcd21803de";a:4:{s:10:"expiration";i:2000000000;s:2:"ip";s:11:"203.0.113.7";s:2:"ua";s:70:"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";s:5:"login";i:1000000000;}s:64:"5fb76d307dddf6183adf8484f447384a0137655bf7e3a689b005a331fe8595ad";a:4:{s:10:"expiration";i:2000000001;s:2:"ip";s:13:"198.51.100.23";s:2:"ua";s:135:"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";s:5:"login";i:1000000001;}s:64:"9dbcc073881adbc315a51cb82680656d7dac1b3c84db6989509327369a6edcc0";a:4:{s:10:"expiration";i:2000000002;s:2:"ip";s:10:"192.0.2.99";s:2:"ua";s:10:"curl/8.5.0";s:5:"login";i:1000000002;}}'),
    (2, 'session_tokens', 'a:2:{s:64:"c78eb8e308fb6df8bc2de481b8d2a362113f3ce2adacaaa7310b4e4c81e44127";a:4:{s:10:"expiration";i:2000000003;s:2:"ip";s:11:"203.0.113.7";s:2:"ua";s:117:"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15";s:5:"login";i:1000000003;}s:64:"01374e4fbd0f0919a85628ada6377e7eadf5999f81f82ff60ced2b56350bbcf8";a:4:{s:10:"expiration";i:2000000004;s:2:"ip";s:12:"203.0.113.81";s:2:"ua";s:111:"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";s:5:"login";i:1000000004;}}'),
    (3, 'session_tokens', 'a:1:{s:64:"d06213b4d11488a12292d5593ffa47621c8b4449aca707b95f22251864308ed5";a:4:{s:10:"expiration";i:2000000005;s:2:"ip";s:14:"198.51.100.200";s:2:"ua";s:80:"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0";s:5:"login";i:1000000005;}}');
