# Process 1 of the build container: runs the job's scripts and tells the helper how they ended.
# For any POSIX shell (bash, dash, busybox), any user, and without writing a file.
# planner/script.py puts these above: events, output, shells, script_timeout, deadline, after_script,
# after_script_timeout, after_script_errors, last_words, cgroup. See docs/explanation/inside-the-pod.md.

# TERM ends us while we wait for the helper; below, the trap is set again.
trap 'exit 143' TERM

# One stream, in the order in which things are written: a reader could not tell the order of two.
exec 2>&1

if [ -z "${1-}" ]; then
  if ! [ -p "$events" ]; then
    echo "ERROR: $events is missing: the helper has not prepared this pod"
    exit 1
  fi
  # Opening waits until the helper listens. Descriptor 9 is ours alone: the scripts never get it,
  # so its end of file tells the helper that this shell is gone, however it died.
  exec 9>"$events"
  if [ -p "$output" ]; then
    exec >"$output" 2>&1
  fi
  # The first that exists. It also takes over from here, since bash manages processes better.
  for shell in $shells; do
    [ -x "$shell" ] && exec "$shell" "$0" "$shell"
  done
  exec sh "$0" sh
fi
shell=$1
scripts=${0%/*}
child= group= timer= expired= canceled= again=

section_start() {
  printf 'section_start:%s:%s\r\033[0K\033[36;1m%s\033[0;m\n' "$(now)" "$1" "$2"
}

section_end() {
  printf 'section_end:%s:%s\r\033[0K\n' "$(now)" "$1"
}

now() {
  date +%s 2>/dev/null || echo 0
}

warn() {
  printf '\033[0;33mWARNING: %s\033[0;m\n' "$1"
}

# count_kills: leave in $kills how many processes of this container the kernel has killed because
# memory ran out; empty where it does not say. First as cgroup v2 tells it, then v1.
count_kills() {
  kills=
  for file in "$cgroup/memory.events" "$cgroup/memory/memory.oom_control"; do
    [ -r "$file" ] || continue
    while read -r key value; do
      [ "$key" != oom_kill ] || kills=$value
    done <"$file"
  done
} 2>/dev/null

# mebibytes FILE...: leave in $size what the first of them that can be read holds, for a person.
mebibytes() {
  size=
  for file; do
    if [ -z "$size" ] && [ -r "$file" ]; then read -r size <"$file"; fi
  done
  case $size in
  '' | *[!0-9]*) size=unknown ;; # `max` in cgroup v2
  ?????????????????*) size=none ;; # nearly 2^63 in cgroup v1
  *) size="$((size / 1048576)) MiB" ;;
  esac
} 2>/dev/null

# say_if_killed: tell when the kernel has killed something for memory while the script ran. The
# kubelet does not always know; when this shell was killed as well, only the kubelet does.
say_if_killed() {
  count_kills
  if [ -z "$kills" ] || [ -z "$kills_before" ] || [ "$kills" -le "$kills_before" ]; then
    return 0
  fi
  mebibytes "$cgroup/memory.max" "$cgroup/memory/memory.limit_in_bytes"
  limit=$size
  mebibytes "$cgroup/memory.peak" "$cgroup/memory/memory.max_usage_in_bytes"
  killed="out of memory: the kernel killed $((kills - kills_before)) of the script's processes, limit $limit, peak $size"
  warn "$killed"
  if [ "$code" -ne 0 ] && [ -z "$expired" ]; then
    (printf '%s' "$killed" >"$last_words") 2>/dev/null || : # see pods/outcome.py
  fi
}

# find_shell: look again, since what a script leaves may not be what it found: Kaniko unpacks the
# image that it builds over its own root.
find_shell() {
  for shell in $shells sh; do
    [ ! -x "$shell" ] || return 0
  done
}

# launch SCRIPT: start it; leaves its process in $child and what to signal in $group.
launch() {
  running=$1
  case $shell in
  /*) [ -x "$shell" ] || find_shell ;;
  esac
  # TERM may come before we know whom to hand it to.
  early=
  trap 'early=yes' TERM
  # In bash it gets a process group of its own, and SIGINT stays as it is; in other shells, what
  # runs in the background ignores it.
  [ -z "${BASH_VERSION-}" ] || set -m
  "$shell" "$scripts/$1" </dev/null 9>&- &
  child=$!
  [ -z "${BASH_VERSION-}" ] || set +m
  if [ -n "${BASH_VERSION-}" ]; then
    group=-$child
  elif [ $$ -eq 1 ]; then
    group=-1 # as process 1: everything in this container but ourselves
  else
    group=$child
  fi
  trap terminated TERM
  [ -z "$early" ] || terminated
}

signal() {
  kill -s "$1" -- "$group"
}

# later SECONDS COMMAND...: run it when they are over; without `sleep`, never. Second by second,
# so that cancelling leaves nothing that sleeps on.
later() {
  seconds=$1
  shift
  (
    while [ "$seconds" -gt 0 ]; do
      sleep 1 || exit
      seconds=$((seconds - 1))
    done
    "$@"
  ) </dev/null >/dev/null 2>&1 9>&- &
  timer=$!
  [ -z "${BASH_VERSION-}" ] || disown "$timer" # or its end would be written into the log
}

# KILL, since a shell that has only just started can lose any other signal.
cancel() {
  [ -z "$timer" ] || kill -s KILL "$timer" 2>/dev/null
  timer=
}

# End the running script: politely, then not.
stop() {
  cancel
  signal TERM
  later 5 signal KILL
} 2>/dev/null

# run SCRIPT SECONDS: run it to its end; leaves its exit code in $code, and in $expired whether it
# had to be stopped. No seconds, no limit.
run() {
  expired=
  launch "$1"
  [ -z "$2" ] || [ -n "$canceled" ] || later "$2" kill -s USR1 $$
  while
    again=
    wait "$child" 2>/dev/null
    code=$?
    [ -n "$again" ]
  do
    # When a signal comes as the script ends, bash can lose that end, and wait for the timer
    # instead. Once that is gone, too, it says -1.
    kill -s 0 "$child" 2>/dev/null || cancel
  done
  [ "$code" -ge 0 ] || code=143
  trap 'canceled=yes' TERM
  child=
  cancel
}

trap 'expired=yes again=yes; stop' USR1

# The pod is being deleted: the job is canceled. Its script is ended, its after_script goes on.
terminated() {
  again=yes
  [ "$running" = step_script ] || return 0
  trap 'again=yes' TERM
  canceled=yes
  stop
}

# Whether the job's own time is over: then the pod is deleted for that.
overdue() {
  [ -n "$deadline" ] && [ "$(now)" -ge "$deadline" ]
}

# finish CODE: tell the helper, and end with this code. A helper that is gone must not change it.
finish() {
  (
    trap '' PIPE
    echo "job $1" >&9
  ) 2>/dev/null
  exit "$1"
}

section_start step_script 'Executing "step_script" stage of the job script'
count_kills
kills_before=$kills
run step_script "$script_timeout"
say_if_killed
if [ -n "$expired" ]; then
  warn "script ran longer than $script_timeout s (RUNNER_SCRIPT_TIMEOUT) and was ended"
  [ "$code" -ne 0 ] || code=143
  # With it the job has failed for its time, not for its script; see pods/outcome.py.
  (printf 'script timeout: ran longer than %s s (RUNNER_SCRIPT_TIMEOUT)' "$script_timeout" \
    >"$last_words") 2>/dev/null || :
fi
if [ -n "$canceled" ]; then
  warn "the pod is being deleted: the script was ended"
  code=143
fi
section_end step_script
job_code=$code
timed_out=$expired

if [ -n "$canceled" ] && overdue; then
  after_script=no
fi
if [ "$after_script" = yes ]; then
  CI_JOB_STATUS=success
  [ "$job_code" -eq 0 ] || CI_JOB_STATUS=failed
  [ -z "$timed_out" ] || CI_JOB_STATUS=timedout
  [ -z "$canceled" ] || CI_JOB_STATUS=canceled
  export CI_JOB_STATUS
  section_start after_script 'Running after_script'
  run after_script "$after_script_timeout"
  if [ -n "$expired" ]; then
    warn "after_script ran longer than $after_script_timeout s (RUNNER_AFTER_SCRIPT_TIMEOUT) and was ended"
    [ "$code" -ne 0 ] || code=143
  elif [ "$code" -ne 0 ] && [ "$after_script_errors" = ignore ]; then
    warn "after_script failed with exit code $code, but the job goes on unaffected"
  fi
  section_end after_script
  if [ "$job_code" -eq 0 ] && [ "$after_script_errors" = fail ]; then
    job_code=$code
  fi
fi
finish "$job_code"
