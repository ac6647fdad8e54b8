<?php
// Makes random session arrays and says what PHP itself makes of them and of removing some.
// usage: php sessions.php SEED COUNT NOW > one JSON object per line; bytes are hex, a key is
// "i:5" or "s:" and hex:
//   {value, drop: [key…], live: [key…], outcome: "rewrite"|"empty"|"unchanged", edited, shared}
// `shared`: something that stays refers to something that is removed or rewritten.

declare(strict_types=1);
error_reporting(E_ALL & ~E_WARNING);
ini_set('serialize_precision', '-1');

enum Suit: string { case Hearts = 'H'; }

[, $seed, $count, $now] = array_map('intval', $argv);
mt_srand($seed);

const TEXTS = [
    '', 'plain', 'Mozilla/5.0 (日本語; Ünïcødé 🦀) O\'Reilly "quoted"', 'a:1:{s:1:"x";b:1;}', '";}', "x\0y",
    "\xff\xfe", 'r:2;', 'R:3;s:5:"', 'x\\y', '203.0.113.7', 'i:5;}', "line\nfeed",
];

function chance(int $percent): bool { return mt_rand(0, 99) < $percent; }
function one(array $of): mixed { return $of[mt_rand(0, count($of) - 1)]; }

function top_key(): int|string
{
    return match (mt_rand(0, 9)) {
        0 => mt_rand(-3, 12),
        1 => one(['s:4:"', 'a:1:{', '};', '05', '-0', 'é', '', "\xff", '9223372036854775808']) . mt_rand(0, 5),
        2 => sha1((string) mt_rand()),
        default => hash('sha256', (string) mt_rand()),
    };
}

function random_object(int $depth): stdClass
{
    $object = new stdClass();
    foreach (range(1, mt_rand(1, 3)) as $i) {
        $object->{chance(20) ? (string) $i : "p$i"} = random_value($depth + 1);
    }
    return $object;
}

function random_value(int $depth): mixed
{
    global $objects;
    if ($depth < 4 && chance(25)) {
        $array = [];
        for ($i = mt_rand(0, 3); $i > 0; $i--) {
            $array[chance(50) ? mt_rand(0, 9) : one(TEXTS)] = random_value($depth + 1);
        }
        return $array;
    }
    if ($depth < 4 && chance(20)) {
        return $objects[] = random_object($depth);
    }
    return match (mt_rand(0, 10)) {
        0 => null,
        1 => chance(50),
        2 => mt_rand() - mt_rand(),
        3 => one([PHP_INT_MAX, PHP_INT_MIN, 0, -1]),
        4 => one([INF, -INF, NAN, -0.0, 1e100, -33.86, 0.1 + 0.2, 5e-324]),
        5 => Suit::Hearts,
        6 => $objects === [] ? null : one($objects),
        default => one(TEXTS),
    };
}

function expiration(int $now): int { return chance(25) ? $now - mt_rand(1, 99999) : $now + mt_rand(0, 99999); }

function odd_session(int $now): mixed
{
    $at = expiration($now);
    return match (mt_rand(0, 14)) {
        0 => null,
        1 => false,
        2 => true,
        3 => 5.5e9,
        4 => ['ip' => 'x'],
        5 => ['expiration' => null],
        6 => ['expiration' => false],
        7 => ['expiration' => true],
        8 => ['expiration' => (string) $at],
        9 => ['expiration' => one([' ', "\t", '+']) . $at . '.5 '],
        10 => ['expiration' => (float) $at],
        11 => ['expiration' => one([INF, -INF, NAN, 1e300])],
        12 => (string) $at,
        13 => random_object(2),
        14 => ['expiration' => one(['never', [1], []])],
    };
}

/** One random list of sessions, with objects and PHP references shared among them. */
function random_sessions(int $now): array
{
    global $objects;
    $objects = [];
    $sessions = [];
    $targets = []; // places that later values may refer to
    for ($i = mt_rand(1, 7); $i > 0; $i--) {
        $key = top_key();
        if (isset($sessions[$key])) {
            continue;
        }
        if (chance(15)) {
            $sessions[$key] = expiration($now);
        } elseif (chance(12)) {
            $sessions[$key] = odd_session($now);
        } else {
            $session = chance(40) ? ['two-factor-login' => random_value(0)] : [];
            $session += ['expiration' => expiration($now), 'ip' => '203.0.113.7', 'ua' => one(TEXTS)];
            if (chance(90)) {
                $session['login'] = $now - mt_rand(0, 99999);
            }
            foreach (range(1, 3) as $n) {
                if (chance(25)) {
                    $session["extra$n"] = random_value(0);
                }
                if ($targets !== [] && chance(10)) {
                    $target = one(array_keys($targets));
                    if (chance(50)) {
                        $session["ref$n"] = &$targets[$target];
                    } else {
                        $session["deep$n"] = ['x' => 1, 'y' => &$targets[$target]];
                    }
                }
            }
            $sessions[$key] = $session;
            $field = one(array_keys($session));
            if (chance(30)) {
                $targets[] = &$sessions[$key][$field];
            }
        }
        if (chance(4)) {
            $targets[] = &$sessions[$key];
        }
    }
    return $sessions;
}

/** What core does with an entry: 'bare' (an integer, alive), 'keep', 'drop'. Fatal ones stay. */
function fate(mixed $session, int $now): string
{
    if (is_string($session) || is_object($session)) {
        return 'keep';
    }
    $wrapped = is_int($session) ? ['expiration' => $session] : $session;
    if (!($wrapped['expiration'] >= $now)) {
        return 'drop';
    }
    return is_int($session) ? 'bare' : 'keep';
}

/** The identities of everything that can be referred to, in serialized order. */
function identities(array &$array, array &$seen): void
{
    foreach (array_keys($array) as $key) {
        $reference = ReflectionReference::fromArrayElement($array, $key);
        if ($reference !== null) {
            $id = $reference->getId();
            if (isset($seen[$id])) {
                continue;
            }
            $seen[$id] = true;
        }
        if (is_object($array[$key])) {
            $id = spl_object_id($array[$key]);
            if (isset($seen[$id])) {
                continue;
            }
            $seen[$id] = true;
            $properties = (array) $array[$key];
            if (!$array[$key] instanceof Suit) {
                identities($properties, $seen);
            }
        } elseif (is_array($array[$key])) {
            identities($array[$key], $seen);
        }
    }
}

/** Whether an entry that stays refers to one that does not stay as it is, by order of first use. */
function shares(array &$sessions, array $fates): bool
{
    $first = [];
    foreach (array_keys($sessions) as $key) {
        $seen = [];
        $own = [$key => null];
        $own[$key] = &$sessions[$key];
        identities($own, $seen);
        foreach (array_keys($seen) as $id) {
            $first[$id] ??= $key;
            if ($fates[$key] === 'keep' && $fates[$first[$id]] !== 'keep') {
                return true;
            }
        }
        unset($own);
    }
    return false;
}

function named(int|string $key): string { return is_int($key) ? "i:$key" : 's:' . bin2hex($key); }

for ($n = 0; $n < $count; $n++) {
    $made = random_sessions($now);
    $value = serialize($made);
    unset($made);
    $sessions = unserialize($value);
    $keys = array_keys($sessions);
    $drop = [];
    for ($i = chance(70) ? 1 : mt_rand(1, 4); $i > 0; $i--) {
        $drop[] = chance(5) ? 'unknown' : one($keys);
    }
    $fates = [];
    foreach ($sessions as $key => $session) {
        $fates[$key] = fate($session, $now);
    }
    unset($session);
    $live = array_keys(array_filter($fates, fn ($fate) => $fate !== 'drop'));
    $hit = false;
    foreach ($drop as $key) {
        if (isset($fates[$key])) {
            $hit = true;
            $fates[$key] = 'drop';
        }
    }
    $shared = $hit && shares($sessions, $fates);
    foreach ($fates as $key => $fate) {
        if ($fate === 'drop') {
            unset($sessions[$key]);
        } elseif ($fate === 'bare') {
            $sessions[$key] = ['expiration' => $sessions[$key]];
        }
    }
    echo json_encode([
        'value' => bin2hex($value),
        'drop' => array_map('named', $drop),
        'live' => array_map('named', $live),
        'outcome' => !$hit ? 'unchanged' : ($sessions === [] ? 'empty' : 'rewrite'),
        'edited' => bin2hex(serialize($sessions)),
        'shared' => $shared,
    ]), "\n";
    unset($sessions);
}
