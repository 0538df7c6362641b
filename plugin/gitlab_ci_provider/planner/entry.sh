# Process 1 of the build container: runs the job's scripts and tells the helper how they ended.
# For any POSIX shell (bash, dash, busybox), any user, and without writing a file.
# planner/script.py puts these above: events, script_timeout, after_script, after_script_timeout,
# after_script_errors. See docs/explanation/inside-the-pod.md.

# TERM ends us while we wait for the helper; below, the trap is set anew.
trap 'exit 143' TERM

if [ -z "${1-}" ]; then
  if ! [ -p "$events" ]; then
    echo "ERROR: $events is missing: the helper has not prepared this pod" >&2
    exit 1
  fi
  # Opening waits until the helper listens. Descriptor 9 is ours alone: the scripts never get it,
  # so its end of file tells the helper that this shell is gone, however it died.
  exec 9>"$events"
  # The runner's order. The shell is started anew, since bash manages processes better than others.
  for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash \
    /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh; do
    [ -x "$shell" ] && exec "$shell" "$0" "$shell"
  done
  exec sh "$0" sh
fi
shell=$1
scripts=${0%/*}
child= group= watcher= expired=

section_start() {
  printf 'section_start:%s:%s\r\033[0K\033[36;1m%s\033[0;m\n' "$(now)" "$1" "$2"
}

section_end() {
  printf 'section_end:%s:%s\r\033[0K\n' "$(now)" "$1"
}

now() {
  date +%s 2>/dev/null || echo 0
}

# launch SCRIPT: start it; leaves its process in $child and what to signal in $group.
launch() {
  # bash can give it a process group of its own; this also leaves SIGINT alone, which
  # background processes ignore otherwise.
  [ -z "${BASH_VERSION-}" ] || set -m
  "$shell" "$scripts/$1" </dev/null 9>&- &
  child=$!
  if [ -n "${BASH_VERSION-}" ]; then
    set +m
    group=-$child
  elif [ $$ -eq 1 ]; then
    group=-1 # as process 1: everything in this container but ourselves
  else
    group=$child
  fi
}

signal() {
  kill -s "$1" -- "$group"
}

# watch SECONDS: end the script when they are over, first politely. Leaves the process in $watcher;
# its exit code is 0 if it had to.
watch() {
  (
    nap='' late=1
    trap 'kill "$nap"; exit $late' TERM
    rest "$1"
    late=0
    signal TERM
    rest 5
    signal KILL
  ) </dev/null >/dev/null 2>&1 9>&- &
  watcher=$!
}

# Without `sleep` nothing is ended: leaving is better than a limit of no time at all.
rest() {
  sleep "$1" &
  nap=$!
  wait "$nap" || exit 1
}

# run SCRIPT SECONDS: run it to its end; leaves its exit code in $code. No seconds, no limit.
run() {
  launch "$1"
  [ -z "$2" ] || watch "$2"
  wait "$child" 2>/dev/null
  code=$?
  child= expired=
  if [ -n "$watcher" ]; then
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null && expired=yes
    watcher=
  fi
}

# The pod is being deleted: hand TERM on and leave soon.
terminated() {
  trap : TERM
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
  if [ -n "$child" ]; then
    signal TERM 2>/dev/null
    watch 0
    wait "$child" 2>/dev/null
    kill "$watcher" 2>/dev/null
  fi
  exit 143
}

# finish CODE: tell the helper, and end with this code. A helper that is gone must not change it.
finish() {
  (
    trap '' PIPE
    echo "job $1" >&9
  ) 2>/dev/null
  exit "$1"
}

warn() {
  printf '\033[0;33mWARNING: %s\033[0;m\n' "$1"
}

trap terminated TERM

section_start step_script 'Executing "step_script" stage of the job script'
run step_script "$script_timeout"
if [ -n "$expired" ]; then
  warn "script ran longer than $script_timeout s (RUNNER_SCRIPT_TIMEOUT) and was ended"
  [ "$code" -ne 0 ] || code=143
fi
section_end step_script
job_code=$code

if [ "$after_script" = yes ]; then
  CI_JOB_STATUS=success
  [ "$job_code" -eq 0 ] || CI_JOB_STATUS=failed
  export CI_JOB_STATUS
  section_start after_script 'Running after_script'
  run after_script "$after_script_timeout"
  if [ -n "$expired" ]; then
    warn "after_script ran longer than $after_script_timeout s (RUNNER_AFTER_SCRIPT_TIMEOUT) and was ended"
  elif [ "$code" -ne 0 ] && [ "$after_script_errors" = ignore ]; then
    warn "after_script failed with exit code $code, but the job goes on unaffected"
  fi
  section_end after_script
  if [ "$job_code" -eq 0 ] && [ "$after_script_errors" = fail ]; then
    job_code=$code
    [ -z "$expired" ] || [ "$code" -ne 0 ] || job_code=143
  fi
fi
finish "$job_code"
