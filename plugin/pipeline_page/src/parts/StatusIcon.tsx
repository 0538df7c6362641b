import type { ReactNode } from "react";

// Shapes differ as well as colours: nobody has to tell red from green.
const SHAPES: Record<string, ReactNode> = {
  success: <path d="m4.8 8.300 2.200 2.200 4.200-4.600" />,
  warning: <path d="M8 4.500v4.200M8 11.200v.3" />,
  failed: <path d="m5.500 5.500 5 5m0-5-5 5" />,
  canceled: <path d="m4.600 11.400 6.800-6.800" />,
  skipped: <path d="m5 5.500 2.500 2.500L5 10.500m3.500-5L11 8l-2.500 2.500" />,
  running: <path d="M8 3.800A4.200 4.200 0 1 1 3.800 8" />,
  pending: <path d="M6.400 5.500v5m3.200-5v5" />,
  created: <circle cx="8" cy="8" r="1" fill="currentColor" />,
  manual: <path d="M6.500 5.200 10.800 8l-4.300 2.800z" fill="currentColor" />,
  blocked: <path d="M6.500 5.200 10.800 8l-4.300 2.800z" fill="currentColor" />,
  scheduled: <path d="M8 4.800V8l2.200 1.500" />,
  absent: <path d="M5.500 8h5" />,
};

export function StatusIcon({ status }: { status: string }) {
  return (
    <svg className={`glp-icon glp-${status}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <circle className="glp-ring" cx="8" cy="8" r="7" />
      <g className={status === "running" ? "glp-turning" : undefined}>{SHAPES[status] ?? SHAPES.created}</g>
    </svg>
  );
}
