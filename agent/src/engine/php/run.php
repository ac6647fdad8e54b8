<?php
/* The last of what PHP is fed: at the top, because a configuration's variables are global. */
if (!Kickout_Worker::open($argv)) {
    exit(1);
}
require Kickout_Worker::prepare();
Kickout_Worker::serve();
