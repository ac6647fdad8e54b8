<?php
/*
 * The inside of Kickout's php engine: fed to `php` on standard input, loads WordPress as a request
 * would, and answers the agent's small questions over two descriptors of its own. Knows no verb and
 * no wording of one. Everything printed is noise; only framed answers with the nonce count.
 */

final class Kickout_Worker
{
    /** What one page load may say; the agent prints it with --debug. */
    const MAX_NOTES = 100;
    const MAX_NOTE_BYTES = 500;
    /** Users looked at in one answer of `holders`. */
    const SCAN = 200;
    const KEY = 'session_tokens';
    const DEFAULT_MANAGER = 'WP_User_Meta_Session_Tokens';
    const PLUGGABLE = array(
        'auth_redirect', 'wp_clear_auth_cookie', 'wp_generate_auth_cookie', 'wp_get_current_user',
        'wp_hash', 'wp_logout', 'wp_parse_auth_cookie', 'wp_salt', 'wp_set_auth_cookie',
        'wp_set_current_user', 'wp_validate_auth_cookie',
    );

    private static $requests;
    private static $answers;
    private static $nonce;
    private static $sequence = 0;
    private static $open = false;
    private static $notes = array();
    private static $load;
    private static $charset;

    /** Opens the channel and reads how WordPress is to be loaded. False: nobody is there. */
    public static function open($arguments)
    {
        self::$requests = fopen('php://fd/' . (int) $arguments[1], 'rb');
        self::$answers = fopen('php://fd/' . (int) $arguments[2], 'wb');
        $load = self::$requests && self::$answers ? self::receive() : null;
        if (!is_array($load)) {
            return false;
        }
        self::$nonce = $load['nonce'];
        unset($load['nonce']);
        self::$load = $load;
        set_error_handler(array(__CLASS__, 'note'));
        register_shutdown_function(array(__CLASS__, 'died'));
        return true;
    }

    /** What must hold before the first line of the site's own code; returns its entrance. */
    public static function prepare()
    {
        unset($_SERVER['REQUEST_METHOD'], $_SERVER['HTTP_HOST']);
        $_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.0';
        $_SERVER['REQUEST_URI'] = '/';
        self::pretend(self::$load['url']);
        if (isset(self::$load['configuration'])) {
            return Kickout_Configuration::prepare(self::$load);
        }
        foreach (array('DISABLE_WP_CRON' => true, 'WP_CACHE' => false,
            'WP_DISABLE_FATAL_ERROR_HANDLER' => true) as $name => $value) {
            define($name, $value);
        }
        self::skip_plugins(self::$load['skip_plugins']);
        self::skip_themes(self::$load['skip_themes']);
        if (self::$load['user']) {
            self::hook('init', 0, array(__CLASS__, 'act'));
        }
        foreach (self::$load['require'] as $file) {
            self::required($file);
        }
        return self::$load['root'] . '/wp-load.php';
    }

    private static function required($kickout_file)
    {
        require_once $kickout_file;
    }

    /** The request came from this URL, as WP-CLI pretends. */
    private static function pretend($url)
    {
        $parts = $url === null ? null : parse_url(strpos($url, '://') ? $url : "http://$url");
        if (empty($parts['host'])) {
            return;
        }
        $port = isset($parts['port']) ? $parts['port'] : null;
        if (isset($parts['scheme']) && strtolower($parts['scheme']) === 'https') {
            $_SERVER['HTTPS'] = 'on';
        }
        $_SERVER['HTTP_HOST'] = $parts['host'] . ($port ? ":$port" : '');
        $_SERVER['SERVER_NAME'] = $parts['host'];
        $_SERVER['SERVER_PORT'] = $port ? (string) $port : '80';
        $query = isset($parts['query']) ? $parts['query'] : '';
        $path = isset($parts['path']) ? $parts['path'] : '/';
        $_SERVER['REQUEST_URI'] = $path . ($query === '' ? '' : "?$query");
        $_SERVER['QUERY_STRING'] = $query;
    }

    /** A hook for code that is not loaded yet. */
    private static function hook($name, $priority, $function)
    {
        global $wp_filter;
        $wp_filter[$name][$priority][] = array('function' => $function, 'accepted_args' => 1);
    }

    /** `true`: all; a list: these. Network-wide plugins are keys, others values. */
    private static function skip_plugins($skipped)
    {
        $named = static function ($file) use ($skipped) {
            $name = strpos($file, '/') === false ? basename($file, '.php') : dirname($file);
            return in_array($name, $skipped, true);
        };
        $filter = static function ($plugins, $network) use ($skipped, $named) {
            if ($skipped === true) {
                return array();
            }
            if (!is_array($plugins)) {
                return $plugins;
            }
            foreach ($plugins as $key => $plugin) {
                if ($named($network ? $key : $plugin)) {
                    unset($plugins[$key]);
                }
            }
            return $network ? $plugins : array_values($plugins);
        };
        foreach (array('pre_site_option_active_sitewide_plugins', 'pre_option_active_plugins',
            'site_option_active_sitewide_plugins', 'option_active_plugins') as $name) {
            $network = strpos($name, 'sitewide') !== false;
            $once = static function ($plugins) use ($filter, $network) {
                return $filter($plugins, $network);
            };
            self::while_loading($name, $once, $skipped, 'plugins_loaded');
        }
    }

    private static function skip_themes($skipped)
    {
        foreach (array('pre_option_template', 'option_template', 'pre_option_stylesheet',
            'option_stylesheet') as $name) {
            $template = strpos($name, 'option_template') !== false;
            $filter = static function ($value) use ($skipped, $template) {
                if ($skipped === true) {
                    return '';
                }
                // A child theme is skipped by its own name, whatever its parent.
                $checked = $template ? get_option('stylesheet') : $value;
                return $checked === '' || in_array($checked, $skipped, true) ? '' : $value;
            };
            self::while_loading($name, $filter, $skipped, 'after_setup_theme');
        }
    }

    private static function while_loading($name, $filter, $skipped, $until)
    {
        if (!$skipped) {
            return;
        }
        self::hook($name, 999, $filter);
        self::hook($until, 0, static function () use ($name, $filter) {
            remove_filter($name, $filter, 999);
        });
    }

    /** Becomes the named user; one who does not exist is the agent's error, not ours. */
    public static function act()
    {
        $user = self::user(self::$load['user']);
        if ($user) {
            wp_set_current_user($user->ID);
        }
    }

    /** Who is named, in WP-CLI's order; null when nobody is. */
    private static function user($named)
    {
        list($by, $text) = $named;
        $columns = array('id' => array('id'), 'login' => array('login'), 'email' => array('email'));
        $any = is_numeric($text) ? array('id') : array('email', 'login');
        foreach (isset($columns[$by]) ? $columns[$by] : $any as $column) {
            $user = get_user_by($column, $text);
            if ($user) {
                return $user;
            }
        }
        return null;
    }

    /** Keeps what PHP has to say, and lets it go its way. What `@` silences stays silent. */
    public static function note($level, $message, $file = '', $line = 0)
    {
        $silenced = error_reporting();
        $own = strpos($message, 'onstant WP_CACHE already') || strpos($message, 'onstant DISABLE_WP_CRON already');
        if ($silenced !== 0 && $silenced !== 4437 && !$own && count(self::$notes) < self::MAX_NOTES) {
            self::$notes[] = self::told($level, $message, $file, $line);
        }
        return false;
    }

    private static function told($level, $message, $file, $line)
    {
        $fatal = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
        $names = array('Fatal error' => $fatal, 'Warning' => E_WARNING | E_CORE_WARNING | E_COMPILE_WARNING | E_USER_WARNING,
            'Deprecated' => E_DEPRECATED | E_USER_DEPRECATED);
        $name = 'Notice';
        foreach ($names as $candidate => $levels) {
            $name = $level & $levels ? $candidate : $name;
        }
        return array($name, substr($message, 0, self::MAX_NOTE_BYTES), (string) $file, (int) $line);
    }

    /** The process ends with a question open: say so, and what PHP says of it. */
    public static function died()
    {
        if (self::$open && isset(self::$load['configuration']) && Kickout_Configuration::begun()) {
            Kickout_Configuration::tell();
        } elseif (self::$open) {
            $last = error_get_last();
            $fatal = $last && ($last['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR));
            $told = $fatal ? self::told($last['type'], $last['message'], $last['file'], $last['line']) : null;
            self::answer(array('died' => $told));
        }
    }

    /** What a configuration says. */
    public static function configured($told)
    {
        self::answer(array('ok' => $told));
    }

    private static function read($length)
    {
        $bytes = '';
        while (strlen($bytes) < $length) {
            $more = fread(self::$requests, min(65536, $length - strlen($bytes)));
            if ($more === false || ($more === '' && feof(self::$requests))) {
                return null;
            }
            $bytes .= $more;
        }
        return $bytes;
    }

    private static function receive()
    {
        $head = self::read(4);
        $length = $head === null ? null : unpack('N', $head);
        $body = $length === null ? null : self::read($length[1]);
        if ($body === null) {
            return null;
        }
        self::$sequence++;
        self::$open = true;
        return unserialize($body, array('allowed_classes' => false));
    }

    private static function answer($answer)
    {
        self::$open = false;
        $answer['notes'] = self::$notes;
        self::$notes = array();
        $body = serialize($answer);
        $frame = self::$nonce . pack('NN', self::$sequence, strlen($body)) . $body;
        while ($frame !== '') {
            $written = fwrite(self::$answers, $frame);
            if (!$written) {
                exit;
            }
            $frame = (string) substr($frame, $written);
        }
    }

    /** Says hello, then answers until the agent goes away. */
    public static function serve()
    {
        if (isset(self::$load['configuration'])) {
            exit(0);
        }
        global $wpdb;
        $wpdb->suppress_errors(true);
        // Routers of queries may ask a replica that lags behind.
        if (method_exists($wpdb, 'send_reads_to_masters')) {
            $wpdb->send_reads_to_masters();
        }
        self::answer(array('ok' => self::facts()));
        while (null !== ($request = self::receive())) {
            try {
                self::forget();
                $answer = array('ok' => call_user_func(array(__CLASS__, 'ask_' . $request['ask']), $request));
            } catch (PDOException $error) {
                $code = isset($error->errorInfo[1]) ? (int) $error->errorInfo[1] : 0;
                $answer = array('sqlite' => array($code, $error->getMessage()));
            } catch (Exception $error) {
                $answer = self::thrown($error);
            } catch (Error $error) {
                $answer = self::thrown($error);
            }
            self::answer($answer);
        }
    }

    private static function thrown($error)
    {
        if ($error instanceof Kickout_Database_Error) {
            return array('mysql' => array($error->getCode(), $error->getMessage()));
        }
        $where = $error->getFile() . ':' . $error->getLine();
        return array('thrown' => substr($error->getMessage(), 0, self::MAX_NOTE_BYTES) . " ($where)");
    }

    /** What this process remembers of earlier requests; a shared cache keeps what it has. */
    private static function forget()
    {
        global $wpdb;
        $wpdb->queries = array();
        if (!wp_using_ext_object_cache()) {
            wp_cache_flush();
        } elseif (function_exists('wp_cache_supports') && wp_cache_supports('flush_runtime')) {
            wp_cache_flush_runtime();
        }
    }

    private static function facts()
    {
        global $wpdb, $wp_version;
        $manager = ltrim((string) apply_filters('session_token_manager', self::DEFAULT_MANAGER), '\\');
        $class = new ReflectionClass($manager);
        return array(
            'php' => PHP_VERSION,
            'wordpress' => (string) $wp_version,
            'manager' => $class->getName(),
            'manager_file' => (string) $class->getFileName(),
            'default' => strcasecmp($class->getName(), self::DEFAULT_MANAGER) === 0,
            'cache' => (bool) wp_using_ext_object_cache(),
            'pluggables' => self::pluggables(),
            'filters' => self::filters(),
            'users' => $wpdb->users,
            'usermeta' => $wpdb->usermeta,
            'options' => $wpdb->options,
            'blog_prefix' => $wpdb->get_blog_prefix(),
            'multisite' => is_multisite(),
            'sqlite' => self::pdo() !== null,
        );
    }

    private static function pluggables()
    {
        $own = realpath(ABSPATH . WPINC . '/pluggable.php');
        $replaced = array();
        foreach (self::PLUGGABLE as $name) {
            $function = function_exists($name) ? new ReflectionFunction($name) : null;
            if ($function && realpath($function->getFileName()) !== $own) {
                $replaced[] = $name . '() in ' . $function->getFileName() . ':' . $function->getStartLine();
            }
        }
        return $replaced;
    }

    /** Callbacks that can answer for user meta, or stop its change. */
    private static function filters()
    {
        global $wp_filter;
        $found = array();
        foreach (array('get', 'add', 'update', 'delete') as $verb) {
            $hook = $verb . '_user_metadata';
            $priorities = isset($wp_filter[$hook]) ? $wp_filter[$hook]->callbacks : array();
            foreach ($priorities as $callbacks) {
                foreach ($callbacks as $callback) {
                    $found[] = $hook . ' by ' . self::described($callback['function']);
                }
            }
        }
        return array_slice($found, 0, self::MAX_NOTES);
    }

    private static function described($function)
    {
        try {
            if (is_string($function) && strpos($function, '::')) {
                $function = explode('::', $function);
            }
            if (is_object($function) && !$function instanceof Closure) {
                $function = array($function, '__invoke');
            }
            $seen = is_array($function)
                ? new ReflectionMethod($function[0], $function[1]) : new ReflectionFunction($function);
            return $seen->getName() . ' in ' . $seen->getFileName() . ':' . $seen->getStartLine();
        } catch (ReflectionException $error) {
            return 'something unknown';
        }
    }

    /** The connection of the SQLite integration, which may be older than OCTET_LENGTH(). */
    private static function pdo()
    {
        static $known = null;
        $pdo = isset($GLOBALS['@pdo']) && $GLOBALS['@pdo'] instanceof PDO ? $GLOBALS['@pdo'] : null;
        if ($pdo && $pdo !== $known) {
            $known = $pdo;
            $pdo->sqliteCreateFunction('OCTET_LENGTH', static function ($value) {
                return $value === null ? null : strlen($value);
            }, 1);
        }
        return $pdo;
    }

    private static function bound($pdo, $request)
    {
        $statement = $pdo->prepare($request['sql']);
        foreach ($request['args'] as $index => $arg) {
            $kind = is_int($arg) ? PDO::PARAM_INT : (is_array($arg) ? PDO::PARAM_LOB : PDO::PARAM_STR);
            $statement->bindValue($index + 1, is_array($arg) ? $arg[0] : $arg, $kind);
        }
        $statement->execute();
        return $statement;
    }

    /** The statement with its arguments as hexadecimal literals: no byte of them can mean more. */
    private static function written($request)
    {
        global $wpdb;
        if (self::$charset === null) {
            self::$charset = $wpdb->get_var('SELECT @@character_set_connection');
        }
        $pieces = explode('?', $request['sql']);
        $sql = array_shift($pieces);
        foreach ($request['args'] as $index => $arg) {
            if (is_int($arg)) {
                $literal = (string) $arg;
            } elseif (is_array($arg)) {
                $literal = "X'" . bin2hex($arg[0]) . "'";
            } elseif (preg_match('/\\A[A-Za-z0-9_@.-]*\\z/', $arg)) {
                // Collated as the connection is: a result of SHA2() is, and would not mix.
                $literal = "'$arg'";
            } else {
                $literal = '_' . self::$charset . " X'" . bin2hex($arg) . "'";
            }
            $sql .= $literal . $pieces[$index];
        }
        return $sql;
    }

    private static function checked($result)
    {
        global $wpdb;
        if ($wpdb->last_error !== '' || $result === false) {
            $code = $wpdb->dbh instanceof mysqli ? mysqli_errno($wpdb->dbh) : 0;
            throw new Kickout_Database_Error($wpdb->last_error ?: 'the query was refused', $code);
        }
        return $result;
    }

    public static function ask_fetch($request)
    {
        global $wpdb;
        $pdo = self::pdo();
        if ($pdo) {
            return self::bound($pdo, $request)->fetchAll(PDO::FETCH_NUM);
        }
        $rows = $wpdb->get_results(self::written($request), ARRAY_N);
        return self::checked($rows) ?: array();
    }

    public static function ask_execute($request)
    {
        global $wpdb;
        $pdo = self::pdo();
        if ($pdo) {
            return self::bound($pdo, $request)->rowCount();
        }
        return self::checked($wpdb->query(self::written($request)));
    }

    /**
     * Rows of these users were changed by SQL: what core does after its own writes, and whether
     * WordPress sees sessions of a user who has no row any more.
     */
    public static function ask_changed($request)
    {
        global $wpdb;
        $seen = array();
        foreach ($request['rows'] as $changed) {
            list($user, $row, $removed) = $changed;
            wp_cache_delete($user, 'user_meta');
            if ($removed) {
                do_action('deleted_user_meta', array($row), $user, self::KEY, '');
            } else {
                do_action('updated_user_meta', $row, $user, self::KEY, get_user_meta($user, self::KEY, true));
            }
            $seen[$user] = true;
        }
        $alive = array();
        foreach (array_keys($seen) as $user) {
            $left = count(self::sessions($user));
            $rows = $left === 0 ? 0 : $wpdb->get_var($wpdb->prepare(
                "SELECT COUNT(*) FROM {$wpdb->usermeta} WHERE user_id = %d AND meta_key = %s", $user, self::KEY));
            if ($left > 0 && (int) $rows === 0) {
                $alive[] = array($user, $left);
            }
        }
        return $alive;
    }

    /** Drops what the object cache holds of these users; of how many there was something. */
    public static function ask_uncache($request)
    {
        $dropped = 0;
        foreach ($request['users'] as $user) {
            $dropped += wp_cache_delete($user, 'user_meta') ? 1 : 0;
        }
        return $dropped;
    }

    /** Puts a mark into the object cache, for a later process to find. */
    public static function ask_mark($request)
    {
        return (bool) wp_cache_set($request['mark'], $request['mark'], 'kickout', 300);
    }

    /** Whether the mark of an earlier process is there. */
    public static function ask_marked($request)
    {
        return wp_cache_get($request['mark'], 'kickout', true) === $request['mark'];
    }

    /** A method that only its own class may call. */
    private static function hidden($object, $name)
    {
        $method = new ReflectionMethod($object, $name);
        if (PHP_VERSION_ID < 80100) {
            $method->setAccessible(true);
        }
        return $method;
    }

    private static function sessions($user, $manager = null)
    {
        $manager = $manager ?: WP_Session_Tokens::get_instance($user);
        if (!method_exists($manager, 'get_sessions')) {
            throw new Exception(get_class($manager) . ' does not say which sessions it holds');
        }
        $sessions = self::hidden($manager, 'get_sessions')->invoke($manager);
        return is_array($sessions) ? $sessions : array();
    }

    /** `[[user, sessions serialized], …]`; users without sessions are left out. */
    public static function ask_sessions($request)
    {
        $found = array();
        foreach ($request['users'] as $user) {
            $sessions = self::sessions($user);
            if ($sessions) {
                $found[] = array($user, serialize($sessions));
            }
        }
        return $found;
    }

    /** Users after (or before) one of them who hold sessions, and where the next look begins. */
    public static function ask_holders($request)
    {
        $order = $request['down'] ? '< ? ORDER BY ID DESC' : '> ? ORDER BY ID';
        global $wpdb;
        $ids = self::ask_fetch(array(
            'sql' => "SELECT ID FROM {$wpdb->users} WHERE ID $order LIMIT " . self::SCAN,
            'args' => array($request['from']),
        ));
        $found = array();
        $last = null;
        foreach ($ids as $id) {
            $last = (int) $id[0];
            $sessions = self::sessions($last);
            if ($sessions) {
                $found[] = array($last, strlen(serialize($sessions)));
            }
            if (count($found) >= $request['limit']) {
                break;
            }
        }
        return array($found, $last);
    }

    /** Ends these sessions of a user who still has what was seen: true, or false when he has not. */
    public static function ask_end($request)
    {
        $manager = WP_Session_Tokens::get_instance($request['user']);
        if (serialize(self::sessions($request['user'], $manager)) !== $request['seen']) {
            return false;
        }
        $update = self::hidden($manager, 'update_session');
        foreach ($request['keys'] as $key) {
            $update->invoke($manager, (string) $key, null);
        }
        self::forget();
        $left = array_intersect_key(self::sessions($request['user']), array_flip($request['keys']));
        return $left ? count($left) : true;
    }

    /** Ends everything of these users, where it is still what was seen: how many, and who kept some. */
    public static function ask_end_all($request)
    {
        $ended = 0;
        $alive = array();
        foreach ($request['rows'] as $row) {
            list($user, $seen) = $row;
            $manager = WP_Session_Tokens::get_instance($user);
            $before = self::sessions($user, $manager);
            if (serialize($before) !== $seen) {
                continue;
            }
            $manager->destroy_all();
            self::forget();
            $left = array_intersect_key(self::sessions($user), $before);
            if ($left) {
                $alive[] = array($user, count($left));
            } else {
                $ended++;
            }
        }
        return array($ended, $alive);
    }

    /** Accounts of a role that are compared. */
    const COMPARED = 10;
    private static $canary;

    /** Whoever may do least, of those who may open their own profile. */
    private static function least()
    {
        $roles = array();
        foreach (wp_roles()->roles as $name => $role) {
            $allowed = array_filter((array) $role['capabilities']);
            if (!empty($allowed['read'])) {
                $roles[$name] = count($allowed);
            }
        }
        asort($roles);
        foreach (array_keys($roles) as $role) {
            $least = null;
            $users = get_users(array('role' => (string) $role, 'number' => self::COMPARED, 'orderby' => 'ID',
                'count_total' => false));
            foreach ($users as $user) {
                $may = count(array_filter((array) $user->allcaps));
                if ($user->has_cap('read') && ($least === null || $may < $least[0])) {
                    $least = array($may, $user);
                }
            }
            if ($least) {
                return $least[1];
            }
        }
        return null;
    }

    /** A short session, and what a browser would send for it; null: for nobody. */
    public static function ask_canary($request)
    {
        $user = $request['user'] ? self::user($request['user']) : self::least();
        if (!$user) {
            return null;
        }
        $id = (int) $user->ID;
        $until = time() + $request['seconds'];
        // What a stale cache holds must not be written back with it.
        wp_cache_delete($id, 'user_meta');
        $manager = WP_Session_Tokens::get_instance($id);
        $before = self::sessions($id, $manager);
        $_SERVER['HTTP_USER_AGENT'] = 'Kickout canary';
        $token = $manager->create($until);
        unset($_SERVER['HTTP_USER_AGENT']);
        self::$canary = array($id, $token);
        self::forget();
        $made = array_keys(array_diff_key(self::sessions($id), $before));
        $cookies = array();
        foreach (array('auth' => AUTH_COOKIE, 'secure_auth' => SECURE_AUTH_COOKIE,
            'logged_in' => LOGGED_IN_COOKIE) as $scheme => $name) {
            $cookies[] = array($name, rawurlencode(wp_generate_auth_cookie($id, $until, $scheme, $token)));
        }
        return array($id, $made ? $made[0] : hash('sha256', $token), $until, admin_url('profile.php'), $cookies);
    }

    /** Nobody heard of the canary: it goes at once. */
    public static function ask_no_canary($request)
    {
        if (self::$canary) {
            WP_Session_Tokens::get_instance(self::$canary[0])->destroy(self::$canary[1]);
        }
        return true;
    }
}

final class Kickout_Database_Error extends Exception
{
}
