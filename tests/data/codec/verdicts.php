<?php
// Says of every value whether PHP reads it, and what it then is to core.
// stdin: one value per line, in hex. stdout, per line: "-" (unserialize fails), "+" (it reads,
// no array), or "+" and the keys of the array in order, each as "i:5" or "s:" and hex, with
// "live", "dead" or "fatal" behind a "=": " i:5=live s:78=dead".
// usage: php verdicts.php NOW

declare(strict_types=1);
error_reporting(E_ALL & ~E_WARNING & ~E_NOTICE & ~E_DEPRECATED);

enum Suit: string { case Hearts = 'H'; }

function state(mixed $session, int $now): string
{
    try {
        $session = is_int($session) ? ['expiration' => $session] : $session;
        return $session['expiration'] >= $now ? 'live' : 'dead';
    } catch (Error) {
        return 'fatal';
    }
}

while (($line = fgets(STDIN)) !== false) {
    $value = trim(hex2bin(rtrim($line, "\n")));
    try {
        $read = @unserialize($value, ['allowed_classes' => false]);
    } catch (Throwable) {
        $read = false;
    }
    if ($read === false && $value !== 'b:0;') {
        echo "-\n";
        continue;
    }
    echo '+';
    foreach (is_array($read) ? $read : [] as $key => $session) {
        $name = is_int($key) ? "i:$key" : 's:' . bin2hex($key);
        echo " $name=", @state($session, (int) $argv[1]);
    }
    echo "\n";
}
