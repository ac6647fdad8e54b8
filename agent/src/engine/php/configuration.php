<?php
/*
 * Evaluates a configuration and nothing else: WordPress is where the file looks for it, but what is
 * found there is ours. Or, where the file needs the real folder, core's first steps, which end before
 * any drop-in, plugin or theme. Fed behind the worker, whose channel it uses.
 */

final class Kickout_Configuration
{
    const STUB = 'kickout';
    public $context;
    private static $asked;
    private static $told = false;

    /** What must hold before the first line of the configuration; returns its path. */
    public static function prepare($asked)
    {
        self::$asked = $asked;
        if ($asked['whole']) {
            define('ABSPATH', $asked['root'] . '/');
            define('SHORTINIT', true);
            define('WP_CACHE', false);
            define('WP_DISABLE_FATAL_ERROR_HANDLER', true);
            global $wp_filter;
            // Asked once core is there, and before the first drop-in.
            $wp_filter['enable_wp_debug_mode_checks'][0][] = array(
                'function' => array(__CLASS__, 'reached'), 'accepted_args' => 1);
        } else {
            stream_wrapper_register(self::STUB, __CLASS__);
            define('ABSPATH', self::STUB . '://wordpress/');
        }
        return $asked['configuration'];
    }

    /** The one file of a WordPress that is not there. */
    public function stream_open($path, $mode)
    {
        if (basename($path) === 'wp-settings.php' && $mode[0] === 'r') {
            self::reached();
        }
        return false;
    }

    public function url_stat($path)
    {
        return basename($path) === 'wp-settings.php' ? array('mode' => 0100444, 'size' => 0, 'mtime' => 0) : false;
    }

    /** The configuration is complete: what comes after it changes nothing. */
    public static function reached()
    {
        self::tell();
        exit(0);
    }

    /** Tells what is defined, once WordPress has begun to load. */
    public static function tell()
    {
        if (self::$told) {
            return;
        }
        self::$told = true;
        $values = array();
        $odd = array();
        foreach (self::$asked['constants'] as $name) {
            if (defined($name)) {
                $values[$name] = constant($name);
            }
        }
        foreach (self::$asked['variables'] as $name) {
            if (isset($GLOBALS[$name])) {
                $values['$' . $name] = $GLOBALS[$name];
            }
        }
        foreach ($values as $name => $value) {
            if (!self::plain($value)) {
                unset($values[$name]);
                $odd[] = $name;
            }
        }
        $files = array();
        foreach (get_included_files() as $file) {
            if (basename($file) === 'wp-settings.php') {
                break;
            }
            $files[] = $file;
        }
        Kickout_Worker::configured(array('values' => $values, 'odd' => $odd, 'files' => $files));
    }

    /** Whether core's first steps have begun, when they ended early. */
    public static function begun()
    {
        return self::$asked['whole'] && defined('WPINC');
    }

    private static function plain($value, $depth = 0)
    {
        if (!is_array($value)) {
            return is_scalar($value) || $value === null;
        }
        foreach ($value as $item) {
            if ($depth > 8 || !self::plain($item, $depth + 1)) {
                return false;
            }
        }
        return true;
    }
}
