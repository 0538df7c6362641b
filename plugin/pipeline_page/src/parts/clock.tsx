import { useSyncExternalStore } from "react";

import { duration } from "./words";

// One timer for all that counts seconds; it stops when nothing does.
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const tell of listeners) tell();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function current(): number {
  return timer ? now : (now = Date.now());
}

function useNow(): number {
  return useSyncExternalStore(subscribe, current);
}

interface Counting {
  /** How the seconds are written. */
  as?: (seconds: number) => string;
}

/** The time since a moment, counting. */
export function Elapsed({ since, as = duration }: { since: string } & Counting) {
  return <>{as(Math.max(0, (useNow() - Date.parse(since)) / 1000))}</>;
}

/** The time until a moment, counting down. */
export function Countdown({ to, as = duration }: { to: string } & Counting) {
  return <>{as(Math.max(0, (Date.parse(to) - useNow()) / 1000))}</>;
}
