# shellcheck shell=bash
# Processes known by pid and start time, so that a pid that the kernel gave to somebody else is never signalled.
# Used by deploy/dev/env; $RUN is the folder of pid files, $LOGS that of logs.

# start_time PID: ticks since boot, from /proc; fails when the process is gone or only waits to be reaped.
start_time() {
    local stat fields
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} != [ZX] ]] && echo "${fields[19]}"
}

# pid_of NAME: the recorded process if it still runs.
pid_of() {
    local pid started
    read -r pid started 2>/dev/null <"$RUN/$1.pid" || return 1
    [[ $(start_time "$pid") == "$started" ]] && echo "$pid"
}

# launch NAME COMMAND...: in the background, in a session of its own, output appended to the log. COMMAND must exec, not
# fork, so that the recorded pid is the service's.
launch() {
    local name=$1
    shift
    setsid "$@" >>"$LOGS/$name.log" 2>&1 </dev/null 9>&- &
    echo "$! $(start_time $!)" >"$RUN/$name.pid"
    disown
}

# family PID: the process and all below it.
family() {
    local pid=$1 child children list=()
    echo "$pid"
    for children in /proc/"$pid"/task/*/children; do
        { read -ra list <"$children"; } 2>/dev/null || true
        for child in "${list[@]}"; do
            family "$child"
        done
    done
}

# signal NAME SIGNAL: to the whole family; quiet when nothing runs.
signal_all() {
    local pid
    pid=$(pid_of "$1") || return 0
    # Word splitting is wanted: a list of pids.
    # shellcheck disable=SC2046
    kill -s "$2" $(family "$pid") 2>/dev/null || true
}

# wait_gone NAME SECONDS
wait_gone() {
    local left=$(($2 * 20))
    while pid_of "$1" >/dev/null; do
        ((left-- > 0)) || return 1
        sleep 0.05
    done
}

# terminate NAME SIGNAL: ask politely, insist after 20 s.
terminate() {
    local pid
    pid=$(pid_of "$1") || return 0
    signal_all "$1" CONT
    kill -s "$2" "$pid" 2>/dev/null || true
    if ! wait_gone "$1" 20; then
        echo "$1 (pid $pid) did not stop within 20 s: killed" >&2
        signal_all "$1" KILL
        wait_gone "$1" 5
    fi
    rm -f "$RUN/$1.pid"
}

# kill_now NAME: the family at once, as a power cut would; returns when the last of them is gone, so that a restart finds
# neither port nor shared memory in use.
kill_now() {
    local pid members member left=200
    pid=$(pid_of "$1") || return 0
    members=$(family "$pid")
    # shellcheck disable=SC2086
    kill -s KILL $members 2>/dev/null || true
    for member in $members; do
        while start_time "$member" >/dev/null && ((left-- > 0)); do
            sleep 0.05
        done
    done
    rm -f "$RUN/$1.pid"
}
