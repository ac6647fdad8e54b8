
// What all drop-ins have in common; the class `Kickout_Store` above is one product's.

function wp_cache_init() { $GLOBALS['wp_object_cache'] = new WP_Object_Cache(); }
function wp_cache_close() { return true; }
function wp_cache_add($key, $value, $group = '', $expire = 0) { return $GLOBALS['wp_object_cache']->add($key, $value, $group, $expire); }
function wp_cache_set($key, $value, $group = '', $expire = 0) { return $GLOBALS['wp_object_cache']->set($key, $value, $group, $expire); }
function wp_cache_replace($key, $value, $group = '', $expire = 0) { return $GLOBALS['wp_object_cache']->set($key, $value, $group, $expire); }
function wp_cache_get($key, $group = '', $force = false, &$found = null) { return $GLOBALS['wp_object_cache']->get($key, $group, $force, $found); }
function wp_cache_delete($key, $group = '') { return $GLOBALS['wp_object_cache']->delete($key, $group); }
function wp_cache_incr($key, $offset = 1, $group = '') { return false; }
function wp_cache_decr($key, $offset = 1, $group = '') { return false; }
function wp_cache_flush() { return $GLOBALS['wp_object_cache']->flush(); }
function wp_cache_switch_to_blog($blog) { $GLOBALS['wp_object_cache']->store->blog = $blog; }
function wp_cache_add_global_groups($groups) { $GLOBALS['wp_object_cache']->store->global += array_fill_keys((array) $groups, true); }
function wp_cache_add_non_persistent_groups($groups) { $GLOBALS['wp_object_cache']->memory += array_fill_keys((array) $groups, true); }

class WP_Object_Cache
{
    public $store;
    public $memory = [];
    private $local = [];

    public function __construct()
    {
        $this->store = new Kickout_Store();
        $this->store->blog = $GLOBALS['blog_id'] ?? 1;
    }

    private function kept($group) { return $this->store->connected() && empty($this->memory[$group]); }
    private function id($key, $group) { return (empty($this->store->global[$group]) ? $this->store->blog : '') . "/$group/$key"; }

    public function get($key, $group, $force, &$found)
    {
        $group = $group ?: 'default';
        $id = $this->id($key, $group);
        if ((!$force || !$this->kept($group)) && array_key_exists($id, $this->local)) {
            $found = true;
            return $this->local[$id];
        }
        $value = $this->kept($group) ? $this->store->get($key, $group) : null;
        $found = $value !== null;
        return $found ? $this->local[$id] = $value[0] : false;
    }

    public function set($key, $value, $group, $expire)
    {
        $group = $group ?: 'default';
        $this->local[$this->id($key, $group)] = $value;
        return !$this->kept($group) || $this->store->set($key, $group, $value, max(0, (int) $expire));
    }

    public function add($key, $value, $group, $expire)
    {
        $this->get($key, $group, false, $found);
        return !$found && $this->set($key, $value, $group, $expire);
    }

    public function delete($key, $group)
    {
        $group = $group ?: 'default';
        unset($this->local[$this->id($key, $group)]);
        return !$this->kept($group) || $this->store->delete($key, $group);
    }

    public function flush()
    {
        $this->local = [];
        return $this->store->flush();
    }
}
