<?php
/*
 * Plugin Name: Memcached
 *
 * Not that product (by Automattic): a minimal drop-in of Kickout's tests, written from the description
 * of its keys. It keeps the keys, the flush number that is part of them and lives in the server, the
 * silence when no server answers, and the list of servers; nothing else of what the real one does.
 */

class Kickout_Store
{
    public $global = [];
    public $blog;
    private $servers;
    private $flushed;

    public function __construct()
    {
        $this->servers = new Memcached();
        $this->servers->setOption(Memcached::OPT_CONNECT_TIMEOUT, 1000);
        $servers = $GLOBALS['memcached_servers'] ?? ['127.0.0.1:11211'];
        foreach ($servers['default'] ?? $servers as $server) {
            [$host, $port] = explode(':', $server);
            $this->servers->addServer($host, (int) $port);
        }
    }

    /** Nobody is told that nobody answers: then it is a cache of one request. */
    public function connected() { return true; }

    private function salt() { return (defined('WP_CACHE_KEY_SALT') ? WP_CACHE_KEY_SALT : '') . ':'; }
    private function shortened($key) { return preg_replace('/\s+/', '', $key); }

    /** All keys hold it: another number is an empty cache. */
    private function number()
    {
        $name = $this->shortened($this->salt() . 'flush_number');
        $this->flushed = $this->flushed ?: $this->servers->get($name);
        if (!$this->flushed) {
            $this->flushed = (int) (microtime(true) * 1000);
            $this->servers->set($name, $this->flushed);
        }
        return $this->flushed;
    }

    private function key($key, $group)
    {
        global $table_prefix;
        $own = defined('CUSTOM_USER_TABLE') && defined('CUSTOM_USER_META_TABLE');
        $prefix = empty($this->global[$group]) ? (is_multisite() ? $this->blog : $table_prefix)
            : (is_multisite() || $own ? '' : $table_prefix);
        return $this->shortened($this->salt() . $this->number() . ":$prefix:$group:$key");
    }

    public function get($key, $group)
    {
        $value = $this->servers->get($this->key($key, $group));
        return $this->servers->getResultCode() === Memcached::RES_SUCCESS ? [$value] : null;
    }

    public function set($key, $group, $value, $expire) { return $this->servers->set($this->key($key, $group), $value, $expire); }
    public function delete($key, $group) { return $this->servers->delete($this->key($key, $group)); }

    public function flush()
    {
        $this->flushed = $this->number() + 1;
        return $this->servers->set($this->shortened($this->salt() . 'flush_number'), $this->flushed);
    }
}
