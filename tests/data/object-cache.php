<?php
/*
 * Plugin Name: {NAME}
 *
 * Not that product: a minimal drop-in of Kickout's tests, written from the description of its keys.
 * It keeps values in Redis under the same keys and in the same form, reads the same settings for one
 * server, and does nothing else of what the real one does.
 */

function wp_cache_init() { $GLOBALS['wp_object_cache'] = new WP_Object_Cache(); }
function wp_cache_close() { return true; }
function wp_cache_add($key, $value, $group = '', $expire = 0) { return $GLOBALS['wp_object_cache']->add($key, $value, $group, $expire); }
function wp_cache_set($key, $value, $group = '', $expire = 0) { return $GLOBALS['wp_object_cache']->set($key, $value, $group, $expire); }
function wp_cache_replace($key, $value, $group = '', $expire = 0) { return $GLOBALS['wp_object_cache']->set($key, $value, $group, $expire); }
function wp_cache_get($key, $group = '', $force = false, &$found = null) { return $GLOBALS['wp_object_cache']->get($key, $group, $force, $found); }
function wp_cache_delete($key, $group = '') { return $GLOBALS['wp_object_cache']->delete($key, $group); }
function wp_cache_incr($key, $offset = 1, $group = '') { return false; }
function wp_cache_decr($key, $offset = 1, $group = '') { return false; }
function wp_cache_flush() { return $GLOBALS['wp_object_cache']->redis->flushDb(); }
function wp_cache_switch_to_blog($blog) { $GLOBALS['wp_object_cache']->blog = $blog; }
function wp_cache_add_global_groups($groups) { $GLOBALS['wp_object_cache']->global += array_fill_keys((array) $groups, true); }
function wp_cache_add_non_persistent_groups($groups) { $GLOBALS['wp_object_cache']->memory += array_fill_keys((array) $groups, true); }

class WP_Object_Cache
{
    public $redis;
    public $global = [];
    public $memory = [];
    public $blog;
    private $local = [];
    private $pantheon = '{NAME}' === 'WP Redis';

    public function __construct()
    {
        $this->blog = $GLOBALS['blog_id'] ?? 1;
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
        $group = $group ?: 'default';
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
    private function kept($group) { return $this->redis && empty($this->memory[$group]); }

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

    public function get($key, $group, $force, &$found)
    {
        $id = $this->key($key, $group);
        if ((!$force || !$this->kept($group)) && array_key_exists($id, $this->local)) {
            $found = true;
            return $this->local[$id];
        }
        $found = false;
        if (!$this->kept($group)) {
            return false;
        }
        $bytes = $this->hashed() ? $this->redis->hGet($this->key('', $group), (string) $key) : $this->redis->get($id);
        if ($bytes === false) {
            return false;
        }
        $found = true;
        return $this->local[$id] = $this->unpack($bytes);
    }

    public function set($key, $value, $group, $expire)
    {
        $this->local[$this->key($key, $group)] = $value;
        if (!$this->kept($group)) {
            return true;
        }
        $bytes = $this->pack($value);
        if ($this->hashed()) {
            return false !== $this->redis->hSet($this->key('', $group), (string) $key, $bytes);
        }
        return $this->redis->set($this->key($key, $group), $bytes, $expire > 0 ? ['ex' => $expire] : []);
    }

    public function add($key, $value, $group, $expire)
    {
        $this->get($key, $group, false, $found);
        return !$found && $this->set($key, $value, $group, $expire);
    }

    public function delete($key, $group)
    {
        $id = $this->key($key, $group);
        unset($this->local[$id]);
        if (!$this->kept($group)) {
            return true;
        }
        return (bool) ($this->hashed() ? $this->redis->hDel($this->key('', $group), (string) $key) : $this->redis->del($id));
    }
}
