import type { ReactNode } from "react";
import { Link } from "react-router-dom";

/** A link to another place on the pipeline page. */
export function Place({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link className="glp-link" to={{ search: to }}>
      {children}
    </Link>
  );
}
