//! One integration binary, a module per topic; try not to add another binary.

/// Agents that lie elsewhere.
mod agents;
/// Which sites an alias addresses, case by case.
mod alias;
/// The same through the program.
mod alias_program;
/// Aliases as they are shown.
mod alias_shown;
/// Machines of other architectures.
mod arm;
/// Wrong words, broken sites, hostile data.
mod bad_input;
/// The bridge, met over HTTP.
mod bridge;
/// Its record, after somebody has been at it.
mod bridge_audit;
/// Put where no systemd runs.
mod bridge_by_hand;
/// Certificates for a start.
mod bridge_cert;
/// Behind the web server of its site.
mod bridge_in_front;
/// Put on a host, and taken away.
mod bridge_install;
/// What it has never begun, and what it may have.
mod bridge_once;
/// Its two processes.
mod bridge_processes;
/// What it refuses.
mod bridge_refusals;
/// The same again, guessed tokens, and clients that are no controllers.
mod bridge_replay;
/// Slow clients.
mod bridge_slow;
/// Requests that mean two things.
mod bridge_smuggling;
/// Many requests.
mod bridge_soak;
/// The example of one, in containers.
mod bridge_stack;
/// Its certificate, and those of its clients.
mod bridge_tls;
/// The codec against real PHP.
mod codec;
/// What WP-CLI does, matched or named.
mod conformance;
/// The way to the database.
mod connect;
/// What every engine must do.
mod contract;
/// One file for many hosts, as Debian has it.
mod debian_layout;
/// The design's table of situations, row by row.
mod decision_table;
/// One session, or all of named users.
mod destroy;
/// Everybody, and who is asked first.
mod destroy_all;
/// The same where the data is unusual.
mod destroy_stores;
/// In containers of a real engine.
mod docker;
/// Services of compose projects on a real engine.
mod docker_compose;
/// A container's configuration, met from outside.
mod docker_config;
/// What doctor finds.
mod doctor;
/// What stays destroyed, and servers that take no writes.
mod durability;
/// Configurations that only PHP can tell.
mod evaluated;
/// Every fault, and no false success.
mod fault_matrix;
/// One command on many sites.
mod groups;
/// The harness itself: guards kill, databases answer, WordPress is real.
mod harness;
/// Another client that holds locks.
mod held;

mod http;

mod http_end;

mod http_tls;

mod http_ways;
/// Stopped in the middle.
mod interrupt;
/// Hosts behind other hosts.
mod jump;
/// What is known of a site's code.
mod known_code;
/// Sessions as WordPress has them.
mod list;
/// Session stores of a site's own.
mod managers;
/// Groups whose sites are elsewhere.
mod many_hosts;
/// A real MySQL, and its own ways to log in.
mod mysql;
/// Sites whose sessions a cache answers for.
mod object_cache;
/// Sites whose cache is in the web server's own memory.
mod object_cache_apcu;
/// Sites behind a cache that does not do what it should.
mod object_cache_faults;
/// Sites behind memcached.
mod object_cache_memcached;
/// Caches that only WordPress itself can clear.
mod object_cache_php;
/// The Debian package of the bridge.
mod package;
/// Packets that are lost.
mod packets;
/// WordPress itself as the engine.
mod php;
mod php_doubts;
/// Sites that work against it.
mod php_hostile;
mod php_process;
/// Logins in flight.
mod races;
/// Kickout while it runs.
mod running;
/// What is never shown.
mod secrets;
/// A site on SQLite.
mod sqlite;
/// A site on another host.
mod ssh;
/// Many at once, and what is known of them.
mod ssh_crowd;
/// Bad networks and false servers.
mod ssh_faults;
/// Who the host is, and who we are.
mod ssh_keys;
/// Agents that lie.
mod ssh_liars;
/// Hosts that say more or less than they should.
mod ssh_noise;
/// Servers that exchange keys and then go wrong.
mod ssh_odd;
/// Connection strings, case by case.
mod ssh_parse;
/// Where the agent lies, and what is never seen.
mod ssh_places;
/// An account that exchanges what it can.
mod ssh_races;
/// A site of somebody else.
mod ssh_sudo;
/// The example for docker-compose, from the first command on.
mod stack;
/// Values as PHP serializes them, and a wrapped agent.
mod stored;
/// What no logout cuts.
mod survivors;
/// The rules of the house.
mod tidy;
/// Users as WordPress has them.
mod users;
/// Machines of a Vagrantfile.
mod vagrant;
/// The web side is asked.
mod verify;
/// What is asked for, and the session that is made for it.
mod verify_canary;
/// The link is lost meanwhile.
mod verify_lost;
/// Web servers that only another host sees, and certificates.
mod verify_tunnel;
/// Web servers as they are.
mod verify_web;
/// The php engine on each WordPress and each PHP.
mod versions;
/// What still lets somebody in.
mod what_survives;
/// The configuration reader against real PHP.
mod wp_config;
