<?php
/*
 * Plugin Name: {NAME}
 *
 * Not that product: a minimal drop-in of Kickout's tests, written from the description of its keys.
 * It keeps values in Redis under the same keys and in the same form, reads the same settings for one
 * server, and does nothing else of what the real one does.
 */

class Kickout_Store
{
    public $global = [];
    public $blog;
    private $redis;
    private $pantheon = '{NAME}' === 'WP Redis';

    public function __construct()
    {
        $this->redis = new Redis();
        try {
            $this->pantheon ? $this->connectArray() : $this->connectConstants();
            $this->redis->ping();
        } catch (RedisException $gone) {
            // Graceful, as the real ones can be: a cache of one request.
            $this->redis = null;
        }
    }

    private function connectConstants()
    {
        $is = static fn ($name, $else) => defined("WP_REDIS_$name") ? constant("WP_REDIS_$name") : $else;
        $scheme = strtolower($is('SCHEME', 'tcp'));
        $host = $is('HOST', '127.0.0.1');
        $port = (int) $is('PORT', 6379);
        if ($scheme === 'unix') {
            [$host, $port] = [$is('PATH', ''), -1];
        } elseif ($scheme === 'tls') {
            $host = "tls://$host";
        }
        $context = defined('WP_REDIS_SSL_CONTEXT') ? ['stream' => WP_REDIS_SSL_CONTEXT] : [];
        $this->redis->connect($host, $port, 1, null, 0, 1, $context);
        if (($password = $is('PASSWORD', '')) !== '') {
            $this->redis->auth($password);
        }
        if ($database = (int) $is('DATABASE', 0)) {
            $this->redis->select($database);
        }
    }

    private function connectArray()
    {
        $server = $GLOBALS['redis_server'] ?? ['host' => '127.0.0.1', 'port' => 6379];
        $this->redis->connect($server['host'], ($server['port'] ?? 6379) ?: -1, 1);
        if (!empty($server['auth'])) {
            $this->redis->auth($server['auth']);
        }
        if (!empty($server['database'])) {
            $this->redis->select($server['database']);
        }
    }

    private function key($key, $group)
    {
        global $table_prefix;
        $network = is_multisite();
        if ($this->pantheon) {
            $own = defined('CUSTOM_USER_TABLE') && defined('CUSTOM_USER_META_TABLE');
            $prefix = empty($this->global[$group]) ? ($network ? "$this->blog:" : '') : ($network || $own ? '' : $table_prefix);
            $salt = defined('WP_CACHE_KEY_SALT') ? WP_CACHE_KEY_SALT : '';
            return preg_replace('/\s+/', '', "$salt$prefix$group:$key");
        }
        $salt = defined('WP_REDIS_PREFIX') ? WP_REDIS_PREFIX : (defined('WP_CACHE_KEY_SALT') ? WP_CACHE_KEY_SALT : '');
        $site = $network ? (empty($this->global[$group]) ? $this->blog : '') : $table_prefix;
        $part = static fn ($text) => str_replace(':', '-', (string) $text);
        return trim($salt) . trim($site, '_-:$') . ':' . $part($group) . ':' . $part($key);
    }

    private function hashed() { return $this->pantheon && defined('WP_REDIS_USE_CACHE_GROUPS') && WP_REDIS_USE_CACHE_GROUPS; }

    private function pack($value)
    {
        if (is_int($value)) {
            return $value;
        }
        return !$this->pantheon && defined('WP_REDIS_IGBINARY') ? igbinary_serialize($value) : serialize($value);
    }

    private function unpack($bytes)
    {
        if (is_numeric($bytes)) {
            return (int) $bytes;
        }
        return !$this->pantheon && defined('WP_REDIS_IGBINARY') ? igbinary_unserialize($bytes) : unserialize($bytes);
    }

    public function connected() { return $this->redis !== null; }

    public function get($key, $group)
    {
        $bytes = $this->hashed()
            ? $this->redis->hGet($this->key('', $group), (string) $key) : $this->redis->get($this->key($key, $group));
        return $bytes === false ? null : [$this->unpack($bytes)];
    }

    public function set($key, $group, $value, $expire)
    {
        $bytes = $this->pack($value);
        if ($this->hashed()) {
            return false !== $this->redis->hSet($this->key('', $group), (string) $key, $bytes);
        }
        return $this->redis->set($this->key($key, $group), $bytes, $expire > 0 ? ['ex' => $expire] : []);
    }

    public function delete($key, $group)
    {
        return (bool) ($this->hashed()
            ? $this->redis->hDel($this->key('', $group), (string) $key) : $this->redis->del($this->key($key, $group)));
    }

    public function flush() { return $this->redis->flushDb(); }
}
