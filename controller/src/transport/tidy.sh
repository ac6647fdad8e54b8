# Names every agent of ours in every place, and removes them when asked to. Joined like place.sh.
#
# Arguments: the nonce; where or remove; the places as for place.sh.
# Says, with the nonce: KICKOUT-HAS <size> <path> for each, and KICKOUT-END.
PATH=/usr/bin:/bin:/usr/sbin:/sbin${PATH:+:$PATH}; export PATH;
n=$1 r=$2; shift 2; u=`id -u 2>/dev/null` || u=own;
for b do
    case $b in home) d=${HOME:-/nonexistent}/.cache/kickout;; *) d=${b%/}/.kickout-$u;; esac;
    [ -d "$d" ] && [ -O "$d" ] || continue; if [ -L "$d" ]; then continue; fi;
    for f in "$d"/agent-* "$d"/.new-*; do
        [ -f "$f" ] || continue; s=`wc -c < "$f"`;
        if [ $r = remove ]; then rm -f "$f" || continue; fi;
        echo "KICKOUT-HAS $n "$s "$f";
    done;
    if [ $r = remove ]; then rmdir "$d"; fi;
done 2>/dev/null; echo "KICKOUT-END $n"
