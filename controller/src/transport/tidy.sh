# Names every agent of ours in every place, and removes them when asked to, with what agents know of
# sites' code. Joined like place.sh.
#
# Arguments: the nonce; where or remove; the places as for place.sh.
# Says, with the nonce: KICKOUT-HAS <size> <path> for each, and KICKOUT-END.
PATH=/usr/bin:/bin:/usr/sbin:/sbin${PATH:+:$PATH}; export PATH;
n=$1 r=$2; shift 2; u=`id -u 2>/dev/null` || u=own;
look() {
    d=$1; set -- `ls -ldn "$d"`; case "$1 $3" in d*" $u") ;; *) return 0;; esac;
    for f in "$d"/agent-* "$d"/.new-*; do
        [ -f "$f" ] || continue; s=`wc -c < "$f"`;
        if [ $r = remove ]; then rm -f "$f" || continue; fi;
        echo "KICKOUT-HAS $n "$s "$f";
    done;
    if [ $r = remove ]; then rm -f "$d"/code-*; rmdir "$d"; fi;
};
for b do
    case $b in home) look "${HOME:-/nonexistent}/.cache/kickout";; *) look "${b%/}/.kickout-$u";; esac;
done 2>/dev/null; echo "KICKOUT-END $n"
