<?php
/*
 * Plugin Name: APCu Object Cache Backend
 *
 * Not that product (by l3rady): a minimal drop-in of Kickout's tests, written from the description of
 * its keys. It keeps the keys, the versions in them that a flush counts up, and values without an end;
 * nothing else of what the real one does.
 */

class Kickout_Store
{
    public $global = [];
    public $blog;

    /** The memory of this process and of those it has in common with its parent. */
    public function connected() { return apcu_enabled(); }

    private function base($key) { return (defined('WP_APCU_KEY_SALT') ? WP_APCU_KEY_SALT : 'wp') . ':' . md5(ABSPATH) . ":$key"; }

    private function version($what)
    {
        $number = apcu_fetch($this->base("version:$what"));
        if ($number === false) {
            apcu_store($this->base("version:$what"), $number = 1);
        }
        return $number;
    }

    private function key($key, $group)
    {
        $blog = empty($this->global[$group]) ? $this->blog : 0;
        return $this->base("$blog:$group:$key:v" . $this->version('site') . '.' . $this->version("group:$group"));
    }

    public function get($key, $group)
    {
        $value = apcu_fetch($this->key($key, $group), $found);
        return $found ? [$value] : null;
    }

    public function set($key, $group, $value, $expire) { return apcu_store($this->key($key, $group), $value, $expire); }
    public function delete($key, $group) { return apcu_delete($this->key($key, $group)); }
    public function flush() { return apcu_store($this->base('version:site'), $this->version('site') + 1); }
}
