# Finds the agent by its SHA-256 in a private directory, or asks for it, and becomes it.
#
# Arguments: the nonce; how many places to pass over; an offer (<architecture>:<hash>:<size>) for
# each agent; --; the places, each a directory or the word home.
# Says, with the nonce: KICKOUT-NEED <architecture>, and reads the agent from stdin;
# KICKOUT-ARCH <architecture>, KICKOUT-FAIL <number of the place> <why>, KICKOUT-NOPLACE <why>.
#
# shell.rs joins these lines by blanks. There is no single quote, backslash or exclamation mark in
# them, so that every login shell (bash, dash, busybox, zsh, tcsh, fish) hands the line to /bin/sh
# unchanged, and no program that busybox lacks.
umask 077;
PATH=/usr/bin:/bin:/usr/sbin:/sbin${PATH:+:$PATH}; export PATH;
n=$1 from=$2 t= i=0 why= h=; shift 2;
m=`uname -m 2>/dev/null`; u=`id -u 2>/dev/null` || u=own;
until [ $# = 0 ] || [ "$1" = -- ]; do
    case $1 in "$m":* | any:*) h=${1#*:};; esac; shift;
done; shift;
if [ -z "$h" ]; then echo "KICKOUT-ARCH $n $m"; exit 1; fi; s=${h#*:}; h=${h%:*};
# OpenSSL first: it has the processor's own instructions, and most sha256sum have not.
sum() { { openssl dgst -sha256 -r || sha256sum || busybox sha256sum; } 2>/dev/null; };
mode() { ls -ldn "$1" 2>/dev/null; };
# Nobody but root and us may rename or remove what we put there.
safe() {
    set -- `mode "$1/."`;
    case $3 in 0 | "$u") ;; *) return 1;; esac;
    case $1 in d????????[tT]* | d????-??-*) return 0;; esac; return 1;
};
ours() { if [ -L "$1" ]; then return 1; fi; safe "$1"; };
# A directory of our own that nobody else enters. One look tells kind, mode and owner: between two,
# another account may exchange what has this name for a link to something of ours, and back.
private() {
    [ -d "$1" ] || mkdir "$1" 2>/dev/null; set -- `mode "$1"`;
    case "$1 $3" in drwx------*" $u") return 0;; esac;
    case "$1 $u" in drwx------*" own") return 0;; esac; return 1;
};
clean() { [ -n "$t" ] && rm -f "$t"; }; trap clean 0; trap "exit 1" 1 2 13 15;
for b do
    i=$((i+1)); [ $i -gt $from ] || continue;
    case $b in
    home) b=${HOME:-/nonexistent}; d=$b/.cache/kickout;;
    *) d=${b%/}/.kickout-$u;;
    esac;
    [ -d "$b" ] || continue;
    safe "$b" || { why="$why $b: others may replace files in it;"; continue; };
    case $d in */.cache/kickout)
        [ -d "$b/.cache" ] || mkdir "$b/.cache" 2>/dev/null;
        ours "$b/.cache" || { why="$why $b/.cache: not ours alone, or read-only;"; continue; };;
    esac;
    private "$d" || { why="$why $d: cannot be made, or is not private;"; continue; };
    f=$d/agent-$h;
    # What is checked is what is executed, whatever its name says by then: the open file.
    if [ -f "$f" ] && [ -O "$f" ] && [ -r "$f" ] && [ -x "$f" ]; then
        exec 3<"$f"; c=`sum <&3`; x=/proc/self/fd/3; [ -e $x ] || x=$f;
        if [ "${c%% *}" = $h ]; then touch -c "$f" 2>/dev/null; exec "$x" $n; fi;
        exec 3<&-;
    fi;
    rm -rf "$f" 2>/dev/null;
    t=$d/.new-$n;
    # An empty file that runs shows that this file system lets files run.
    if (set -C; : > "$t") 2>/dev/null && chmod 700 "$t" && "$t" 2>/dev/null; then :; else
        rm -f "$t" 2>/dev/null; t=; why="$why $d: full, read-only or noexec;"; continue;
    fi;
    find "$d" -name "agent-*" -mtime +30 -exec rm -f {} + 2>/dev/null;
    find "$d" -name ".new-*" -mtime +0 -exec rm -f {} + 2>/dev/null;
    echo "KICKOUT-NEED $n $m";
    if head -c $s > "$t" 2>/dev/null; then :; else echo "KICKOUT-FAIL $n $i $d: full"; exit 1; fi;
    exec 3<"$t"; c=`sum <&3`;
    if [ -n "$c" ] && [ "${c%% *}" = $h ]; then :;
    elif [ -z "$c" ] && [ `wc -c < "$t"` -eq $s ]; then :;
    else echo "KICKOUT-FAIL $n $i $d: it arrived damaged"; exit 1; fi;
    chmod 500 "$t"; mv -f "$t" "$f"; t=; x=/proc/self/fd/3; [ -e $x ] || x=$f;
    if "$x" --version >/dev/null 2>&1 </dev/null; then exec "$x" $n; fi;
    rm -f "$f"; echo "KICKOUT-FAIL $n $i $d: the agent does not run there"; exit 1;
done;
echo "KICKOUT-NOPLACE $n$why"; exit 1
